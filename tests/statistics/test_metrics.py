"""Metrics equal numbers known from elsewhere, and scikit-learn's, for any weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    precision_recall_curve,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.metrics import auc as trapezoid

from gliodelta.statistics import metrics

# methods.md F: labels, two models' scores, and their areas.
Y = np.array([0, 0, 0, 1, 1, 0, 1, 1, 0, 1])
A = np.array([0.1, 0.4, 0.35, 0.8, 0.65, 0.5, 0.45, 0.9, 0.2, 0.3])
B = np.array([0.2, 0.1, 0.5, 0.7, 0.9, 0.6, 0.55, 0.4, 0.3, 0.35])
ONCE = np.ones((1, 10))


@pytest.mark.parametrize(("score", "area", "precision"), [(A, 0.84, 0.885), (B, 0.80, 0.826190476)])
def test_areas_of_the_oracle(score, area, precision):
    assert metrics.auc(Y, score, ONCE) == pytest.approx(area, abs=1e-12)
    assert metrics.average_precision(Y, score, ONCE) == pytest.approx(precision, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    y=arrays(int, 12, elements=st.integers(0, 1)),
    # Few distinct scores, so that ties are common.
    score=arrays(float, 12, elements=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])),
    weights=arrays(float, (3, 12), elements=st.sampled_from([0.0, 1.0, 2.0, 5.0])),
)
def test_areas_equal_those_of_scikit_learn_with_weights_and_ties(y, score, weights):
    areas, precisions = metrics.auc(y, score, weights), metrics.average_precision(y, score, weights)
    for weight, area, precision in zip(weights, areas, precisions, strict=True):
        held = weight > 0
        if len(set(y[held])) < 2:
            assert np.isnan(area) and np.isnan(precision)
        else:
            assert area == pytest.approx(roc_auc_score(y[held], score[held], sample_weight=weight[held]))
            assert precision == pytest.approx(average_precision_score(y[held], score[held], sample_weight=weight[held]))


@settings(max_examples=60, deadline=None)
@given(
    y=arrays(int, 12, elements=st.integers(0, 1)),
    score=arrays(float, 12, elements=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])),
    weight=arrays(float, 12, elements=st.sampled_from([0.0, 1.0, 2.0])),
)
def test_the_trapezoid_equals_that_under_the_curve_of_scikit_learn(y, score, weight):
    held, found = weight > 0, metrics.aupr_trapezoid(y, score, weight[None])[0]
    if len(set(y[held])) < 2:
        assert np.isnan(found)
    else:
        precision, recall, _ = precision_recall_curve(y[held], score[held], sample_weight=weight[held])
        assert found == pytest.approx(trapezoid(recall, precision))


@settings(max_examples=60, deadline=None)
@given(
    y=arrays(int, 8, elements=st.integers(0, 1)),
    called=arrays(int, 8, elements=st.integers(0, 1)),
    weight=arrays(float, 8, elements=st.sampled_from([0.0, 1.0, 3.0])),
)
def test_operating_points_equal_those_of_scikit_learn(y, called, weight):
    rivals = {
        metrics.accuracy: lambda **options: accuracy_score(y, called, **options),
        metrics.sensitivity: lambda **options: recall_score(y, called, zero_division=np.nan, **options),
        metrics.specificity: lambda **options: recall_score(y, called, pos_label=0, zero_division=np.nan, **options),
        metrics.ppv: lambda **options: precision_score(y, called, zero_division=np.nan, **options),
        metrics.npv: lambda **options: precision_score(y, called, pos_label=0, zero_division=np.nan, **options),
        metrics.f1: lambda **options: f1_score(y, called, zero_division=np.nan, **options),
    }
    for ours, theirs in rivals.items() if weight.any() else ():
        wanted = theirs(sample_weight=weight)
        assert ours(y, called, weight[None])[0] == pytest.approx(wanted, nan_ok=True), ours.__name__


def test_sensitivity_specificity_brier_and_prevalence_of_a_hand_case():
    y, called = np.array([1, 1, 1, 0, 0]), np.array([1, 1, 0, 0, 1])
    weights = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 1, 0], [0, 0, 0, 1, 1]])
    assert metrics.sensitivity(y, called, weights) == pytest.approx([2 / 3, 1, np.nan], nan_ok=True)
    assert metrics.specificity(y, called, weights) == pytest.approx([1 / 2, 1, 1 / 2])
    assert metrics.brier(y, np.array([0.5, 1, 1, 0, 0]), weights) == pytest.approx([0.05, 0.25 / 3, 0])
    assert metrics.prevalence(y, None, weights) == pytest.approx([3 / 5, 2 / 3, 0])


def test_youden_threshold_separates_best():
    y, probability = np.array([0, 1, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    # From .4 on: sensitivity 2/3 and specificity 1; from .2 on: 1 and 1/2.
    assert metrics.youden_threshold(y, probability) == 0.4


def test_youden_threshold_calls_nothing_unstable_when_no_threshold_beats_chance():
    assert metrics.youden_threshold(np.array([1, 0]), np.array([0.5, 0.5])) == np.inf
    assert np.isnan(metrics.youden_threshold(np.array([1, 1]), np.array([0.4, 0.5])))
