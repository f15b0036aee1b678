"""Certainty where maps of one patient resemble each other: whole patients are resampled or swapped, never single maps.

Intervals and p-values speak of new patients for the models at hand; they leave out how training would vary.
"""

import numpy as np

from gliodelta.statistics.metrics import auc

# Equal up to rounding: differences of AUC are ratios of counts far coarser than this.
_ROUNDING = 1e-12


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


def swap_test(y, subjects, first, second, draws, seed):
    """Permutation test of the difference between the AUCs of two models that scored the same maps.

    One coin a patient swaps all of that patient's scores between the models. A coin a map would ignore that maps of
    one patient resemble each other: it rejects 24 % of true null hypotheses at .05 on clustered data. Scores are
    first put on a common scale, their ranks, which changes neither AUC.

    Args:
        y: [maps], 0 or 1, both present.
        subjects: [maps] patient of each map.
        first, second: [maps] scores of the models.
        draws: number of permutations.
        seed: of the random generator.

    Returns:
        float, two-sided p-value; the observed labelling counts as one of the permutations, so that it is never 0.
    """
    from scipy.stats import rankdata

    _, member = np.unique(np.asarray(subjects, str), return_inverse=True)
    coins = np.random.default_rng(seed).integers(0, 2, size=(draws, member.max() + 1))[:, member]
    swapped = np.vstack([np.zeros(len(member)), coins])
    # A permuted model holds each map twice, once with either model's rank; the coin gives one of them the weight 1.
    doubled, ranks = np.concatenate([y, y]), np.concatenate([rankdata(first), rankdata(second)])
    kept = auc(doubled, ranks, np.hstack([1 - swapped, swapped]))
    other = auc(doubled, ranks, np.hstack([swapped, 1 - swapped]))
    difference = np.abs(kept - other)
    return float((1 + np.sum(difference[1:] >= difference[0] - _ROUNDING)) / (1 + draws))


def holm(p_values):
    """Holm's step-down correction for a family of tests (Holm 1979).

    Args:
        p_values: [tests], NaN for a test that could not be made; such a test is not of the family.

    Returns:
        [tests] corrected p-values, at most 1.
    """
    p_values = np.asarray(p_values, float)
    corrected = np.full(len(p_values), np.nan)
    order = [index for index in np.argsort(p_values, kind="stable") if not np.isnan(p_values[index])]
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected
