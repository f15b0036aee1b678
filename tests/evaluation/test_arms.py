"""The summary and the comparisons say what the predictions are worth, with nothing left out silently."""

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import average_precision_score, roc_auc_score

from gliodelta import io
from gliodelta.evaluation import arms, predictions
from gliodelta.schema import InvalidInput

TABLES = ("summary", "comparisons")
PICTURES = ("roc", "precision_recall", "auc")
SETTINGS = {"bootstraps": 200, "seed": 123}


def inputs(made, files):
    """Arguments of `predictions.gather`."""
    return {
        "predictions": [path for own in files for path in own.splits],
        "external": [own.external for own in files],
        "comparators": made.comparators,
        "development": "home",
        "folds": made.folder / "folds.tsv",
        "lineages": made.lineages,
    }


def evaluate(made, files):
    """Judges without drawing; returns the summary, indexed by cohort, arm and metric, and the comparisons."""
    table = predictions.gather(**inputs(made, files))
    kinds = arms.rank_arms(made.arms, table)
    folds = predictions.combine(table)
    pairs = predictions.average_repeats(folds)
    summary = arms.summarise(folds, pairs, kinds, SETTINGS)
    return summary.astype({"cohort": str}).set_index(["cohort", "arm", "metric"]).sort_index(), arms.compare(
        pairs, kinds, SETTINGS
    )


def write(made, files):
    """Runs the whole step."""
    tables = {name: made.folder / f"{name}.tsv" for name in TABLES}
    pictures = {name: made.folder / f"{name}.png" for name in PICTURES}
    lineages = [made.folder / f"lineage-{number}.json" for number in range(len(made.lineages))]
    for lineage, path in zip(made.lineages, lineages, strict=True):
        io.write_json(lineage, path)
    given = {**inputs(made, files), "lineages": lineages}
    arms.evaluate_arms(**given, arms_sheet=made.arms, settings=SETTINGS, tables=tables, pictures=pictures)


def pooled(files):
    """Mean probability of the inner models of each test pair, by hand."""
    rows = [io.read_table(path) for path in files.splits]
    sums = {}
    for table in rows:
        for row in table[table["split"] == "test"].itertuples():
            sums.setdefault((row.fold, row.subject, row.current), (row.y_true, []))[1].append(row.probability)
    return {key: (y, np.mean(values)) for key, (y, values) in sums.items()}


def test_pooled_and_fold_areas_equal_those_computed_by_hand(made, files):
    summary, _ = evaluate(made, files)
    pairs = pooled(files[0])
    y, probability = zip(*pairs.values(), strict=True)
    own = summary.loc["home", "baseline"]
    assert own.loc["auc", "value"] == pytest.approx(roc_auc_score(y, probability))
    assert own.loc["ap", "value"] == pytest.approx(average_precision_score(y, probability))
    areas = []
    for fold in (1, 2, 3):
        part = [values for key, values in pairs.items() if key[0] == fold]
        areas.append(roc_auc_score(*zip(*part, strict=True)))
        assert own.loc[f"auc-repeat-1-fold-{fold}", "value"] == pytest.approx(areas[-1])
    assert own.loc["auc-fold-mean", "value"] == pytest.approx(np.mean(areas))
    assert (own["low"] <= own["value"]).all() and (own["value"] <= own["high"]).all()
    assert own.loc["auc", ["n_maps", "n_patients"]].tolist() == [24, 12]


def test_ranks_within_folds_do_not_mind_a_fold_with_another_calibration(made, files):
    before, _ = evaluate(made, files)
    for path in files[1].splits[:2]:
        table = io.read_table(path)
        io.write_table(table.assign(probability=table["probability"] / 1000), path)
    after, _ = evaluate(made, files)
    row = ("home", "transfer", "auc-fold-mean")
    assert after.loc[row, "value"] == pytest.approx(before.loc[row, "value"], abs=0.05)
    ranks = ("home", "transfer", "auc-fold-ranks")
    assert after.loc[ranks, "value"] == pytest.approx(before.loc[ranks, "value"], abs=0.05)
    # The shifted fold's unstable pairs fall below the other folds' stable ones, which spoils the pooled area.
    assert after.loc[("home", "transfer", "auc"), "value"] < before.loc[("home", "transfer", "auc"), "value"] - 0.05


def test_a_fold_of_one_class_is_an_explicit_row_and_out_of_the_mean(made, files):
    subjects = made.folds.loc[(made.folds["fold"] == 1) & (made.folds["part"] == "test"), "subject"].unique()
    made.pairs["home"].loc[made.pairs["home"]["subject"].isin(subjects), "y"] = 0
    comparators = io.read_table(made.comparators)
    comparators.loc[comparators["subject"].isin(subjects), "y_true"] = 0
    io.write_table(comparators, made.comparators)
    summary, _ = evaluate(made, [made.predict("baseline", 1), made.predict("transfer", 3)])
    own = summary.loc["home", "transfer"]
    assert np.isnan(own.loc["auc-repeat-1-fold-1", "value"])
    assert own.loc["auc-repeat-1-fold-1", "note"] == "undefined: no test pairs of one of the classes"
    others = own.loc[["auc-repeat-1-fold-2", "auc-repeat-1-fold-3"], "value"]
    assert own.loc["auc-fold-mean", "value"] == pytest.approx(others.mean())
    assert own.loc["auc-fold-mean", "note"].startswith("1 of 3 folds have one class")


def test_an_external_cohort_of_one_class_is_rows_without_values(made, files):
    for own in files:
        io.write_table(io.read_table(own.external).assign(y_true=1), own.external)
    comparators = io.read_table(made.comparators)
    comparators.loc[comparators["cohort"] == "away", "y_true"] = 1
    io.write_table(comparators, made.comparators)
    summary, comparisons = evaluate(made, files)
    assert np.isnan(summary.loc[("away", "transfer", "auc"), "value"])
    assert summary.loc[("away", "transfer", "sensitivity"), "value"] >= 0
    assert comparisons.loc[comparisons["cohort"] == "away", "p"].isna().all()


def test_external_pairs_without_a_label_are_counted(made, files):
    for own in files:
        table = io.read_table(own.external).astype({"y_true": float})
        table.loc[0, "y_true"] = None
        io.write_table(table, own.external)
    comparators = io.read_table(made.comparators)
    first = (comparators["cohort"] == "away") & (comparators["subject"] == "away00") & (comparators["current"] == "90")
    io.write_table(comparators[~first], made.comparators)
    summary, _ = evaluate(made, files)
    assert summary.loc[("away", "transfer", "auc"), "n_maps"] == 7
    table = predictions.gather(**inputs(made, files))
    counted = arms.count_unlabelled(table, arms.rank_arms(made.arms, table)).set_index(["cohort", "arm"])
    assert counted["value"].to_dict() == {("away", "baseline"): 1, ("away", "transfer"): 1}


def test_an_external_cohort_whose_pairs_were_all_excluded_is_a_row_an_arm_and_no_more(made, files):
    maps = io.read_table(made.folder / "away_maps.tsv")
    features = [name for name in maps if name.startswith("feature_")]
    io.write_table(maps.assign(include="no", **dict.fromkeys(features)), made.folder / "away_maps.tsv")
    io.write_table(made.fit(), made.comparators)
    for own in files:
        io.write_table(io.read_table(own.external)[:0], own.external)
    write(made, files)
    summary = io.read_table(made.folder / "summary.tsv")
    away = summary[summary["cohort"] == "away"]
    assert away["arm"].tolist() == ["transfer", "baseline"]
    assert away[["metric", "value", "n_maps"]].drop_duplicates().to_numpy().tolist() == [["pairs-predicted", 0, 0]]
    assert set(io.read_table(made.folder / "comparisons.tsv")["cohort"]) == {"home"}


def test_every_arm_meets_every_other_and_the_primary_one_every_comparator(made, files):
    _, comparisons = evaluate(made, files)
    home = comparisons[comparisons["cohort"] == "home"]
    rivals = ["baseline", "mean-difference", "p95-difference", "histogram-difference", "interval-days"]
    assert home[["arm", "against"]].to_numpy().tolist() == [["transfer", rival] for rival in rivals]
    assert np.allclose(home["difference"], home["auc_arm"] - home["auc_against"])
    assert (home["p"] > 0).all() and (home["p_holm"] >= home["p"]).all()
    best = home.iloc[0]
    assert best["difference"] > 0.1 and best["low"] >= 0 and best["p"] < 0.1
    # The cohort that arms are developed on comes first, whatever its name.
    assert comparisons["cohort"].tolist() == ["home"] * 5 + ["away"] * 5


def test_an_arm_without_a_fold_stops_the_evaluation(made, files):
    files[0].splits.pop()
    with pytest.raises(InvalidInput, match=r"arm baseline, cohort home: .* repeat 1 fold 3 inner 2"):
        evaluate(made, files)


def leave_untrained(made, own, number):
    """Makes the model of a network's `number`-th split an untrained one."""
    io.write_table(io.read_table(own.splits[number]).iloc[:0], own.splits[number])
    made.lineages[number].update(status="untrained", reason="no map is left")


def test_a_split_on_which_an_arm_is_untrained_is_left_out_for_all_and_counted(made, files):
    leave_untrained(made, files[0], 0)
    write(made, files)
    summary = io.read_table(made.folder / "summary.tsv").set_index(["arm", "metric"])
    row = summary.loc[("baseline", "untrained-splits")]
    assert row[["cohort", "value", "note"]].to_list() == ["home", 1, "left out for every arm: no map is left"]
    assert ("transfer", "untrained-splits") not in summary.index
    table = predictions.gather(**inputs(made, files))
    assert not (table[["repeat", "fold", "inner"]] == [1, 1, 1]).all(axis=1).any()
    # The other inner model of the fold still predicts its test patients.
    assert set(summary.loc["transfer"].query("cohort == 'home'").loc["auc", ["n_maps"]]) == {24}


def test_without_any_trained_split_the_evaluation_says_so(made, files):
    for number in range(len(files[0].splits)):
        leave_untrained(made, files[0], number)
    with pytest.raises(InvalidInput, match="on no split had every arm human-labelled maps to train on"):
        evaluate(made, files)


@pytest.mark.parametrize("part", ["test", "validation"])
def test_a_model_judged_on_a_patient_of_another_part_stops_the_evaluation(made, files, part):
    rows = made.folds.index[made.folds["part"] == part]
    io.write_table(
        made.folds.assign(part=made.folds["part"].where(made.folds.index != rows[0], "train")),
        made.folder / "folds.tsv",
    )
    with pytest.raises(InvalidInput, match=r"first of arm baseline, cohort home, .*no such patient of this split"):
        evaluate(made, files)


def test_equal_input_gives_equal_tables(made, files):
    for first, second in zip(evaluate(made, files), evaluate(made, files), strict=True):
        assert first.equals(second)


def test_what_is_written_begins_with_the_primary_arm_and_has_pictures(made, files):
    write(made, files)
    summary = io.read_table(made.folder / "summary.tsv")
    assert summary.loc[0, ["kind", "arm", "cohort", "metric"]].tolist() == ["primary", "transfer", "home", "auc"]
    kinds = summary.drop_duplicates("arm").set_index("arm")["kind"]
    assert kinds["baseline"] == "arm" and kinds["interval-days"] == "comparator"
    for name in PICTURES:
        with Image.open(made.folder / f"{name}.png") as picture:
            # Blank paper has one colour.
            assert len(picture.convert("RGB").getcolors(maxcolors=1 << 24)) > 20
