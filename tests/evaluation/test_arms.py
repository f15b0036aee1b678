"""The tables say what the predictions are worth, with nothing left out silently."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import average_precision_score, roc_auc_score

from gliodelta import io
from gliodelta.evaluation import arms, comparisons, counts, predictions, summary
from gliodelta.schema import InvalidInput
from gliodelta.statistics.bootstrap import draw_patients
from gliodelta.transfer.calibration import UNCALIBRATED

TABLES = ("summary", "metrics", "comparisons", "subgroups", "pairs")
PICTURES = ("roc", "precision_recall", "auc")
SETTINGS = {"bootstraps": 200, "seed": 123, "bins": 5, "interval_days": [90, 180], "exam_counts": [3, 5]}


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
    """Judges without drawing; returns the metrics, indexed by cohort, arm and metric, and the comparisons."""
    table = predictions.gather(**inputs(made, files))
    kinds = arms.rank_arms(made.arms, table)
    folds = predictions.combine(table)
    pairs = predictions.average_repeats(folds)
    metrics = summary.measure(folds, pairs, kinds, SETTINGS)
    compared = comparisons.compare(pairs, kinds, SETTINGS)
    return metrics.astype({"cohort": str}).set_index(["cohort", "arm", "metric"]).sort_index(), compared


def study(made, files):
    """Arguments of `arms.judge_study`."""
    lineages = [made.folder / f"lineage-{number}.json" for number in range(len(made.lineages))]
    for lineage, path in zip(made.lineages, lineages, strict=True):
        io.write_json(lineage, path)
    given = {**inputs(made, files), "lineages": lineages, "cohorts": list(made.pairs), "facts": made.facts()}
    del given["development"]
    return {**given, "arms_sheet": made.arms, "settings": SETTINGS}


def judge(made, files):
    """Returns summary and metrics."""
    tables, _ = arms.judge_study(**study(made, files))
    return tables["summary"], tables["metrics"]


def pooled(files):
    """Mean probability of the inner models of each test pair, by hand."""
    rows = [io.read_table(path) for path in files.splits]
    sums = {}
    for table in rows:
        for row in table[table["split"] == "test"].itertuples():
            sums.setdefault((row.fold, row.subject, row.current), (row.y_true, []))[1].append(row.probability)
    return {key: (y, np.mean(values)) for key, (y, values) in sums.items()}


def test_pooled_and_fold_areas_equal_those_computed_by_hand(made, files):
    metrics, _ = evaluate(made, files)
    pairs = pooled(files[0])
    y, probability = zip(*pairs.values(), strict=True)
    own = metrics.loc["home", "baseline"]
    assert own.loc["auc", "value"] == pytest.approx(roc_auc_score(y, probability))
    assert own.loc["ap", "value"] == pytest.approx(average_precision_score(y, probability))
    areas = []
    for fold in (1, 2, 3):
        part = [values for key, values in pairs.items() if key[0] == fold]
        areas.append(roc_auc_score(*zip(*part, strict=True)))
        assert own.loc[f"auc-repeat-1-fold-{fold}", "value"] == pytest.approx(areas[-1])
    assert own.loc["auc-fold-mean", "value"] == pytest.approx(np.mean(areas))
    assert own.loc["auc-fold-sd", "value"] == pytest.approx(np.std(areas))
    ranged = own[own["low"].notna()]
    assert len(ranged) > 15 and (ranged["low"] <= ranged["value"]).all() and (ranged["value"] <= ranged["high"]).all()
    assert own.loc["auc", ["n_maps", "n_patients", "n_unstable"]].tolist() == [24, 12, 6]


def test_draws_of_one_class_are_counted(made, files):
    metrics, compared = evaluate(made, files)
    y, subjects = made.pairs["away"]["y"], made.pairs["away"]["subject"]
    drawn = draw_patients(subjects, SETTINGS["bootstraps"], SETTINGS["seed"])[1:]
    # Of four patients two never changed: about one draw in sixteen holds these two only.
    missed = int((drawn[:, y == 1].sum(axis=1) == 0).sum())
    assert missed > 0
    assert metrics.loc[("away", "transfer", "auc"), "draws_without_value"] == missed
    assert set(compared.loc[compared["cohort"] == "away", "draws_without_value"]) == {missed}


def test_an_interval_that_is_a_point_is_called_none(made, files):
    metrics, _ = evaluate(made, [made.predict("baseline", 50), made.predict("transfer", 50)])
    row = metrics.loc[("home", "transfer", "auc")]
    assert row[["value", "low", "high"]].tolist() == [1, 1, 1] and row["note"].startswith("all draws agree")
    assert summary.with_interval(*row[["value", "low", "high"]]) == "1.000 [no interval]"
    assert metrics.loc[("home", "histogram-difference", "auc"), "note"] == ""


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
    metrics, _ = evaluate(made, [made.predict("baseline", 1), made.predict("transfer", 3)])
    own = metrics.loc["home", "transfer"]
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
    metrics, compared = evaluate(made, files)
    assert np.isnan(metrics.loc[("away", "transfer", "auc"), "value"])
    assert metrics.loc[("away", "transfer", "sensitivity"), "value"] >= 0
    assert compared.loc[compared["cohort"] == "away", "p"].isna().all()


def test_external_pairs_without_a_label_are_counted(made, files):
    for own in files:
        table = io.read_table(own.external).astype({"y_true": float})
        table.loc[0, "y_true"] = None
        io.write_table(table, own.external)
    comparators = io.read_table(made.comparators)
    first = (comparators["cohort"] == "away") & (comparators["subject"] == "away00") & (comparators["current"] == "90")
    io.write_table(comparators[~first], made.comparators)
    metrics, _ = evaluate(made, files)
    assert metrics.loc[("away", "transfer", "auc"), "n_maps"] == 7
    table = predictions.gather(**inputs(made, files))
    counted = counts.count_unlabelled(table, arms.rank_arms(made.arms, table)).set_index(["cohort", "arm"])
    assert counted["value"].to_dict() == {("away", "baseline"): 1, ("away", "transfer"): 1}


def test_an_external_cohort_whose_pairs_were_all_excluded_is_a_row_an_arm_and_no_more(made, files):
    maps = io.read_table(made.folder / "away_maps.tsv")
    features = [name for name in maps if name.startswith("feature_")]
    io.write_table(maps.assign(include="no", **dict.fromkeys(features)), made.folder / "away_maps.tsv")
    io.write_table(made.fit(), made.comparators)
    for own in files:
        io.write_table(io.read_table(own.external)[:0], own.external)
    rows, metrics = judge(made, files)
    away = metrics[(metrics["cohort"] == "away") & (metrics["kind"] != "cohort")]
    assert away["arm"].tolist() == ["transfer", "baseline"]
    assert away[["metric", "value", "n_maps"]].drop_duplicates().to_numpy().tolist() == [["pairs-predicted", 0, 0]]
    away = rows[rows["cohort"] == "away"].set_index("arm")
    assert (away["n_maps"] == 0).all() and (away["auc"] == "").all()
    assert away.loc["transfer", "note"] == "no pair has a map that passed the checks; see the reasons in maps.tsv"
    assert away.loc["all", "note"].startswith("8 labelled pairs excluded before any arm: 8 ")


def test_the_primary_arm_meets_every_rival_in_the_declared_family(made, files):
    _, compared = evaluate(made, files)
    home = compared[compared["cohort"] == "home"]
    rivals = ["baseline", "mean-difference", "p95-difference", "histogram-difference", "interval-days"]
    assert home[["arm", "against"]].to_numpy().tolist() == [["transfer", rival] for rival in rivals]
    assert set(home["family"]) == {"declared"}
    assert np.allclose(home["difference"].astype(float), home["auc_arm"] - home["auc_against"])
    assert (home["p"] > 0).all() and (home["p_holm"] >= home["p"]).all()
    best = home.iloc[0]
    assert best["difference"] > 0.1 and best["low"] >= 0 and best["p"] < 0.1 and best["p_delong_clustered"] < 0.1
    # The cohort that arms are developed on comes first, whatever its name.
    assert compared["cohort"].tolist() == ["home"] * 5 + ["away"] * 5


def test_arms_that_are_not_primary_are_compared_outside_the_family(made, files):
    table = predictions.gather(**inputs(made, files))
    third = table[table["arm"] == "baseline"].assign(arm="third")
    kinds = {"transfer": "primary", "baseline": "arm", "third": "arm"}
    both = pd.concat([table[table["arm"].isin(kinds)], third])
    pairs = predictions.average_repeats(predictions.combine(both))
    compared = comparisons.compare(pairs[pairs["cohort"] == "home"], kinds, SETTINGS)
    assert compared[["family", "arm", "against"]].to_numpy().tolist() == [
        ["declared", "transfer", "baseline"],
        ["declared", "transfer", "third"],
        ["exploratory", "baseline", "third"],
    ]
    # Two tests that are one are corrected for as two; the third, of a model against itself, is not of the family.
    assert compared["p_holm"][:2].tolist() == pytest.approx((2 * compared["p"][:2]).tolist())
    assert np.isnan(compared["p_holm"][2]) and compared["p"][2] == 1


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
    metrics = judge(made, files)[1].set_index(["arm", "metric"])
    row = metrics.loc[("baseline", "untrained-splits")]
    assert row[["cohort", "value", "note"]].to_list() == ["home", 1, "1 splits left out for every arm: no map is left"]
    assert ("transfer", "untrained-splits") not in metrics.index
    table = predictions.gather(**inputs(made, files))
    assert not (table[["repeat", "fold", "inner"]] == [1, 1, 1]).all(axis=1).any()
    # The other inner model of the fold still predicts its test patients.
    assert set(metrics.loc["transfer"].query("cohort == 'home'").loc["auc", ["n_maps"]]) == {24}


def test_models_that_nothing_calibrates_are_a_row_on_every_cohort_and_a_note_of_the_arm(made, files):
    made.lineages[0]["calibration"] = UNCALIBRATED
    # An untrained model has no probabilities that could mislead.
    leave_untrained(made, files[0], 1)
    made.lineages[1]["calibration"] = UNCALIBRATED
    rows, metrics = judge(made, files)
    found = metrics[metrics["metric"] == "uncalibrated-models"].set_index(["arm", "cohort"])["value"].to_dict()
    assert found == {("baseline", "home"): 1, ("baseline", "away"): 1}
    notes = rows.set_index(["arm", "cohort"])["note"]
    assert "probabilities of 1 of 5 models are uncalibrated" in notes["baseline", "away"]
    assert notes["transfer", "home"] == ""


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
    outputs = {name: made.folder / f"{name}.tsv" for name in TABLES}
    outputs |= {name: made.folder / f"{name}.png" for name in PICTURES} | {"arms": made.folder / "pictures"}
    arms.evaluate_arms(**study(made, files), outputs=outputs)
    rows, metrics = (io.read_table(outputs[name]) for name in ("summary", "metrics"))
    assert rows.loc[0, ["kind", "arm", "cohort"]].tolist() == ["primary", "transfer", "home"]
    # One row an arm and cohort: two networks and four comparators on two cohorts.
    assert len(rows) == 12
    kinds = rows.set_index("arm")["kind"]
    assert set(kinds["baseline"]) == {"arm"} and set(kinds["interval-days"]) == {"comparator"}
    area = metrics[(metrics["arm"] == "baseline") & (metrics["metric"] == "auc")].iloc[0]
    cell = rows[rows["arm"] == "baseline"].iloc[0]["auc"]
    assert cell == f"{area['value']:.3f} [{area['low']:.3f}, {area['high']:.3f}]"
    own = {f"{cohort}_{arm}_curves" for cohort in ("home", "away") for arm in ("transfer", "baseline")}
    own |= {name.replace("curves", "subgroups") for name in own}
    assert {path.stem for path in (made.folder / "pictures").iterdir()} == own
    for path in [*(made.folder / f"{name}.png" for name in PICTURES), *(made.folder / "pictures").iterdir()]:
        with Image.open(path) as picture:
            # Blank paper has one colour.
            assert len(picture.convert("RGB").getcolors(maxcolors=1 << 24)) > 20


def test_labelled_pairs_without_an_image_are_a_row_with_the_reason(made, files):
    maps = io.read_table(made.folder / "home_maps.tsv").astype({"reason": object})
    maps.loc[:1, ["include", "reason"]] = ["no", "no T2 series among 5"]
    io.write_table(maps, made.folder / "home_maps.tsv")
    labels = made.folder / "home_labels.tsv"
    extra = io.read_table(labels).iloc[:1].assign(current="999")
    io.write_table(pd.concat([io.read_table(labels), extra]), labels)
    found = counts.count_excluded(["home"], [made.folder / "home_maps.tsv"], [labels]).iloc[0]
    assert found[["cohort", "metric", "value", "n_patients"]].tolist() == ["home", "labelled-pairs-excluded", 3, 1]
    assert found["note"].endswith("2 no T2 series among 5, 1 no row of pairs.tsv")
