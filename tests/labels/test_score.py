"""Agreement figures against known answers."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

from gliodelta import io
from gliodelta.labels.score import calibration_error, fleiss_kappa, kappa, score_labels

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


def test_fleiss_kappa_is_that_of_statsmodels_and_of_a_hand_case():
    unstable = np.array([0, 3, 2, 1, 3, 0])
    wanted = inter_rater.fleiss_kappa(np.column_stack([3 - unstable, unstable]))
    assert fleiss_kappa(unstable, np.full(6, 3), ONCE)[0] == pytest.approx(wanted)
    # Two readers disagree; of three, one pair in three agrees: 1/6 on average. Three of five calls are unstable.
    assert fleiss_kappa(np.array([1, 2]), np.array([2, 3]), np.ones((1, 2)))[0] == pytest.approx((1 / 6 - 0.52) / 0.48)
    assert np.isnan(fleiss_kappa(np.array([3, 3]), np.array([3, 3]), np.ones((1, 2)))[0])


class Cohort:
    """Ten patients; the report of p0 is misread, that of p9 says nothing; two fold tables. `score` reads the result."""

    TRUTH = ("stable", "progression") * 5
    SAID = ("progression", *TRUTH[1:])

    def __init__(self, folder):
        self.folder = folder
        self.pairs = pd.DataFrame({"subject": [f"p{number}" for number in range(10)], "prior": "0", "current": "9"})
        p_unstable = [0.8 if label == "progression" else 0.2 for label in self.SAID]
        self.folds = self.pairs.assign(p_unstable=p_unstable, calibrated="yes")
        self.labels = self.pairs.assign(reader="r1", label=self.TRUTH)
        self.votes = self.pairs.assign(label=self.SAID)[:9]

    def score(self):
        """Returns agreement.tsv by method and metric, and human.tsv."""
        tables = {"votes": self.votes, "a": self.folds[:5], "b": self.folds[5:9], "labels": self.labels}
        paths = {name: self.folder / f"{name}.tsv" for name in (*tables, "agreement", "human")}
        for name, table in tables.items():
            io.write_table(table, paths[name])
        outputs = paths["agreement"], paths["human"], self.folder / "reliability.png"
        score_labels(paths["votes"], [paths["a"], paths["b"]], paths["labels"], 200, 1, *outputs)
        assert outputs[-1].read_bytes()[:4] == b"\x89PNG"
        return io.read_table(paths["agreement"]).set_index(["method", "metric"]), io.read_table(paths["human"])


@pytest.fixture
def cohort(tmp_path):
    return Cohort(tmp_path)


def test_a_cohort_is_scored(cohort):
    found, _ = cohort.score()
    assert found.loc[("rules", "coverage"), "value"] == 0.9
    for method in ("rules", "calibrated"):
        assert found.loc[(method, "accuracy"), "value"] == pytest.approx(8 / 9)
        assert found.loc[(method, "sensitivity"), "value"] == 1
        assert found.loc[(method, "specificity"), "value"] == pytest.approx(4 / 5)
    assert found.loc[("calibrated", "brier"), "value"] == pytest.approx((8 * 0.04 + 0.64) / 9)
    assert found.loc[("calibrated", "uncalibrated_folds"), "value"] == 0
    assert (found["low"].dropna() <= found["value"][found["low"].notna()]).all()
    # One reader cannot disagree.
    assert "readers" not in found.index.get_level_values("method")


def test_ranks_of_uncalibrated_folds_are_counted_and_not_scored(cohort):
    cohort.folds.loc[:4, ["p_unstable", "calibrated"]] = [0.6, "no"]
    found, _ = cohort.score()
    assert found.loc[("calibrated", "uncalibrated_folds"), ["value", "pairs"]].tolist() == [1, 5]
    assert found.loc[("calibrated", "coverage"), "value"] == 0.4
    assert found.loc[("calibrated", "brier"), "value"] == pytest.approx(0.04)
    cohort.folds["calibrated"] = "no"
    found, _ = cohort.score()
    assert found.loc[("calibrated", "uncalibrated_folds"), "value"] == 2
    assert ("calibrated", "brier") not in found.index


@pytest.mark.parametrize("lost", [slice(0), slice(5, 10)])
def test_folds_without_a_row_and_a_cohort_without_reports_are_scored(cohort, lost):
    cohort.votes, cohort.folds = cohort.votes[lost], cohort.folds[lost]
    found, _ = cohort.score()
    assert found.loc[("calibrated", "coverage"), "value"] == len(cohort.folds[:9]) / 10
    assert ("rules", "kappa") in found.index or cohort.votes.empty


def test_the_readers_labels_are_written_and_their_agreement_is_measured(cohort):
    second = cohort.labels.assign(reader="r2")
    second.loc[9, "label"] = "unknown"
    second.loc[0, "label"] = "response"
    cohort.labels = pd.concat([cohort.labels, second])
    found, human = cohort.score()
    assert human["readers"].tolist() == [2] * 10
    assert human["reason"].tolist() == ["no majority of the readers", *[""] * 8, "no majority of the readers"]
    row = found.loc[("readers", "fleiss_kappa")]
    # Of nine pairs that both could tell, one is split; nine of eighteen calls are unstable.
    assert row["value"] == pytest.approx((8 / 9 - 0.5) / 0.5)
    assert row["pairs"] == 9 and row["low"] <= row["value"] <= row["high"]
