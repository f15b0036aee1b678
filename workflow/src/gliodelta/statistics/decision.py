"""What acting on the probabilities would bring: decision curve analysis (Vickers and Elkin 2006)."""

import numpy as np

# A reader who acts from 5 % on takes 19 false alarms for one missed change; from 95 % on the reverse.
THRESHOLDS = np.arange(5, 96) / 100


def net_benefit(y, probability, weights, thresholds=THRESHOLDS):
    """Net benefit of acting on every map whose probability reaches a threshold.

    True positives count 1 and false positives the odds of the threshold, both as shares of all maps: a reader who acts
    at 20 % holds a false alarm for a quarter as bad as a missed change.

    Args:
        y: [maps], 0 stable or 1 unstable.
        probability: [maps], 0 to 1.
        weights: [draws, maps], not negative.
        thresholds: [thresholds], above 0 and below 1.

    Returns:
        [draws, thresholds], at most the share of unstable maps; 0 is what acting on none brings.
    """
    acted = np.asarray(probability)[:, None] >= thresholds
    worth = np.where(np.asarray(y)[:, None] == 1, 1.0, -thresholds / (1 - thresholds))
    return weights @ (acted * worth) / weights.sum(axis=1, keepdims=True)


def net_benefit_of_all(prevalence, thresholds=THRESHOLDS):
    """Returns the net benefit, [thresholds], of acting on every map; 0 where the prevalence is the threshold."""
    return prevalence - (1 - prevalence) * thresholds / (1 - thresholds)
