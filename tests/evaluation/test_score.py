"""``python -m gliodelta.evaluation score`` on tables as people have them."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from gliodelta import io
from gliodelta.evaluation.__main__ import main
from gliodelta.evaluation.reader import NO_SUBJECT, UNNAMED

FAST = ("--bootstraps", "200")
# methods.md F: labels and scores of two models, with areas known from elsewhere.
A = [0.1, 0.4, 0.35, 0.8, 0.65, 0.5, 0.45, 0.9, 0.2, 0.3]
B = [0.2, 0.1, 0.5, 0.7, 0.9, 0.6, 0.55, 0.4, 0.3, 0.35]
Y = [0, 0, 0, 1, 1, 0, 1, 1, 0, 1]
ORACLE = pd.DataFrame({"y_true": Y + Y, "probability": A + B, "arm": ["a"] * 10 + ["b"] * 10})


def made(arms=("net", "rival"), folds=3, patients=5, maps=3):
    """Raw scores on folds whose scales differ, as the published code leaves them."""
    generator = np.random.default_rng(0)
    rows = [
        {"subject": f"p{fold}{patient}", "prior": "0", "current": str(90 * (number + 1)), "fold": fold}
        for fold in range(1, folds + 1)
        for patient in range(patients)
        for number in range(maps)
    ]
    pairs = pd.DataFrame(rows).assign(y_true=generator.integers(0, 2, len(rows)))
    scores = {arm: pairs["y_true"] + generator.normal(size=len(pairs)) + pairs["fold"] for arm in arms}
    tables = [pairs.assign(arm=arm, split="test", repeat=1, inner=1, score=score) for arm, score in scores.items()]
    table = pd.concat(tables, ignore_index=True)
    return table.assign(probability=1 / (1 + np.exp(-table["score"])))


def score(folder, table, *options):
    """Runs the command; returns its metrics by arm and metric."""
    io.write_table(table, folder / "predictions.tsv")
    assert main(["score", str(folder / "predictions.tsv"), "--out", str(folder), *FAST, *options]) == 0
    return io.read_table(folder / "metrics.tsv").set_index(["arm", "metric"])["value"]


def refused(folder, table, capsys, *options):
    """Runs the command on a table that it refuses; returns what it says."""
    io.write_table(table, folder / "bad.tsv")
    assert main(["score", str(folder / "bad.tsv"), *FAST, *options]) == 1
    said = capsys.readouterr()
    assert not said.out and said.err.startswith("Nothing was scored: ")
    return said.err


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """Pictures take seconds; test_arms looks at them."""
    for name in ("figures.draw_roc", "figures.draw_precision_recall", "figures.draw_auc"):
        monkeypatch.setattr(f"gliodelta.evaluation.arms.{name}", lambda *_: None)
    for name in ("panels.draw_arm", "panels.draw_forest"):
        monkeypatch.setattr(f"gliodelta.evaluation.arms.{name}", lambda *_: None)


def test_the_oracle_comes_out_of_the_bare_columns(tmp_path, capsys):
    values = score(tmp_path, ORACLE)
    assert values["a", "auc"] == 0.84 and values["b", "auc"] == 0.8
    assert values["a", "ap"] == 0.885 and values["b", "ap"] == 0.8262
    assert values["a", "calibration-error"] == 0.125
    compared = io.read_table(tmp_path / "comparisons.tsv").iloc[0]
    assert compared["p_delong"] == pytest.approx(0.745602789, abs=1e-6)
    assert np.isnan(compared["n_patients"]) and np.isnan(compared["p_delong_clustered"])
    said = capsys.readouterr().out
    assert NO_SUBJECT in said and UNNAMED in said and "10 maps, 5 unstable" in said
    assert "called at probability 0.5: a, b" in said
    assert "leave out how another training would vary" in said


def test_the_columns_of_the_published_table(tmp_path, capsys):
    table = made()
    values = score(tmp_path, table)
    own = table[table["arm"] == "net"]
    called = own["probability"] >= 0.5
    areas = [roc_auc_score(part["y_true"], part["score"]) for _, part in own.groupby("fold")]
    assert values["net", "auc"] == pytest.approx(roc_auc_score(own["y_true"], own["score"]), abs=1e-4)
    assert values["net", "auc-fold-mean"] == pytest.approx(np.mean(areas), abs=1e-4)
    assert values["net", "auc-fold-sd"] == pytest.approx(np.std(areas), abs=1e-4)
    ranks = own.groupby("fold")["score"].rank(pct=True)
    assert values["net", "auc-fold-ranks"] == pytest.approx(roc_auc_score(own["y_true"], ranks), abs=1e-4)
    assert values["net", "ap"] == pytest.approx(average_precision_score(own["y_true"], own["score"]), abs=1e-4)
    assert values["net", "f1"] == pytest.approx(f1_score(own["y_true"], called), abs=1e-4)
    heads = [head.strip() for head in capsys.readouterr().out.splitlines()[2].split("|")]
    wanted = ["AUC, pooled [95 %]", "AUC, mean of folds ± sd", "AUC, ranks in folds", "AUPR, trapezoid", "AP"]
    wanted += ["accuracy", "sensitivity", "specificity", "PPV", "NPV", "F1", "Brier", "ECE"]
    assert heads == ["", "arm", *wanted, ""]


def test_raw_scores_alone_are_judged_by_their_calls(tmp_path, capsys):
    table = made().drop(columns=["probability", "subject", "prior", "current"])
    values = score(tmp_path, table.assign(called=(table["score"] > 3).astype(int)))
    own = table[table["arm"] == "net"]
    assert values["net", "auc"] == pytest.approx(roc_auc_score(own["y_true"], own["score"]), abs=1e-4)
    assert values["net", "sensitivity"] == pytest.approx((own["score"] > 3)[own["y_true"] == 1].mean(), abs=1e-4)
    assert np.isnan(values["net", "brier"])
    assert "operating points as in the column called" in capsys.readouterr().out


def test_thresholds_come_from_validation_rows_and_inner_models_and_repeats_are_averaged(tmp_path, capsys):
    table = made(arms=["net"])
    more = [table.assign(repeat=repeat, inner=inner) for repeat in (1, 2) for inner in (1, 2)]
    validation = [part.assign(split="validation", probability=0.2 + 0.6 * part["y_true"]) for part in more]
    values = score(tmp_path, pd.concat([*more, *validation]))
    own = table["probability"] >= 0.8
    assert values["net", "sensitivity"] == pytest.approx(own[table["y_true"] == 1].mean(), abs=1e-4)
    assert values["net", "threshold-repeat-2-fold-3"] == 0.8
    assert len(io.read_table(tmp_path / "pairs.tsv")) == len(table)
    assert "thresholds chosen on validation rows" in capsys.readouterr().out


def test_external_rows_are_a_cohort_of_their_own(tmp_path):
    table = made(arms=["net"])
    score(tmp_path, pd.concat([table, table.assign(split="external", repeat=0, fold=0, inner=0)]))
    found = io.read_table(tmp_path / "summary.tsv")
    assert found["cohort"].tolist() == ["development", "external"]
    assert found.loc[0, "auc"] == found.loc[1, "auc"] and found["auc-fold-mean"].notna().tolist() == [True, False]


def test_an_arm_that_is_absent_from_a_cohort_is_named(tmp_path, capsys):
    table = made()
    away = table[table["arm"] == "net"].assign(split="external", repeat=0, fold=0, inner=0)
    score(tmp_path, pd.concat([table, away]))
    assert "cohort external is without rows of rival" in capsys.readouterr().out


def test_scores_without_probabilities_or_thresholds_call_nothing(tmp_path, capsys):
    score(tmp_path, made(arms=["net"]).drop(columns="probability"))
    said = capsys.readouterr().out
    assert "no threshold, add called or validation rows: net" in said and "called at probability" not in said


def test_the_primary_arm_declares_the_family_and_columns_give_subgroups(tmp_path):
    table = made(arms=["one", "two", "three"])
    score(tmp_path, table.assign(site=table["fold"] % 2), "--primary", "two", "--by", "site")
    compared = io.read_table(tmp_path / "comparisons.tsv")
    assert compared[["arm", "against", "family"]].to_numpy().tolist() == [
        ["two", "one", "declared"],
        ["two", "three", "declared"],
        ["one", "three", "exploratory"],
    ]
    assert (compared["p"] > 0).all() and compared["p_holm"].notna().tolist() == [True, True, False]
    levels = io.read_table(tmp_path / "subgroups.tsv").query("subgroup == 'site' and arm == 'two'")
    assert levels["n_maps"].tolist() == [15, 30]


def spoil(column, value):
    def change(table):
        changed = table.astype({column: object})
        changed.loc[3, column] = value
        return changed

    return change


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda table: table.drop(columns="y_true"), "the columns y_true and score or probability are needed"),
        (lambda table: table[:0], "the table has no rows"),
        (spoil("score", None), "1 row, first of arm net, cohort development, repeat 1, .* no finite number"),
        (spoil("probability", 1.5), "probability outside 0 to 1"),
        (spoil("probability", None), "probability outside 0 to 1"),
        (spoil("y_true", 2), "a y_true other than 0 and 1"),
        (spoil("subject", None), "the column subject is empty in some rows"),
        (spoil("fold", "first"), "the column fold holds other values than numbers"),
        (spoil("split", "train"), "split 'train' cannot be scored"),
        (lambda table: pd.concat([table, table[:1]]), "a pair that stands there twice"),
        (lambda table: table.assign(split="validation"), "there are validation rows only"),
        (lambda table: table.assign(called=0.5), "the column called holds other values than 0 and 1"),
        (
            lambda table: table[(table["arm"] == "net") | (table["fold"] != 2)],
            "arm rival, .*: 15 predictions that other arms have are missing, first of repeat 1 fold 2 inner 1",
        ),
        (
            lambda table: pd.concat([table, table[:1].assign(fold=2)]),
            "a pair that is tested in two folds of a repeat",
        ),
        (
            lambda table: pd.concat([table, table.assign(repeat=2)]).drop(columns=["prior", "current"]),
            "with several repeats, the columns subject, prior and current must tell pairs apart",
        ),
    ],
)
def test_a_bad_table_is_refused_with_the_place_and_what_to_write(tmp_path, capsys, change, text):

    assert re.search(text, refused(tmp_path, change(made()), capsys))


def test_wrong_options_are_refused(tmp_path, capsys):
    assert "no arm 'best'" in refused(tmp_path, made(), capsys, "--primary", "best")
    assert "no column site" in refused(tmp_path, made(), capsys, "--by", "site")
    assert main(["score", str(tmp_path / "none.tsv")]) == 1


def test_a_fold_of_one_class_is_an_explicit_row(tmp_path):
    table = made(arms=["net"])
    table.loc[table["fold"] == 2, "y_true"] = 0
    score(tmp_path, table)
    rows = io.read_table(tmp_path / "metrics.tsv").set_index("metric")
    assert np.isnan(rows.loc["auc-repeat-1-fold-2", "value"])
    assert rows.loc["auc-fold-mean", "note"] == "1 of 3 folds have one class"


def test_empty_columns_are_missing_ones(tmp_path):
    table = made(arms=["net"])
    first = score(tmp_path, table.drop(columns=["subject", "prior", "current", "probability"]))
    empty = dict.fromkeys(["subject", "prior", "current", "probability"])
    assert score(tmp_path, table.assign(**empty)).equals(first)


def test_numbers_of_pairs_that_start_anew_in_each_fold_are_positions(tmp_path, capsys):
    table = made().drop(columns=["subject", "prior"])
    table["current"] = table.groupby(["arm", "fold"]).cumcount()
    values = score(tmp_path, table)
    own = table[table["arm"] == "net"]
    assert values["net", "auc"] == pytest.approx(roc_auc_score(own["y_true"], own["score"]), abs=1e-4)
    assert UNNAMED in capsys.readouterr().out


def test_arms_whose_rows_are_in_another_order_are_not_compared_by_position(tmp_path, capsys):
    table = made().drop(columns=["subject", "prior", "current"])
    table = table.sort_values(["arm", "fold", "score"])
    assert "score one arm at a time" in refused(tmp_path, table, capsys)


def test_repeats_that_are_counted_from_zero_keep_their_folds(tmp_path):
    table = made(arms=["net"])
    first, second = score(tmp_path, table), score(tmp_path, table.assign(repeat=0))
    assert first["net", "auc-fold-mean"] == second["net", "auc-fold-mean"]
