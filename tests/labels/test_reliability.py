"""Agreement, calibration and cuts against known answers."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater
from statsmodels.stats.proportion import proportion_confint

from gliodelta.labels.reliability import coverage_curve, cut_metrics, fleiss_kappa, kappa, wilson

ONCE = np.ones((1, 6))


def test_kappa_is_cohens():
    first, second = np.array([0, 0, 1, 1, 1, 0]), np.array([0, 1, 1, 1, 0, 0])
    assert kappa(first, second, ONCE)[0] == pytest.approx(cohen_kappa_score(first, second))
    assert np.isnan(kappa(np.ones(6), np.ones(6), ONCE)[0])


def test_weights_count_pairs():
    first, second = np.array([0, 1, 1]), np.array([0, 1, 0])
    drawn = np.repeat(first, [2, 3, 1]), np.repeat(second, [2, 3, 1])
    assert kappa(first, second, np.array([[2, 3, 1]]))[0] == pytest.approx(cohen_kappa_score(*drawn))


def test_fleiss_kappa_is_that_of_statsmodels_and_of_a_hand_case():
    unstable = np.array([0, 3, 2, 1, 3, 0])
    wanted = inter_rater.fleiss_kappa(np.column_stack([3 - unstable, unstable]))
    assert fleiss_kappa(unstable, np.full(6, 3), ONCE)[0] == pytest.approx(wanted)
    # Two readers disagree; of three, one pair in three agrees: 1/6 on average. Three of five calls are unstable.
    assert fleiss_kappa(np.array([1, 2]), np.array([2, 3]), np.ones((1, 2)))[0] == pytest.approx((1 / 6 - 0.52) / 0.48)
    assert np.isnan(fleiss_kappa(np.array([3, 3]), np.array([3, 3]), np.ones((1, 2)))[0])


def test_kappa_of_three_classes_is_cohens():
    first, second = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 2, 1, 1, 2, 0])
    assert kappa(first, second, ONCE)[0] == pytest.approx(cohen_kappa_score(first, second))
    words = np.array(["stable", "unknown", "unstable"])
    assert kappa(words[first], words[second], ONCE)[0] == pytest.approx(cohen_kappa_score(first, second))


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (5, 5), (19, 20), (1, 3)])
def test_wilson_is_that_of_statsmodels(successes, trials):
    wanted = proportion_confint(successes, trials, method="wilson")
    assert wilson(successes, trials) == pytest.approx((successes / trials, *wanted), abs=1e-9)


def test_wilson_without_trials_is_undefined():
    assert np.isnan(wilson(0, 0)).all()


def test_cuts_by_confidence_and_by_quantile():
    # Twenty labels: ten at .97, nine right; five at .8, four right; five at .6, three right.
    confidence = np.repeat([0.97, 0.8, 0.6], [10, 5, 5])
    right = np.concatenate([np.arange(10) < 9, np.arange(5) < 4, np.arange(5) < 3])
    found = {name: (value, len(kept)) for name, value, _, _, kept in cut_metrics(right, confidence)}
    assert found["share_confidence_0.95"] == (0.5, 20) and found["accuracy_confidence_0.95"] == (0.9, 10)
    assert found["share_confidence_0.75"] == (0.75, 20)
    assert found["accuracy_confidence_0.75"][0] == pytest.approx(13 / 15)
    # The best 38 % are among the ten at .97; the best 82 % reach into those at .6, whose ties stay together.
    assert found["threshold_quantile_0.38"] == (pytest.approx(0.97), 10)
    assert found["accuracy_quantile_0.38"] == (0.9, 10)
    assert found["threshold_quantile_0.82"] == (pytest.approx(0.6), 20)


def test_the_coverage_curve_takes_the_most_confident_first_and_ties_together():
    coverage, accuracy = coverage_curve([False, True, True, True, False], [0.6, 0.9, 0.8, 0.8, 0.6])
    assert coverage.tolist() == [0.2, 0.6, 1.0] and accuracy.tolist() == [1.0, 1.0, 0.6]
