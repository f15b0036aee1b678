"""P-values are honest when nothing differs, small when something does, and never zero."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import kstest
from sklearn.metrics import roc_auc_score
from statsmodels.stats.multitest import multipletests

from gliodelta.statistics import permutation


def test_p_values_of_equal_models_are_uniform_on_clustered_data(null_studies):
    p_values = np.array([permutation.swap_test(*study, draws=199, seed=0) for study in null_studies])
    assert kstest(p_values, "uniform").pvalue > 0.01
    assert np.mean(p_values <= 0.05) < 0.09
    assert p_values.min() >= 1 / 200
    # The same test with a coin a map, as if maps of a patient were strangers, finds differences where there are none.
    naive = [permutation.swap_test(y, range(len(y)), *scores, draws=199, seed=0) for y, _, *scores in null_studies]
    assert np.mean(np.array(naive) <= 0.05) > 0.15


def test_a_better_model_is_found_and_p_is_never_zero(clustered):
    y, subjects, first, second = clustered(np.random.default_rng(1), patients=60, lead=6)
    assert permutation.swap_test(y, subjects, first, second, draws=99, seed=1) == pytest.approx(1 / 100)


def test_a_model_against_itself_or_its_monotone_twin_has_p_one(clustered):
    y, subjects, first, _ = clustered(np.random.default_rng(1))
    assert permutation.swap_test(y, subjects, first, first, draws=99, seed=1) == 1
    assert permutation.swap_test(y, subjects, first, np.exp(first), draws=99, seed=1) == 1


def test_holm_equals_statsmodels_and_leaves_undefined_tests_out():
    p_values = np.array([0.01, 0.04, 0.03, 0.5, 0.012])
    wanted = multipletests(p_values, method="holm")[1]
    assert permutation.holm(p_values) == pytest.approx(wanted)
    with_gap = permutation.holm([0.01, np.nan, 0.04])
    assert with_gap == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)


def test_the_p_value_is_the_share_of_all_swaps_that_are_as_extreme():
    # Four patients of two maps each: sixteen ways to swap, which many draws meet equally often.
    y, subjects = np.array([0, 1, 0, 1, 1, 0, 1, 0]), np.repeat(np.arange(4), 2)
    first = np.array([1, 6, 2, 8, 7, 3, 5, 4])
    second = np.array([5, 1, 3, 8, 2, 7, 6, 4])

    def difference(coins):
        swapped = np.array(coins)[subjects] == 1
        pair = np.where(swapped, second, first), np.where(swapped, first, second)
        return roc_auc_score(y, pair[0]) - roc_auc_score(y, pair[1])

    every = [abs(difference(coins)) for coins in product((0, 1), repeat=4)]
    wanted = np.mean(np.array(every) >= every[0] - 1e-12)
    assert 0.1 < wanted < 0.9
    assert permutation.swap_test(y, subjects, first, second, draws=20000, seed=0) == pytest.approx(wanted, abs=0.01)


def test_the_published_test_draws_from_one_bag_of_labels_and_scores():
    generator = np.random.default_rng(2)
    y = np.tile([0, 1], 20)
    first, second = y + generator.normal(size=40), 0.4 * y + generator.normal(size=40)
    bag = np.r_[y, y], np.r_[first, second]

    def area(rows):
        labels, scores = bag[0][rows], bag[1][rows]
        return np.mean(scores[labels == 1][:, None] > scores[labels == 0])

    observed, above = area(slice(40)) - area(slice(40, 80)), 0
    for _ in range(2000):
        order = generator.permutation(80)
        above += area(order[:40]) - area(order[40:]) > observed
    p_value = permutation.published_unpaired_test(y, first, second, 4000, seed=0)
    assert p_value == pytest.approx(above / 2000, abs=0.03)
    # One-sided towards what was observed, whichever model comes first.
    assert permutation.published_unpaired_test(y, second, first, 4000, seed=1) == pytest.approx(p_value, abs=0.03)


def test_the_published_test_is_never_zero_here():
    y = np.tile([0, 1], 30)
    assert permutation.published_unpaired_test(y, y.astype(float), 1.0 - y, 99, seed=0) == pytest.approx(1 / 100)


def test_equal_areas_are_no_evidence_for_the_published_test():
    y = np.tile([0, 1], 30)
    scores = np.random.default_rng(5).normal(size=60)
    # Half of the draws lie above a difference of 0.
    assert permutation.published_unpaired_test(y, scores, scores, 999, seed=0) == pytest.approx(0.5, abs=0.07)
