"""What a score is worth: areas under curves and operating points.

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
    called, found = call_from_the_top(y, score, weights)
    precision = found / np.maximum(called, 1e-12)
    gained = np.diff(found, axis=1, prepend=0)
    return _ratio((precision * gained).sum(axis=1), _unstable_beside_stable(called, found))


def aupr_trapezoid(y, score, weights):
    """Area under the precision-recall curve by the trapezoidal rule, from recall 0 and precision 1 on.

    It joins points by straight lines that no threshold can reach and so flatters (Davis and Goadrich 2006); it is here
    because Di Noto et al. 2022 report it (arXiv 2210.09698).

    Args:
        y, score, weights: as for `auc`.

    Returns:
        [draws], 0 to 1; NaN where a class is missing.
    """
    called, found = call_from_the_top(y, score, weights)
    precision = np.divide(found, called, out=np.ones_like(found), where=called > 0)
    height = (precision + np.hstack([np.ones((len(precision), 1)), precision[:, :-1]])) / 2
    gained = np.diff(found, axis=1, prepend=0)
    return _ratio((height * gained).sum(axis=1), _unstable_beside_stable(called, found))


def call_from_the_top(y, score, weights):
    """Counts what is called unstable as the threshold falls; maps with equal scores are called together.

    Args:
        y, score, weights: as for `auc`.

    Returns:
        (called, found), each [draws, distinct scores]: maps called unstable, and how many of them are.
    """
    order = np.argsort(-score, kind="stable")
    y, score, weights = y[order], score[order], weights[:, order]
    last = np.append(np.diff(score) != 0, True)
    return np.cumsum(weights, axis=1)[:, last], np.cumsum(weights * y, axis=1)[:, last]


def _unstable_beside_stable(called, found):
    """Number of unstable maps of each draw; 0 where it holds no stable one."""
    return np.where(found[:, -1] < called[:, -1], found[:, -1], 0)


def sensitivity(y, called, weights):
    """Share of the unstable maps that are called unstable; `called` is 0 to 1 (the mean call over repeats)."""
    return _ratio(weights @ (y * called), weights @ y)


def specificity(y, called, weights):
    """Share of the stable maps that are called stable; `called` is 0 to 1 (the mean call over repeats)."""
    return _ratio(weights @ ((1 - y) * (1 - called)), weights @ (1 - y))


def ppv(y, called, weights):
    """Positive predictive value: share of the maps called unstable that are; NaN where none is called so."""
    return _ratio(weights @ (y * called), weights @ called)


def npv(y, called, weights):
    """Negative predictive value: share of the maps called stable that are; NaN where none is called so."""
    return _ratio(weights @ ((1 - y) * (1 - called)), weights @ (1 - called))


def accuracy(y, called, weights):
    """Share of the maps that are called what they are; `called` is 0 to 1 (the mean call over repeats)."""
    return _ratio(weights @ (y * called + (1 - y) * (1 - called)), weights.sum(axis=1))


def f1(y, called, weights):
    """Harmonic mean of sensitivity and positive predictive value; NaN where nothing is or is called unstable."""
    return _ratio(2 * (weights @ (y * called)), weights @ y + weights @ called)


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
