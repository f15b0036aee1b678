"""Resampling is by patient."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from gliodelta.statistics import bootstrap
from gliodelta.statistics.metrics import auc


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


def test_repeating_every_map_does_not_narrow_the_interval(clustered):
    y, subjects, score, _ = clustered(np.random.default_rng(3), maps=2)
    once, thrice = np.arange(len(y)), np.repeat(np.arange(len(y)), 3)
    widths = []
    for rows in (once, thrice):
        weights = bootstrap.draw_patients(subjects[rows], 500, seed=1)
        low, high, _ = bootstrap.interval(auc(y[rows], score[rows], weights)[1:])
        widths.append(high - low)
    assert widths[0] == pytest.approx(widths[1])


def test_intervals_of_patients_hold_the_truth_as_often_as_they_say_and_those_of_maps_do_not(clustered):
    generator = np.random.default_rng(5)
    y, _, score, _ = clustered(generator, patients=40_000)
    truth, held = roc_auc_score(y, score), []
    for _ in range(200):
        y, subjects, score, _ = clustered(generator)
        for units in (subjects, np.arange(len(y))):
            low, high, _ = bootstrap.interval(auc(y, score, bootstrap.draw_patients(units, 300, seed=0))[1:])
            held.append(low <= truth <= high)
    by_patient, by_map = np.reshape(held, (-1, 2)).mean(axis=0)
    assert by_patient > 0.88 and by_map < 0.85


def test_draws_without_a_value_are_left_out_and_counted():
    assert bootstrap.interval(np.array([np.nan, 1.0, np.nan, 1.0])) == (1.0, 1.0, 2)
    low, high, unusable = bootstrap.interval(np.array([np.nan]))
    assert np.isnan(low) and np.isnan(high) and unusable == 1


def test_a_band_holds_the_middle_of_the_curves_and_leaves_out_what_is_undefined():
    curves = np.column_stack([np.arange(101.0), np.full(101, np.nan), np.r_[np.nan, np.arange(100.0)]])
    low, high = bootstrap.band(curves, level=0.9)
    assert low == pytest.approx([5, np.nan, 4.95], nan_ok=True)
    assert high == pytest.approx([95, np.nan, 94.05], nan_ok=True)
