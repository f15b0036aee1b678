"""How an engine's numerical failure excludes the exam or pair that it failed on, instead of stopping the run."""

from gliodelta.status import Excluded


def call(reason, engine, *arguments):
    """Returns what an engine's function returns.

    Args:
        reason: sentence for the tables, should the engine fail.
        engine: function that returns an array of numbers.
        arguments: what it takes.

    Raises:
        Excluded: it met a matrix without an inverse, or returned something that is not finite.
    """
    import numpy as np

    try:
        return finite(reason, engine(*arguments))
    except np.linalg.LinAlgError:
        raise Excluded(reason) from None


def finite(reason, numbers):
    """Returns `numbers`, an array or a number; raises `Excluded` with `reason` where one of them is not finite."""
    import numpy as np

    if not np.isfinite(numbers).all():
        raise Excluded(reason)
    return numbers
