"""How an engine's failure excludes the exam or pair that it failed on, instead of stopping the run."""

import contextlib

from gliodelta.status import Excluded

# How ITK and the C++ library say that the machine, not the image, is at fault.
OUT_OF_MEMORY = ("memory", "bad_alloc")


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


@contextlib.contextmanager
def foreign(reason):
    """Runs a library in C++, which tells of images it cannot work on and of a full memory by one and the same error.

    Args:
        reason: sentence for the tables, should the library fail on the image.

    Raises:
        Excluded: the library gave up on the image.
        RuntimeError: the machine ran out of memory.
    """
    try:
        yield
    except RuntimeError as error:
        if any(sign in str(error).lower() for sign in OUT_OF_MEMORY):
            raise
        raise Excluded(reason) from None
