"""The study's statistics against numbers worked out by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from gliodelta import io
from gliodelta.evidence.summary import COMPARATOR, compare, interval, summarise


def rows(arm, noise, aucs, labels=25):
    return [
        {"replicate": number, "noise": noise, "labels": labels, "arm": arm, "test_auc": value}
        for number, value in enumerate(aucs, start=1)
    ]


def test_the_interval_is_students():
    # Mean 2, variance 1, standard error 1 / sqrt 3; the 97.5 % point of Student's t with 2 degrees is 4.30265.
    mean, error, low, high = interval([1, 2, 3])
    assert (mean, error) == (2, pytest.approx(1 / math.sqrt(3)))
    assert (low, high) == (pytest.approx(2 - 4.30265 / math.sqrt(3), abs=1e-4), pytest.approx(2 + 2.48414, abs=1e-4))


def test_one_replicate_has_a_mean_and_no_error():
    mean, *others = interval([0.7])
    assert mean == 0.7
    assert np.isnan(others).all()


def test_differences_are_paired_by_replicate():
    # The replicates differ by far more than the arms do; the arm is better by .01, .02 and .03.
    baseline, mix = [0.5, 0.7, 0.9], [0.51, 0.72, 0.93]
    # Shuffled: the order of the rows is no pairing.
    table = compare(pd.DataFrame([*rows("baseline", 0, baseline), *rows("mix", 0, mix)[::-1]]), "baseline")
    found = table[table["arm"] == "mix"].iloc[0]
    assert found["auc_mean"] == pytest.approx(0.72)
    assert found["difference_mean"] == pytest.approx(0.02)
    assert found["difference_se"] == pytest.approx(0.01 / math.sqrt(3))
    assert found["difference_high"] == pytest.approx(0.02 + 4.30265 * 0.01 / math.sqrt(3), abs=1e-6)
    own = table[table["arm"] == "baseline"].iloc[0]
    assert (own["difference_mean"], own["difference_se"]) == (0, 0)


def test_an_arm_without_weak_labels_is_the_rival_at_every_noise():
    trials = [*rows("baseline", 0, [0.6, 0.8])]
    trials += [row for noise, gain in ((0, 0.2), (40, -0.1)) for row in rows("mix", noise, [0.6 + gain, 0.8 + gain])]
    table = compare(pd.DataFrame(trials), "baseline").set_index(["arm", "noise"])
    assert table.loc[("mix", 0), "difference_mean"] == pytest.approx(0.2)
    assert table.loc[("mix", 40), "difference_mean"] == pytest.approx(-0.1)
    assert table.loc[("baseline", 40), "auc_mean"] == table.loc[("baseline", 0), "auc_mean"] == pytest.approx(0.7)


def test_labels_are_compared_among_themselves():
    trials = [*rows("baseline", 0, [0.5, 0.5], 25), *rows("baseline", 0, [0.8, 0.8], 150)]
    trials += [*rows("mix", 0, [0.6, 0.6], 25), *rows("mix", 0, [0.8, 0.8], 150)]
    table = compare(pd.DataFrame(trials), "baseline").set_index(["arm", "labels"])
    assert table.loc[("mix", 25), "difference_mean"] == pytest.approx(0.1)
    assert table.loc[("mix", 150), "difference_mean"] == pytest.approx(0)


def test_only_what_was_chosen_counts_and_the_comparator_stands_beside(tmp_path):
    # The trial that was not chosen has no test AUC.
    trials = [*rows("baseline", 0, [0.6, 0.7]), *rows("baseline", 0, [math.nan, math.nan]), *rows("mix", 0, [0.7, 0.9])]
    io.write_table(pd.DataFrame(trials), tmp_path / "trials.tsv")
    # One of the four (unstable, stable) pairs of maps is in the wrong order.
    test = pd.DataFrame({"y": [0, 0, 1, 1], "mean_difference": [0.1, 0.3, 0.2, 0.4]})
    io.write_table(test, tmp_path / "maps.tsv")
    outputs = tmp_path / "table.tsv", tmp_path / "figure.png"
    summarise([tmp_path / "trials.tsv"], tmp_path / "maps.tsv", "baseline", *outputs)
    table = io.read_table(outputs[0]).set_index("arm")
    assert table.loc["baseline", "replicates"] == 2
    assert table.loc["mix", "difference_mean"] == pytest.approx(0.15)
    assert table.loc[COMPARATOR, "auc_mean"] == 0.75
    assert outputs[1].read_bytes()[:4] == b"\x89PNG"
