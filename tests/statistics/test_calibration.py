"""Calibration: hand cases, and probabilities that are right by construction."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from gliodelta.statistics import calibration

# methods.md F.
Y = np.array([0, 0, 0, 1, 1, 0, 1, 1, 0, 1])
A = np.array([0.1, 0.4, 0.35, 0.8, 0.65, 0.5, 0.45, 0.9, 0.2, 0.3])
ONCE = np.ones((1, 10))


def test_the_calibration_error_of_the_oracle():
    assert calibration.calibration_error(Y, A, ONCE, bins=5) == pytest.approx([0.125])


@pytest.mark.parametrize(("probability", "error"), [([0, 1] * 3, 0), ([0.5] * 6, 0), ([0.9] * 6, 0.4)])
def test_the_calibration_error_of_balanced_classes(probability, error):
    found = calibration.calibration_error(np.array([0, 1] * 3), np.array(probability, float), np.ones((1, 6)))
    assert found == pytest.approx([error])


def test_weights_are_repetitions():
    weights = np.random.default_rng(0).integers(0, 4, size=(5, 10))
    for weight, error in zip(weights, calibration.calibration_error(Y, A, weights), strict=True):
        rows = np.repeat(np.arange(10), weight)
        assert error == pytest.approx(calibration.calibration_error(Y[rows], A[rows], np.ones((1, len(rows))))[0])


def test_true_probabilities_lie_on_the_diagonal_and_shifted_ones_beside_it():
    generator = np.random.default_rng(1)
    probability = generator.random(20000)
    y = (generator.random(20000) < probability).astype(int)
    once = np.ones((1, 20000))
    foretold, observed = calibration.reliability_curve(y, probability, once)
    assert observed == pytest.approx(foretold, abs=0.02)
    assert foretold[0] == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9], abs=0.01)
    assert calibration.calibration_error(y, probability, once)[0] < 0.02
    assert calibration.calibration_in_the_large(y, probability, once)[0] == pytest.approx(0, abs=0.01)
    assert calibration.calibration_in_the_large(y, probability * 0.5 + 0.5, once)[0] == pytest.approx(0.25, abs=0.01)


def test_the_slope_equals_that_of_another_implementation_with_weights():
    generator = np.random.default_rng(3)
    log_odds = generator.normal(size=80)
    y = (generator.random(80) < 1 / (1 + np.exp(-0.5 * log_odds))).astype(int)
    weights = generator.integers(0, 3, size=(6, 80)).astype(float)
    found = calibration.calibration_slope(y, 1 / (1 + np.exp(-3 * log_odds)), weights)
    model = LogisticRegression(C=np.inf, tol=1e-10)
    wanted = [model.fit(3 * log_odds[:, None], y, weight).coef_[0, 0] for weight in weights]
    assert found == pytest.approx(np.array(wanted), abs=1e-4)


def test_separated_classes_and_constant_probabilities_have_no_slope():
    y, weights = np.array([0, 0, 1, 1]), np.array([[1.0, 1, 1, 1], [0, 0, 1, 1]])
    assert np.isnan(calibration.calibration_slope(y, np.array([0.1, 0.2, 0.8, 0.9]), weights)).all()
    assert np.isnan(calibration.calibration_slope(y, np.full(4, 0.5), weights)).all()


def test_empty_bins_have_no_value_and_certainty_belongs_to_the_last_bin():
    foretold, observed = calibration.reliability_curve([1, 0], np.array([1.0, 0.9]), np.array([[1.0, 1], [1, 0]]))
    assert foretold == pytest.approx(np.array([[np.nan] * 4 + [0.95], [np.nan] * 4 + [1]]), nan_ok=True)
    assert observed[:, -1].tolist() == [0.5, 1]
