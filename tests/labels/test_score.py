"""Agreement figures against known answers."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from gliodelta import io
from gliodelta.labels.score import calibration_error, kappa, score_labels

ONCE = np.ones((1, 6))


def test_kappa_is_cohens():
    first, second = np.array([0, 0, 1, 1, 1, 0]), np.array([0, 1, 1, 1, 0, 0])
    assert kappa(first, second, ONCE)[0] == pytest.approx(cohen_kappa_score(first, second))
    assert np.isnan(kappa(np.ones(6), np.ones(6), ONCE)[0])


def test_weights_count_pairs():
    first, second = np.array([0, 1, 1]), np.array([0, 1, 0])
    drawn = np.repeat(first, [2, 3, 1]), np.repeat(second, [2, 3, 1])
    assert kappa(first, second, np.array([[2, 3, 1]]))[0] == pytest.approx(cohen_kappa_score(*drawn))


def test_calibration_error():
    y = np.array([0, 0, 0, 1, 1, 1])
    assert calibration_error(y, y.astype(float), ONCE)[0] == 0
    assert calibration_error(y, np.full(6, 0.5), ONCE)[0] == pytest.approx(0)
    assert calibration_error(y, np.full(6, 0.9), ONCE)[0] == pytest.approx(0.4)


def test_a_cohort_is_scored(tmp_path):
    # Ten patients; the report of p0 is misread, that of p9 says nothing, and p9 is in no fold's table.
    truth = ["stable", "progression"] * 5
    said = ["progression", *truth[1:]]
    pair = pd.DataFrame({"subject": [f"p{number}" for number in range(10)], "prior": "0", "current": "9"})
    io.write_table(pair.assign(label=said)[:9], tmp_path / "votes.tsv")
    p_unstable = [0.8 if label == "progression" else 0.2 for label in said]
    for name, rows in (("a", slice(0, 5)), ("b", slice(5, 9))):
        io.write_table(pair.assign(p_unstable=p_unstable)[rows], tmp_path / f"{name}.tsv")
    io.write_table(pair.assign(reader="r1", label=truth), tmp_path / "labels.tsv")
    folds = [tmp_path / "a.tsv", tmp_path / "b.tsv"]
    table, picture = tmp_path / "agreement.tsv", tmp_path / "reliability.png"
    score_labels(tmp_path / "votes.tsv", folds, tmp_path / "labels.tsv", 200, 1, table, picture)
    found = io.read_table(table).set_index(["method", "metric"])
    assert found.loc[("rules", "coverage"), "value"] == 0.9
    for method in ("rules", "calibrated"):
        assert found.loc[(method, "accuracy"), "value"] == pytest.approx(8 / 9)
        assert found.loc[(method, "sensitivity"), "value"] == 1
        assert found.loc[(method, "specificity"), "value"] == pytest.approx(4 / 5)
    assert found.loc[("calibrated", "brier"), "value"] == pytest.approx((8 * 0.04 + 0.64) / 9)
    assert (found["low"].dropna() <= found["value"][found["low"].notna()]).all()
    assert picture.read_bytes()[:4] == b"\x89PNG"
