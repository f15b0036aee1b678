"""DeLong's test of two AUCs on the same maps, and its form for maps that come in patients."""

from typing import NamedTuple

import numpy as np


class Comparison(NamedTuple):
    """Result of a comparison: difference of the AUCs, standard error, z and two-sided p (NaN without variance)."""

    difference: float
    error: float
    z: float
    p: float


def delong_test(y, first, second, subjects=None):
    """Tests the difference between the AUCs of two models that scored the same maps.

    Args:
        y, first, second, subjects: as for `covariance`, the models one by one.

    Returns:
        `Comparison`.
    """
    from scipy.stats import norm

    areas, spread = covariance(y, [first, second], subjects)
    difference = float(areas[0] - areas[1])
    # Two equal models have a variance of 0 that rounding may put below it.
    error = float(np.sqrt(max(spread[0, 0] + spread[1, 1] - 2 * spread[0, 1], 0)))
    if error < 1e-12:
        return Comparison(difference, error, *((0.0, 1.0) if abs(difference) < 1e-12 else (np.nan, np.nan)))
    z = difference / error
    return Comparison(difference, error, z, float(2 * norm.sf(abs(z))))


def covariance(y, scores, subjects=None):
    """Areas under the ROC curves of several models, and how they would vary over other samples.

    Without subjects this is DeLong, DeLong and Clarke-Pearson 1988 (Biometrics 44:837), which takes maps for
    independent. With subjects it is Obuchowski 1997 (Biometrics 53:567), in which a patient's maps, stable and
    unstable ones, may depend on each other; where each patient has one map both are the same.

    Args:
        y: [maps], 0 or 1, both present.
        scores: [models, maps], higher means less stable; ties count one half.
        subjects: [maps] patient of each map, or None.

    Returns:
        (areas [models], covariance [models, models]); the covariance is NaN when a class comes from a single patient.
    """
    y, scores = np.asarray(y), np.asarray(scores, float)
    unstable, stable = y == 1, y == 0
    won = (np.sign(scores[:, unstable, None] - scores[:, None, stable]) + 1) / 2
    areas = won.mean(axis=(1, 2))
    # What each map adds to the area beyond its share: the structural components.
    parts = np.zeros(scores.shape)
    parts[:, unstable] = won.mean(axis=2) - areas[:, None]
    parts[:, stable] = won.mean(axis=1) - areas[:, None]
    _, member = np.unique(np.arange(len(y)) if subjects is None else np.asarray(subjects, str), return_inverse=True)
    membership = np.eye(member.max() + 1)[member]
    of_unstable, of_stable = (parts * unstable) @ membership, (parts * stable) @ membership
    clusters = [np.count_nonzero(held @ membership) for held in (unstable.astype(int), stable.astype(int))]
    if min(clusters) < 2:
        return areas, np.full((len(areas), len(areas)), np.nan)
    sizes = np.array([unstable.sum(), stable.sum()])
    within = [
        count / (count - 1) * (sums @ sums.T) / size**2
        for count, sums, size in zip(clusters, (of_unstable, of_stable), sizes, strict=True)
    ]
    between = membership.shape[1] / (membership.shape[1] - 1) * (of_unstable @ of_stable.T) / sizes.prod()
    return areas, within[0] + within[1] + between + between.T
