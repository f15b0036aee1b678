"""The calibration is the one that was put in, and no tuning depends on it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import _SigmoidCalibration

from gliodelta.fingerprint import _closure
from gliodelta.transfer.calibration import SLOPES, UNCALIBRATED, fit_calibration, probability


@pytest.mark.parametrize(("slope", "intercept"), [(0.4, 0.0), (1.0, -1.0), (25.0, -13.0)])
def test_the_line_of_a_calibrated_sample_is_found(slope, intercept):
    rng = np.random.default_rng(0)
    scores = (rng.normal(size=20_000) - intercept) / slope
    y = rng.random(20_000) < 1 / (1 + np.exp(-(slope * scores + intercept)))
    found = fit_calibration(y, scores)
    assert found["slope"] == pytest.approx(slope, rel=0.05)
    assert found["intercept"] == pytest.approx(intercept, rel=0.05, abs=0.05)
    assert probability(scores, found).mean() == pytest.approx(y.mean(), abs=1e-3)


@given(
    st.lists(st.tuples(st.floats(-3, 3), st.booleans()), min_size=4, max_size=40).filter(
        lambda sample: len({y for _, y in sample}) == 2 and np.ptp([score for score, _ in sample]) > 0.1
    )
)
def test_it_is_platts_unless_that_would_turn_the_order_round_or_be_endlessly_sure(sample):
    scores, y = (np.array(column) for column in zip(*sample, strict=True))
    found, oracle = fit_calibration(y, scores), _SigmoidCalibration().fit(scores, y)
    per_deviation = -oracle.a_ * scores.std()
    if SLOPES[0] < per_deviation < SLOPES[1]:
        np.testing.assert_allclose(probability(scores, found), oracle.predict(scores), atol=2e-3)
    else:
        assert found["slope"] * scores.std() == pytest.approx(np.clip(per_deviation, *SLOPES), rel=1e-3)


@pytest.mark.parametrize("scores", [[0.0, 1.0], [0.49, 0.51], [-800.0, 200.0]])
def test_perfectly_separated_patients_do_not_make_a_model_certain(scores):
    # One patient of each class: Platt's targets are 1/3 and 2/3.
    assert probability(np.array(scores), fit_calibration([0, 1], scores)) == pytest.approx([1 / 3, 2 / 3], rel=1e-3)


def test_nothing_is_fitted_to_one_class_and_equal_scores_get_the_prevalence():
    assert fit_calibration([1, 1], [0.3, 0.4]) == UNCALIBRATED
    assert fit_calibration([], []) == UNCALIBRATED
    equal = np.full(30, 0.7)
    assert probability(equal, fit_calibration([1] * 10 + [0] * 20, equal)) == pytest.approx(1 / 3, abs=0.02)


def test_only_what_calibrates_depends_on_it():
    module = "gliodelta.transfer.calibration"
    assert module in _closure("gliodelta.transfer.train") & _closure("gliodelta.external.predict")
    assert module not in _closure("gliodelta.tuning.worker") | _closure("gliodelta.evidence.trials")
