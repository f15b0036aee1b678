"""How far labels from reports can be trusted: agreement, calibration, and accuracy at the cuts.

Metrics take `weights` of shape [draws, pairs] and return one value a draw, as in `gliodelta.statistics.metrics`.
"""

import numpy as np

# The published cuts, by confidence; and the shares of the labels that these cuts kept there (Di Noto et al. 2022:
# 1,200 and 561 of 1,460).
CONFIDENCES = (0.75, 0.95)
SHARES = (0.82, 0.38)


def kappa(y, called, weights):
    """Cohen's kappa of two readings in any number of classes; NaN where only one class occurs."""
    total = weights.sum(axis=1)
    agree = weights @ (y == called) / total
    classes = np.union1d(y, called)
    chance = sum((weights @ (y == label)) * (weights @ (called == label)) for label in classes) / total**2
    return np.divide(agree - chance, 1 - chance, out=np.full(len(total), np.nan), where=chance < 1)


def fleiss_kappa(unstable, readers, weights):
    """Fleiss' kappa of the readers among themselves (Fleiss 1971), with as many readers a pair as there are.

    Args:
        unstable: [pairs] how many readers call the pair unstable.
        readers: [pairs] how many gave it a binary label, two at least.
        weights: [draws, pairs], not negative.

    Returns:
        [draws], at most 1; NaN where only one label occurs.
    """
    stable = readers - unstable
    agree = (unstable * (unstable - 1) + stable * (stable - 1)) / (readers * (readers - 1))
    agree = weights @ agree / weights.sum(axis=1)
    share = weights @ unstable / (weights @ readers)
    chance = share**2 + (1 - share) ** 2
    return np.divide(agree - chance, 1 - chance, out=np.full(len(chance), np.nan), where=chance < 1)


def accuracy(y, called, weights):
    """Share of pairs with the right label."""
    return weights @ (y == called) / weights.sum(axis=1)


def confidence(p_unstable):
    """Returns the probability of the likelier label, 0.5 to 1."""
    return np.maximum(p_unstable, 1 - p_unstable)


def wilson(successes, trials):
    """Returns (share, low, high): a share with its 95 % Wilson interval (Wilson 1927); NaN without trials."""
    from scipy.stats import binomtest

    if not trials:
        return np.nan, np.nan, np.nan
    found = binomtest(int(successes), int(trials)).proportion_ci(method="wilson")
    return successes / trials, found.low, found.high


def cut_metrics(right, confidence):
    """Accuracy where it is asked for, at the two kinds of cuts.

    Args:
        right: [pairs] bool, whether the label is the right one.
        confidence: [pairs] in 0.5 to 1.

    Yields:
        (metric, value, low, high, kept): the share that each least confidence keeps and the accuracy there, both with
        Wilson intervals; for the quantiles, the confidence where the cut falls and the accuracy above. `kept` are the
        positions of the pairs that the metric speaks of.
    """
    right, confidence = np.asarray(right, bool), np.asarray(confidence, float)
    every = np.arange(len(right))
    for least in CONFIDENCES:
        kept = np.flatnonzero(confidence >= least)
        yield f"share_confidence_{least}", *wilson(len(kept), len(right)), every
        yield f"accuracy_confidence_{least}", *wilson(right[kept].sum(), len(kept)), kept
    # Ties at the cut stay together here; `training.data.cut_weak` breaks them.
    for share in SHARES:
        least = np.quantile(confidence, 1 - share) if len(confidence) else np.nan
        kept = np.flatnonzero(confidence >= least)
        yield f"threshold_quantile_{share}", least, np.nan, np.nan, kept
        yield f"accuracy_quantile_{share}", *wilson(right[kept].sum(), len(kept)), kept


def coverage_curve(right, confidence):
    """Returns (coverage, accuracy): what share the most confident labels are, and how many of these are right.

    Args:
        right, confidence: as for `cut_metrics`.

    Returns:
        Two arrays, one value a distinct confidence, from the most confident on.
    """
    right, confidence = np.asarray(right, float), np.asarray(confidence, float)
    order = np.argsort(-confidence, kind="stable")
    last = np.append(np.diff(confidence[order]) != 0, True)
    number = np.arange(1, len(right) + 1)
    return (number / len(right))[last], (np.cumsum(right[order]) / number)[last]
