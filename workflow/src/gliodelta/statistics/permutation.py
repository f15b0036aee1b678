"""Permutation tests of two models that scored the same maps, and the correction for making many of them."""

import numpy as np

from gliodelta.statistics.metrics import auc

# Equal up to rounding: differences of AUC are ratios of counts far coarser than this.
_ROUNDING = 1e-12


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
    return _share(difference[1:] >= difference[0] - _ROUNDING)


def published_unpaired_test(y, first, second, draws, seed):
    """The permutation test of Di Noto et al. 2022 (arXiv 2210.09698 and its public code), for comparison only.

    The labels and raw scores of both models go into one bag, from which those of "model 1" are drawn without
    replacement. It forgets that the models scored the same maps of the same patients, and that their scores may lie on
    different scales. It is one-sided, here towards the difference that was observed.

    Args:
        y, first, second, draws, seed: as for `swap_test`.

    Returns:
        float, one-sided p-value. The observed labelling counts as one of the permutations, which the published code
        leaves out: it prints 0 where this gives 1 / (draws + 1).
    """
    number = len(y)
    generator = np.random.default_rng(seed)
    drawn = np.argsort(generator.random((draws, 2 * number)), axis=1) < number
    chosen = np.vstack([np.arange(2 * number) < number, drawn]).astype(float)
    bag, scores = np.concatenate([y, y]), np.concatenate([first, second])
    difference = auc(bag, scores, chosen) - auc(bag, scores, 1 - chosen)
    # Draws with one class on a side have no AUC.
    usable = difference[~np.isnan(difference)]
    # Equal areas have no direction; either will do.
    return _share(usable[1:] * (np.sign(usable[0]) or 1) > abs(usable[0]) + _ROUNDING)


def _share(as_extreme):
    return float((1 + np.sum(as_extreme)) / (1 + len(as_extreme)))


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
