"""Whether probabilities are right: of the maps that got 0.8, four in five should be unstable.

Functions take `weights` of shape [draws, maps] and return one value a draw, as in `gliodelta.statistics.metrics`.
"""

import numpy as np

# Equally wide ones. At tens of labelled maps, ten bins would hold two or three each.
BINS = 5
# Log odds stay finite: nine digits are what tables hold.
_CERTAIN = 1e-9
# Newton's method settles in fewer than ten steps where there is a slope; separated classes let it grow for ever.
_STEPS, _SETTLED, _FLAT = 30, 1e-6, 1e-9


def calibration_error(y, probability, weights, bins=BINS):
    """Expected calibration error: mean distance of a bin's mean probability from its share of unstable maps.

    Args:
        y: [maps], 0 stable or 1 unstable.
        probability: [maps], 0 to 1.
        weights: [draws, maps], not negative.
        bins: number of equally wide bins; a probability on an edge belongs to the upper one.

    Returns:
        [draws], 0 (calibrated) to 1.
    """
    members = np.eye(bins)[bin_of(probability, bins)]
    return np.abs(weights @ (members * (probability - y)[:, None])).sum(axis=1) / weights.sum(axis=1)


def calibration_in_the_large(y, probability, weights):
    """Mean probability less the share of unstable maps: above 0 where change is foretold too often."""
    return weights @ (probability - y) / weights.sum(axis=1)


def calibration_slope(y, probability, weights):
    """Slope of a logistic regression of the labels on the log odds (Cox 1958): 1 is right, below 1 is too extreme.

    Args:
        y, probability, weights: as for `calibration_error`.

    Returns:
        [draws]; NaN where the probabilities separate the classes or are all the same, which fits no slope.
    """
    from scipy.special import expit, logit

    x = logit(np.clip(probability, _CERTAIN, 1 - _CERTAIN))
    terms = np.stack([np.ones(len(x)), x], axis=1)
    products = (terms[:, :, None] * terms[:, None, :]).reshape(len(x), 4)
    found, slope = np.full(len(weights), np.nan), np.tile([0.0, 1.0], (len(weights), 1))
    # Draws still under way; the others have settled, or have no slope.
    going = np.arange(len(weights))
    for _ in range(_STEPS):
        mean = expit(slope @ terms.T)
        curvature = ((weights[going] * mean * (1 - mean)) @ products).reshape(-1, 2, 2)
        steep = np.linalg.det(curvature) > _FLAT
        going, slope, mean, curvature = going[steep], slope[steep], mean[steep], curvature[steep]
        step = np.linalg.solve(curvature, ((weights[going] * (y - mean)) @ terms)[..., None])[..., 0]
        # Newton's steps may overshoot far from the solution.
        slope = slope + np.clip(step, -1, 1)
        settled = np.abs(step).max(axis=1, initial=0) < _SETTLED
        found[going[settled]] = slope[settled, 1]
        going, slope = going[~settled], slope[~settled]
        if not len(going):
            break
    return found


def reliability_curve(y, probability, weights, bins=BINS):
    """Share of unstable maps in each bin of probability, beside the mean probability there.

    Args:
        y, probability, weights, bins: as for `calibration_error`.

    Returns:
        (foretold, observed), each [draws, bins]: mean probability and share of unstable maps, NaN in empty bins.
    """
    members = np.eye(bins)[bin_of(probability, bins)]
    held = weights @ members
    return tuple(
        np.divide(weights @ (members * values[:, None]), held, out=np.full(held.shape, np.nan), where=held > 0)
        for values in (np.asarray(probability, float), np.asarray(y, float))
    )


def bin_of(probability, bins=BINS):
    """Returns the number, from 0 on, of each probability's bin."""
    return np.minimum((np.asarray(probability) * bins).astype(int), bins - 1)
