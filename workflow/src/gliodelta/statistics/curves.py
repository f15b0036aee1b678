"""ROC and precision-recall curves of bootstrap draws, read at common places so that a band can be drawn around them."""

import numpy as np

from gliodelta.statistics.metrics import call_from_the_top

# Where the curves are read.
GRID = np.linspace(0, 1, 101)


def roc_curves(y, score, weights):
    """Sensitivity of each draw at the shares of false alarms `GRID`, straight lines between thresholds.

    Args:
        y, score, weights: as for `metrics.auc`.

    Returns:
        [draws, 101]; NaN where a draw lacks a class.
    """
    called, found = call_from_the_top(y, score, weights)
    curves = np.full((len(weights), len(GRID)), np.nan)
    for curve, alarms, hits in zip(curves, called - found, found, strict=True):
        if alarms[-1] > 0 and hits[-1] > 0:
            # A hair to the right: at a jump the upper end counts, whichever way the division was rounded.
            places = np.append(0, alarms) / alarms[-1]
            curve[:] = np.interp(GRID + 1e-12, places, np.append(0, hits) / hits[-1])
    return curves


def precision_curves(y, score, weights):
    """Precision of each draw at the recalls `GRID`: that of the highest threshold which reaches the recall.

    Args:
        y, score, weights: as for `metrics.auc`.

    Returns:
        [draws, 101]; NaN where a draw lacks a class.
    """
    called, found = call_from_the_top(y, score, weights)
    curves = np.full((len(weights), len(GRID)), np.nan)
    for curve, number, hits in zip(curves, called, found, strict=True):
        if 0 < hits[-1] < number[-1]:
            # The first unstable map stands for recall 0 too: before it nothing is found.
            place = np.searchsorted(hits, np.maximum(GRID * hits[-1] - 1e-9, 1e-9))
            curve[:] = hits[place] / number[place]
    return curves
