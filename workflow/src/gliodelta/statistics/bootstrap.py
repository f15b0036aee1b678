"""Intervals where maps of one patient resemble each other: whole patients are resampled, never single maps.

Intervals speak of new patients for the models at hand; they leave out how training would vary.
"""

import numpy as np


def draw_patients(subjects, draws, seed):
    """Draws patients with replacement, all maps of a patient together.

    Args:
        subjects: [maps] patient of each map.
        draws: number of draws.
        seed: of the random generator.

    Returns:
        [1 + draws, maps] how often each map is in each draw; row 0 is the sample itself (ones).
    """
    patients, member = np.unique(np.asarray(subjects, str), return_inverse=True)
    counts = np.random.default_rng(seed).multinomial(len(patients), [1 / len(patients)] * len(patients), size=draws)
    return np.vstack([np.ones(len(member)), counts[:, member]])


def interval(drawn, level=0.95):
    """Percentile interval of a bootstrap.

    Args:
        drawn: [draws] values, NaN where a draw gave none (one class only).
        level: coverage.

    Returns:
        (low, high, unusable): the interval (NaN when no draw is usable) and the number of draws without a value.
    """
    usable = drawn[~np.isnan(drawn)]
    if not len(usable):
        return np.nan, np.nan, len(drawn)
    low, high = np.quantile(usable, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high), len(drawn) - len(usable)


def band(drawn, level=0.95):
    """Pointwise percentile band of curves.

    Args:
        drawn: [draws, points] values, NaN where a draw gave none.
        level: coverage.

    Returns:
        (low, high), each [points]; NaN where no draw is usable.
    """
    ends = np.full((2, drawn.shape[1]), np.nan)
    known = ~np.isnan(drawn).all(axis=0)
    ends[:, known] = np.nanquantile(drawn[:, known], [(1 - level) / 2, (1 + level) / 2], axis=0)
    return ends[0], ends[1]
