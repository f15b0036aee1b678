"""Pairs are sorted into subgroups by what the sheets and headers say, and every subgroup is scored on its own."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from gliodelta import io
from gliodelta.evaluation import subgroups

SETTINGS = {"bootstraps": 200, "seed": 1, "interval_days": [90, 180], "exam_counts": [3, 5]}


def described(made):
    facts = made.facts()
    return subgroups.describe_pairs(list(made.pairs), facts["maps"], facts["exams"], facts["votes"], SETTINGS)


def test_numbers_fall_into_declared_bins():
    found = subgroups.binned([0, 89, 90, 179, 180, 999], [90, 180], "days")
    assert found.tolist() == ["below 90 days"] * 2 + ["90 to 179 days"] * 2 + ["180 days and more"] * 2
    assert subgroups.binned([2, 3, 4], [3, 4], "exams").tolist() == ["below 3 exams", "3 exams", "4 exams and more"]


def test_pairs_are_described_from_maps_exams_and_votes(made):
    table = described(made).set_index(["cohort", "subject", "current"])
    row = table.loc["home", "home02", "180"]
    assert row["interval"] == "180 days and more" and row["report language"] == "fr"
    assert row["manufacturer"] == "GE" and row["scanner"] == "changed" and row["field strength"] == "3 T"
    row = table.loc["home", "home03", "90"]
    assert row["manufacturer"] == "SIEMENS" and row["scanner"] == "same maker and field"
    assert row["field strength"] == "1.5 T" and row["exams of the patient"] == "3 to 4 exams"
    # Reports of the development cohort only are read.
    assert set(table.loc["away"]["report language"]) == {"unknown"}


def test_what_the_headers_do_not_tell_is_unknown(made):
    exams = io.read_table(made.folder / "home" / "exams.tsv")
    io.write_table(exams.assign(manufacturer=None, field_strength_t=None), made.folder / "home" / "exams.tsv")
    home = described(made).query("cohort == 'home'")
    for name in ("manufacturer", "field strength", "scanner"):
        assert set(home[name]) == {"unknown"}


def test_of_a_cohort_with_maps_only_the_interval_is_known(made):
    facts = made.facts()
    table = subgroups.describe_pairs(["home", "away"], facts["maps"], facts["exams"][:1], facts["votes"], SETTINGS)
    away = table[table["cohort"] == "away"]
    assert set(away["manufacturer"]) == {"unknown"} and set(away["exams of the patient"]) == {"unknown"}
    assert set(away["interval"]) == {"90 to 179 days", "180 days and more"}


@pytest.fixture
def scored(made):
    pairs = made.pairs["home"].rename(columns={"y": "y_true"})
    score = pairs["y_true"] + np.random.default_rng(0).normal(size=len(pairs))
    judged = pairs.assign(cohort="home", arm="net", judged=score, called=(score > 0.5).astype(float))
    return judged, subgroups.score_subgroups(judged, described(made), {"net": "primary"}, SETTINGS)


def test_a_subgroup_is_scored_on_its_own_maps(made, scored):
    judged, table = scored
    part = judged[judged["subject"].str[-1].astype(int) % 2 == 0]
    row = table.set_index(["subgroup", "level"]).loc[("report language", "fr")]
    assert row["auc"] == pytest.approx(roc_auc_score(part["y_true"], part["judged"]))
    assert row["sensitivity"] == pytest.approx(part.loc[part["y_true"] == 1, "called"].mean())
    assert row["auc_low"] <= row["auc"] <= row["auc_high"]
    assert row[["n_maps", "n_patients", "n_unstable"]].tolist() == [len(part), part["subject"].nunique(), 6]


def test_all_maps_come_first_and_levels_in_the_order_of_their_numbers(scored):
    _, table = scored
    assert table.loc[0, ["subgroup", "level", "n_maps"]].tolist() == ["all maps", "all maps", 24]
    levels = table.loc[table["subgroup"] == "interval", "level"].tolist()
    assert levels == ["90 to 179 days", "180 days and more"]
    # All patients have three exams: nothing to compare.
    assert "exams of the patient" not in set(table["subgroup"])


def test_a_subgroup_of_one_class_is_a_row_that_says_so(scored):
    _, table = scored
    # Second pairs only are unstable in the made-up study.
    row = table.set_index("level").loc["90 to 179 days"]
    assert row["n_unstable"] == 0 and np.isnan(row["auc"]) and row["note"].startswith("undefined: no test pairs")
    assert 0 <= row["specificity"] <= 1


def test_levels_are_sorted_with_the_unknown_last():
    names = ["unknown", "180 days and more", "below 90 days", "90 to 179 days", "SIEMENS", "GE", "3 T", "1.5 T"]
    wanted = ["1.5 T", "3 T", "below 90 days", "90 to 179 days", "180 days and more", "GE", "SIEMENS", "unknown"]
    assert pd.Series(sorted(names, key=subgroups._place)).tolist() == wanted
