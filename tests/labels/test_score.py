"""The table and the picture of labels against readers."""

import pandas as pd
import pytest

from gliodelta import io
from gliodelta.labels.score import score_labels


class Cohort:
    """Ten patients; the report of p0 is misread, that of p9 says nothing; two fold tables. `score` reads the result."""

    TRUTH = ("stable", "progression") * 5
    SAID = ("progression", *TRUTH[1:])

    def __init__(self, folder):
        self.folder = folder
        self.pairs = pd.DataFrame({"subject": [f"p{number}" for number in range(10)], "prior": "0", "current": "9"})
        p_unstable = [0.8 if label == "progression" else 0.2 for label in self.SAID]
        self.folds = self.pairs.assign(p_unstable=p_unstable, calibrated="yes", rules=p_unstable, forest=0.4)
        self.labels = self.pairs.assign(reader="r1", label=self.TRUTH)
        self.votes = self.pairs.assign(label=self.SAID, language=["fr"] * 6 + ["en"] * 4)[:9]

    def score(self):
        """Returns agreement.tsv of all languages by method and metric, and human.tsv."""
        tables = {"votes": self.votes, "a": self.folds[:5], "b": self.folds[5:9], "labels": self.labels}
        paths = {name: self.folder / f"{name}.tsv" for name in (*tables, "agreement", "human")}
        for name, table in tables.items():
            io.write_table(table, paths[name])
        outputs = paths["agreement"], paths["human"], self.folder / "reliability.png"
        score_labels(paths["votes"], [paths["a"], paths["b"]], paths["labels"], ["rules", "forest"], 200, 1, *outputs)
        assert outputs[-1].read_bytes()[:4] == b"\x89PNG"
        self.table = io.read_table(paths["agreement"])
        found = self.table[self.table["language"] == "all"].set_index(["method", "metric"])
        return found, io.read_table(paths["human"])


@pytest.fixture
def cohort(tmp_path):
    return Cohort(tmp_path)


def test_a_cohort_is_scored(cohort):
    found, _ = cohort.score()
    assert found.loc[("votes", "coverage"), "value"] == 0.9
    for method in ("votes", "stack", "rules"):
        assert found.loc[(method, "accuracy"), "value"] == pytest.approx(8 / 9)
        assert found.loc[(method, "sensitivity"), "value"] == 1
        assert found.loc[(method, "specificity"), "value"] == pytest.approx(4 / 5)
    assert found.loc[("stack", "brier"), "value"] == pytest.approx((8 * 0.04 + 0.64) / 9)
    # A constant .4 calls all stable, with confidence .6: neither published cut keeps any.
    assert found.loc[("forest", "specificity"), "value"] == 1 and found.loc[("forest", "sensitivity"), "value"] == 0
    assert found.loc[("forest", "brier"), "value"] == pytest.approx((5 * 0.16 + 4 * 0.36) / 9)
    assert found.loc[("forest", "share_confidence_0.75"), "value"] == 0
    assert found.loc[("stack", "accuracy_confidence_0.75"), ["value", "pairs"]].tolist() == [pytest.approx(8 / 9), 9]
    assert found.loc[("stack", "unstable_by_readers"), "value"] == pytest.approx(4 / 9)
    assert found.loc[("votes", "unstable_by_reports"), "value"] == pytest.approx(5 / 9)
    assert found.loc[("stack", "uncalibrated_folds"), "value"] == 0
    assert (found["low"].dropna() <= found["value"][found["low"].notna()]).all()
    # One reader cannot disagree.
    assert "readers" not in found.index.get_level_values("method")


def test_each_language_is_scored_by_itself(cohort):
    cohort.score()
    found = cohort.table.set_index(["method", "language", "metric"])["value"]
    # The one error, p0's, is French.
    assert found["votes", "fr", "accuracy"] == pytest.approx(5 / 6) and found["stack", "en", "accuracy"] == 1


def test_ranks_of_uncalibrated_folds_are_counted_and_not_scored(cohort):
    cohort.folds.loc[:4, ["p_unstable", "calibrated"]] = [0.6, "no"]
    found, _ = cohort.score()
    assert found.loc[("stack", "uncalibrated_folds"), ["value", "pairs"]].tolist() == [1, 5]
    assert found.loc[("stack", "coverage"), "value"] == 0.4
    assert found.loc[("stack", "brier"), "value"] == pytest.approx(0.04)
    cohort.folds["calibrated"] = "no"
    found, _ = cohort.score()
    assert found.loc[("stack", "uncalibrated_folds"), "value"] == 2
    assert ("stack", "brier") not in found.index


@pytest.mark.parametrize("lost", [slice(0), slice(5, 10)])
def test_folds_without_a_row_and_a_cohort_without_reports_are_scored(cohort, lost):
    cohort.votes, cohort.folds = cohort.votes[lost], cohort.folds[lost]
    found, _ = cohort.score()
    assert found.loc[("stack", "coverage"), "value"] == len(cohort.folds[:9]) / 10
    assert ("votes", "kappa") in found.index or cohort.votes.empty


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
