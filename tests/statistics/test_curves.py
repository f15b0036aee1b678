"""Curves of bootstrap draws go through the points of scikit-learn's curves."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve

from gliodelta.statistics import curves


def study(ties):
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, 60)
    score = y + generator.normal(size=60)
    return y, score.round(0 if ties else 6), generator.integers(0, 3, size=(4, 60)).astype(float)


@pytest.mark.parametrize("ties", [False, True])
def test_sensitivities_are_those_of_the_roc_curve(ties):
    y, score, weights = study(ties)
    for weight, found in zip(weights, curves.roc_curves(y, score, weights), strict=True):
        held = weight > 0
        alarms, hits, _ = roc_curve(y[held], score[held], sample_weight=weight[held], drop_intermediate=False)
        # Where the curve rises straight up its upper end counts.
        wanted = np.interp(curves.GRID + 1e-12, alarms, hits)
        assert found == pytest.approx(wanted)
        assert found[-1] == 1 and (np.diff(found) >= -1e-12).all()


@pytest.mark.parametrize("ties", [False, True])
def test_precisions_are_those_of_the_highest_threshold_that_reaches_the_recall(ties):
    y, score, weights = study(ties)
    for weight, found in zip(weights, curves.precision_curves(y, score, weights), strict=True):
        held = weight > 0
        precision, recall, _ = precision_recall_curve(y[held], score[held], sample_weight=weight[held])
        # scikit-learn's points fall in recall and end with one that no threshold has.
        precision, recall = precision[:-1][::-1], recall[:-1][::-1]
        wanted = [precision[np.argmax(recall >= max(place, 1e-9) - 1e-9)] for place in curves.GRID[1:]]
        assert found[1:] == pytest.approx(np.array(wanted))


def test_a_draw_of_one_class_has_no_curve():
    y, score = np.array([0, 1, 1]), np.array([0.2, 0.6, 0.4])
    weights = np.array([[1.0, 1, 1], [0, 1, 1], [2, 0, 0]])
    for found in (curves.roc_curves(y, score, weights), curves.precision_curves(y, score, weights)):
        assert np.isnan(found).all(axis=1).tolist() == [False, True, True]
