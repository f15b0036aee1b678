"""Resampling is by patient; p-values are honest when nothing differs and are never zero."""

import numpy as np
import pytest
from scipy.stats import kstest
from statsmodels.stats.multitest import multipletests

from gliodelta.statistics import bootstrap
from gliodelta.statistics.metrics import auc


def clustered(generator, patients=25, maps=4, lead=0.0):
    """Labels, patients and scores of two models; maps of a patient mostly share their label and their score's error.

    `lead` is by how much the first model's scores follow the label better than the second's.
    """
    subjects = np.repeat(np.arange(patients), maps)
    y = (generator.random(patients * maps) < generator.choice([0.1, 0.9], patients)[subjects]).astype(int)
    common = generator.normal(size=(2, patients))[:, subjects]
    first, second = y * [[1 + lead], [1]] + 2 * common + 0.5 * generator.normal(size=(2, patients * maps))
    return y, subjects, first, second


def test_all_maps_of_a_patient_are_drawn_together_and_as_many_patients_as_there_are():
    subjects = ["a", "a", "a", "b", "c", "c"]
    weights = bootstrap.draw_patients(subjects, 50, seed=1)
    assert weights.shape == (51, 6)
    assert (weights[0] == 1).all()
    assert (weights[:, 0] == weights[:, 1]).all() and (weights[:, 4] == weights[:, 5]).all()
    assert (weights[1:, [0, 3, 4]].sum(axis=1) == 3).all()


def test_the_interval_of_a_mean_is_as_wide_as_theory_says():
    values = np.random.default_rng(0).normal(size=400)
    weights = bootstrap.draw_patients(np.arange(400), 2000, seed=1)
    low, high, unusable = bootstrap.interval((weights @ values / 400)[1:])
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.08)
    assert unusable == 0


def test_repeating_every_map_does_not_narrow_the_interval():
    y, subjects, score, _ = clustered(np.random.default_rng(3), maps=2)
    once, thrice = np.arange(len(y)), np.repeat(np.arange(len(y)), 3)
    widths = []
    for rows in (once, thrice):
        weights = bootstrap.draw_patients(subjects[rows], 500, seed=1)
        low, high, _ = bootstrap.interval(auc(y[rows], score[rows], weights)[1:])
        widths.append(high - low)
    assert widths[0] == pytest.approx(widths[1])


def test_draws_without_a_value_are_left_out_and_counted():
    assert bootstrap.interval(np.array([np.nan, 1.0, np.nan, 1.0])) == (1.0, 1.0, 2)
    low, high, unusable = bootstrap.interval(np.array([np.nan]))
    assert np.isnan(low) and np.isnan(high) and unusable == 1


def test_p_values_of_equal_models_are_uniform_on_clustered_data():
    generator = np.random.default_rng(0)
    studies = [clustered(generator) for _ in range(300)]
    p_values = np.array([bootstrap.swap_test(*study, draws=199, seed=0) for study in studies])
    assert kstest(p_values, "uniform").pvalue > 0.01
    assert np.mean(p_values <= 0.05) < 0.09
    assert p_values.min() >= 1 / 200
    # The same test with a coin a map, as if maps of a patient were strangers, finds differences where there are none.
    naive = [bootstrap.swap_test(y, range(len(y)), *scores, draws=199, seed=0) for y, _, *scores in studies]
    assert np.mean(np.array(naive) <= 0.05) > 0.15


def test_a_better_model_is_found_and_p_is_never_zero():
    y, subjects, first, second = clustered(np.random.default_rng(1), patients=60, lead=6)
    assert bootstrap.swap_test(y, subjects, first, second, draws=99, seed=1) == pytest.approx(1 / 100)


def test_a_model_against_itself_or_its_monotone_twin_has_p_one():
    y, subjects, first, _ = clustered(np.random.default_rng(1))
    assert bootstrap.swap_test(y, subjects, first, first, draws=99, seed=1) == 1
    assert bootstrap.swap_test(y, subjects, first, np.exp(first), draws=99, seed=1) == 1


def test_holm_equals_statsmodels_and_leaves_undefined_tests_out():
    p_values = np.array([0.01, 0.04, 0.03, 0.5, 0.012])
    wanted = multipletests(p_values, method="holm")[1]
    assert bootstrap.holm(p_values) == pytest.approx(wanted)
    with_gap = bootstrap.holm([0.01, np.nan, 0.04])
    assert with_gap == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)
