"""What a score is worth: areas, operating points and calibration.

Each metric takes `weights` of shape [draws, maps] and returns one value a draw: a bootstrap draw is how often it holds
each map, so that thousands of draws are one matrix product. Weights of one give the plain metric. Areas equal those of
scikit-learn with `sample_weight`; where a draw has one class only they are undefined, hence NaN.
"""

import numpy as np


def auc(y, score, weights):
    """Area under the ROC curve: the share of (unstable, stable) pairs of maps in which the unstable one scores higher.

    Args:
        y: [maps], 0 stable or 1 unstable.
        score: [maps], higher means less stable; ties count one half.
        weights: [draws, maps], not negative.

    Returns:
        [draws], 0 to 1; NaN where a class is missing.
    """
    unstable, stable = y == 1, y == 0
    won = (np.sign(score[unstable][:, None] - score[stable]) + 1) / 2
    wins = ((weights[:, unstable] @ won) * weights[:, stable]).sum(axis=1)
    return _ratio(wins, weights[:, unstable].sum(axis=1) * weights[:, stable].sum(axis=1))


def average_precision(y, score, weights):
    """Average precision: precision at each threshold weighted by the recall gained there, without interpolation.

    Args:
        y, score, weights: as for `auc`.

    Returns:
        [draws], 0 to 1; NaN where a class is missing. Chance is the prevalence.
    """
    order = np.argsort(-score, kind="stable")
    y, score, weights = y[order], score[order], weights[:, order]
    # Maps with equal scores are called together.
    last = np.append(np.diff(score) != 0, True)
    called = np.cumsum(weights, axis=1)[:, last]
    found = np.cumsum(weights * y, axis=1)[:, last]
    precision = found / np.maximum(called, 1e-12)
    gained = np.diff(found, axis=1, prepend=0)
    both = (found[:, -1] > 0) & (found[:, -1] < called[:, -1])
    return _ratio((precision * gained).sum(axis=1), np.where(both, found[:, -1], 0))


def sensitivity(y, called, weights):
    """Share of the unstable maps that are called unstable; `called` is 0 to 1 (the mean call over repeats)."""
    return _ratio(weights @ (y * called), weights @ y)


def specificity(y, called, weights):
    """Share of the stable maps that are called stable; `called` is 0 to 1 (the mean call over repeats)."""
    return _ratio(weights @ ((1 - y) * (1 - called)), weights @ (1 - y))


def brier(y, probability, weights):
    """Mean squared distance of the probability from the label: 0 is perfect, .25 what a constant .5 gets."""
    return _ratio(weights @ (probability - y) ** 2, weights.sum(axis=1))


def prevalence(y, _, weights):
    """Share of unstable maps: the average precision of chance."""
    return _ratio(weights @ y, weights.sum(axis=1))


def youden_threshold(y, probability):
    """Probability from which on a map is called unstable, where sensitivity + specificity is highest.

    Args:
        y, probability: [maps] of *validation* maps; test maps must not choose their own threshold.

    Returns:
        float; infinite when no threshold beats chance; NaN when a class is missing.
    """
    from sklearn.metrics import roc_curve

    if len(np.unique(y)) < 2:
        return np.nan
    false_positive, true_positive, thresholds = roc_curve(y, probability)
    return float(thresholds[np.argmax(true_positive - false_positive)])


def _ratio(part, whole):
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
