"""DeLong's test equals another implementation; its clustered form is honest where patients have several maps."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from MLstatkit import Delong_test

from gliodelta.statistics.delong import covariance, delong_test

# methods.md F.
Y = np.array([0, 0, 0, 1, 1, 0, 1, 1, 0, 1])
A = np.array([0.1, 0.4, 0.35, 0.8, 0.65, 0.5, 0.45, 0.9, 0.2, 0.3])
B = np.array([0.2, 0.1, 0.5, 0.7, 0.9, 0.6, 0.55, 0.4, 0.3, 0.35])


@pytest.mark.parametrize("subjects", [None, [f"p{number}" for number in range(10)]])
def test_the_oracle_and_one_map_a_patient_is_no_cluster(subjects):
    found = delong_test(Y, A, B, subjects)
    assert found.difference == pytest.approx(0.04)
    assert (found.z, found.p) == pytest.approx((0.324442842, 0.745602789), abs=1e-9)
    areas, spread = covariance(Y, [A, B], subjects)
    assert areas == pytest.approx([0.84, 0.80])
    assert np.sqrt(np.diag(spread)) == pytest.approx([0.138564065, 0.154919334], abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    y=arrays(int, 14, elements=st.integers(0, 1)),
    # Few distinct scores, so that ties are common.
    scores=arrays(float, (2, 14), elements=st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.7, 0.9])),
)
def test_it_equals_another_implementation_with_ties(y, scores):
    assume(2 <= y.sum() <= 12)
    found = delong_test(y, *scores)
    assume(found.error > 1e-9)
    z, p, *_ = Delong_test(y, *scores, return_ci=False, return_auc=False)
    assert (abs(found.z), found.p) == pytest.approx((abs(z), p), abs=1e-7)


def test_equal_models_do_not_differ_and_a_difference_without_variance_has_no_p():
    assert delong_test(Y, A, A)[2:] == (0, 1)
    perfect = delong_test(Y, Y, np.ones(10))
    assert perfect.difference == 0.5 and np.isnan(perfect.p)


def test_a_class_of_a_single_patient_gives_no_p():
    assert np.isnan(delong_test([1, 1, 0, 0], [3, 2, 1, 2], [1, 2, 3, 1], ["a", "a", "b", "c"]).p)


def test_the_variance_of_doubled_maps_is_that_of_the_patients():
    generator = np.random.default_rng(0)
    y, score = np.tile([0, 1], 60), generator.normal(size=120)
    subjects = np.arange(120)
    once = covariance(y, [score], subjects)[1]
    twice = covariance(np.tile(y, 2), [np.tile(score, 2)], np.tile(subjects, 2))[1]
    assert twice == pytest.approx(once)
    # Maps that are taken for independent promise half of it.
    assert covariance(np.tile(y, 2), [np.tile(score, 2)])[1] == pytest.approx(once / 2, rel=0.02)


def test_the_clustered_form_rejects_a_true_null_as_often_as_it_says_and_the_plain_one_far_more(null_studies):
    clustered = [delong_test(y, first, second, subjects).p for y, subjects, first, second in null_studies]
    plain = [delong_test(y, first, second).p for y, subjects, first, second in null_studies]
    assert np.mean(np.array(clustered) <= 0.05) < 0.1
    assert np.mean(np.array(plain) <= 0.05) > 0.15
    assert min(clustered) > 0
