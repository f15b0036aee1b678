"""The ensemble is the mean of calibrated probabilities, over every included pair and no other."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from gliodelta import io
from gliodelta.external.ensembles import ENSEMBLES
from gliodelta.external.predict import _prior_of, predict_external
from gliodelta.external.score import score_external
from gliodelta.external.shift import change_prior
from gliodelta.fingerprint import _closure
from gliodelta.schema import InvalidInput
from gliodelta.training.models import build_model, save_model
from gliodelta.transfer.calibration import UNCALIBRATED, fit_calibration, probability

CARD = {
    "encoder": "vgg",
    "representation": "absolute-difference",
    "loss": "balanced",
    "grid": {"spacing_mm": [1, 1, 1], "shape": [16] * 3},
}
TEMPERATURES = (0.5, 2.0, 1.25)
# 3 of the 9 pairs that calibrate are unstable: with half a pair more of each class, a prior of 3.5 / 10.
HOME = {"pairs": {"train": 20, "validation": 9}, "unstable": {"train": 6, "validation": 3}}
PAIRS = [("b1", "0", "30"), ("b1", "30", "60"), ("b2", "0", "90"), ("b10", "0", "90")]
LABELS = {("b1", "0", "30"): "progression", ("b2", "0", "90"): "stable", ("b1", "30", "60"): "unknown"}


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def calibration(temperature):
    """Divides scores by a temperature."""
    return {"slope": 1 / temperature, "intercept": 0.0}


@pytest.fixture
def cohort(tmp_path):
    """Three models and a cohort of four pairs, the last excluded; `cohort.predict(...)` returns both tables."""
    outputs = {name: tmp_path / f"{name}.tsv" for name in ("predictions", "ensembles", "scores")}
    files = {**outputs, **{name: tmp_path / f"{name}.tsv" for name in ("members", "maps", "labels")}}
    outputs["figure"] = tmp_path / "predictions.png"
    keys = ("subject", "prior", "current")
    rows = [{**dict(zip(keys, pair, strict=True)), "days": 30, "include": "yes", "reason": ""} for pair in PAIRS]
    rows[-1].update(include="no", reason="an exam is missing")
    io.write_table(pd.DataFrame(rows), files["maps"])
    labels = [{**dict(zip(keys, pair, strict=True)), "reader": "r1", "label": label} for pair, label in LABELS.items()]
    io.write_table(pd.DataFrame(labels), files["labels"])
    generator = torch.Generator().manual_seed(1)
    cache = tmp_path / "grid.safetensors"
    save_file(
        {"/".join(pair): torch.randn((2, 16, 16, 16), generator=generator).half() for pair in PAIRS[:-1]}, str(cache)
    )
    models, lineages, manifests = [], [], []
    for inner, temperature in enumerate(TEMPERATURES, start=1):
        models.append(tmp_path / f"{inner}.safetensors")
        lineages.append(tmp_path / f"{inner}.json")
        origin = {"repeat": 1, "fold": 1, "inner": inner, "excluded": f"x{inner}"}
        save_model(build_model(CARD, seed=inner), {**CARD, "lineage": origin}, models[-1])
        manifests.append(tmp_path / f"manifest-{inner}.json")
        io.write_json({**origin, "pairs": HOME["pairs"], "unstable": HOME["unstable"]}, manifests[-1])
        model = {"arm": "transfer", "calibration": calibration(temperature), "status": "trained", "grid": "tiny"}
        io.write_json({**origin, **model}, lineages[-1])

    given = {"arm": "transfer", "split": "external", "maps": files["maps"], "members": files["members"]}
    asked = {"models": models, "lineages": lineages, "manifests": manifests, "caches": {"tiny": cache}}
    judged = {"labels_sheet": files["labels"], "settings": {"bootstraps": 100, "seed": 1}, "outputs": outputs}

    def predict(**changes):
        predict_external(**{key: changes.get(key, value) for key, value in {**given, **asked}.items()})
        return score(**changes)

    def score(**changes):
        score_external(**{key: changes.get(key, value) for key, value in {**given, **judged}.items()})
        return io.read_table(files["predictions"]), io.read_table(files["members"])

    made = {"files": files, "lineages": lineages, "models": models, "folder": tmp_path}
    return SimpleNamespace(predict=predict, score=score, **made)


def test_every_included_pair_is_predicted_and_no_other(cohort):
    predictions, members = cohort.predict()
    assert [tuple(row) for row in predictions[["subject", "prior", "current"]].to_numpy()] == PAIRS[:-1]
    assert len(members) == len(TEMPERATURES) * len(predictions)
    assert set(predictions["split"]) == {"external"} and set(predictions["arm"]) == {"transfer"}
    assert (predictions[["repeat", "fold", "inner"]] == 0).all(axis=None)
    assert set(members["inner"]) == {1, 2, 3}


def test_pairs_without_a_majority_of_readers_have_no_true_label(cohort):
    predictions, _ = cohort.predict()
    assert predictions["y_true"].fillna(-1).to_list() == [1, -1, 0]
    assert cohort.files["predictions"].read_text().splitlines()[2].split("\t")[4] == "n/a"


def test_the_ensemble_is_the_mean_of_calibrated_probabilities(cohort):
    predictions, members = cohort.predict()
    for _, member in members.iterrows():
        expected = sigmoid(member["score"] / TEMPERATURES[member["inner"] - 1])
        assert member["probability"] == pytest.approx(expected, abs=1e-6)
    means = members.groupby(["subject", "prior", "current"])["probability"].mean()
    assert predictions["probability"].to_numpy() == pytest.approx(means.to_numpy(), abs=1e-8)
    assert [sigmoid(score) for score in predictions["score"]] == pytest.approx(predictions["probability"].to_list())


def test_members_differ_and_another_temperature_changes_only_probabilities(cohort):
    _, members = cohort.predict()
    assert members.groupby("subject")["score"].nunique().gt(1).all()
    document = io.read_json(cohort.lineages[0])
    io.write_json({**document, "calibration": calibration(10.0)}, cohort.lineages[0])
    _, cooler = cohort.predict()
    assert cooler["score"].equals(members["score"])
    changed = (cooler["probability"] - 0.5).abs() < (members["probability"] - 0.5).abs()
    assert changed.equals(members["inner"] == 1)


def test_a_certain_ensemble_has_a_finite_score(cohort):
    for lineage in cohort.lineages:
        io.write_json({**io.read_json(lineage), "calibration": calibration(1e-6)}, lineage)
    predictions, _ = cohort.predict()
    assert predictions["score"].abs().max() < 21


def test_the_same_models_give_the_same_bytes(cohort):
    def contents():
        cohort.predict()
        return [path.read_bytes() for path in sorted(cohort.folder.glob("*.tsv"))] + [
            (cohort.folder / "predictions.png").read_bytes()
        ]

    assert contents() == contents()


def test_a_cohort_without_labels_is_scored_all_the_same(cohort):
    predictions, _ = cohort.predict(labels_sheet=None, split="inference")
    assert predictions["y_true"].isna().all() and predictions["probability"].between(0, 1).all()
    assert set(predictions["split"]) == {"inference"}


def test_a_cohort_whose_pairs_are_all_excluded_gives_empty_tables(cohort):
    maps = io.read_table(cohort.files["maps"])
    io.write_table(maps.assign(include="no"), cohort.files["maps"])
    predictions, members = cohort.predict()
    assert predictions.empty and members.empty and "probability" in predictions


def test_a_model_of_another_arm_is_refused(cohort):
    with pytest.raises(InvalidInput, match="a model of arm transfer was offered to the ensemble of arm baseline"):
        cohort.predict(arm="baseline")


def test_a_model_that_kept_other_patients_out_than_its_manifest_is_refused(cohort):
    with pytest.raises(InvalidInput, match=r"repeat 1 fold 1 inner split 1 were offered to .* inner split 2"):
        cohort.predict(manifests=[cohort.folder / f"manifest-{inner}.json" for inner in (2, 1, 3)])


@pytest.mark.parametrize("untrained", [1, 3])
def test_untrained_models_are_no_members(cohort, untrained):
    for lineage in cohort.lineages[:untrained]:
        io.write_json({**io.read_json(lineage), "status": "untrained"}, lineage)
    predictions, members = cohort.predict()
    assert set(members["inner"]) == {1, 2, 3} - set(range(1, untrained + 1))
    assert len(predictions) == (0 if untrained == 3 else 3)
    table = io.read_table(cohort.files["ensembles"])
    assert len(table) == len(PAIRS) and set(table["members"]) == {3 - untrained}


def test_weights_whose_card_names_another_split_are_refused(cohort):
    cohort.models[0].write_bytes(cohort.models[1].read_bytes())
    with pytest.raises(InvalidInput, match=r"inner split 2 were offered to .* inner split 1"):
        cohort.predict()


def test_ensembles_stand_side_by_side_and_the_primary_one_is_the_prediction(cohort):
    predictions, members = cohort.predict()
    table = io.read_table(cohort.files["ensembles"])
    included = table[table["include"] == "yes"].reset_index(drop=True)
    grouped = members.groupby(["subject", "prior", "current"])
    assert included["mean_probability"].to_numpy() == pytest.approx(predictions["probability"].to_numpy())
    assert included["mean_score"].to_numpy() == pytest.approx(grouped["score"].mean().to_numpy(), abs=1e-6)
    votes = grouped["score"].apply(lambda scores: int((scores > 0).sum() >= 2))
    assert included["majority_vote"].to_list() == votes.to_list()
    odds = members["probability"] / (1 - members["probability"]) * (6.5 / 3.5)
    even = members.assign(even=odds / (1 + odds)).groupby(["subject", "prior", "current"])["even"].mean()
    assert included["even_prior"].to_numpy() == pytest.approx(even.to_numpy(), abs=1e-7)


def test_an_uncalibrated_member_is_at_even_odds_already(cohort):
    for lineage in cohort.lineages:
        io.write_json({**io.read_json(lineage), "calibration": UNCALIBRATED}, lineage)
    cohort.predict()
    table = io.read_table(cohort.files["ensembles"]).dropna(subset="mean_probability")
    assert table["even_prior"].to_numpy() == pytest.approx(table["mean_probability"].to_numpy())


def test_an_even_prior_undoes_the_share_that_the_calibration_was_fitted_on(cohort):
    # Of the 100 pairs that validate a fifth are unstable, of those that train, two thirds. At a score in the middle of
    # classes that spread alike, both are as likely: Bayes' rule gives the share at home, and a half at even odds.
    y = np.arange(100) < 20
    spread = np.tile(np.linspace(-1, 1, 20), 5)
    fitted = fit_calibration(y, spread + y - 0.5)
    manifest = {"pairs": {"train": 90, "validation": 100}, "unstable": {"train": 60, "validation": 20}}
    home = _prior_of(manifest, fitted)
    assert home == pytest.approx(0.2, abs=0.005)
    assert change_prior(probability(np.zeros(1), fitted), home, 0.5) == pytest.approx([0.5], abs=0.05)


def test_a_pair_without_a_map_is_a_row_with_its_reason(cohort):
    cohort.predict()
    table = io.read_table(cohort.files["ensembles"])
    assert len(table) == len(PAIRS)
    (row,) = table[table["include"] == "no"].to_dict("records")
    assert row["subject"] == "b10" and row["reason"] == "an exam is missing"
    assert all(math.isnan(row[column]) for column in ENSEMBLES)


def test_scores_name_every_ensemble_with_its_maps_and_patients(cohort):
    cohort.predict()
    table = io.read_table(cohort.files["scores"])
    assert list(dict.fromkeys(table["ensemble"])) == [name for name, _ in ENSEMBLES.values()]
    assert set(table["n_maps"]) == {2} and set(table["n_patients"]) == {2}
    assert table.groupby("role")["ensemble"].nunique()["transductive"] == 1


def test_without_labels_nothing_is_scored_and_the_columns_stay(cohort):
    cohort.predict(labels_sheet=None, split="inference")
    table = io.read_table(cohort.files["scores"])
    assert table.empty and "value" in table


def test_predicting_depends_on_no_statistics():
    needed = _closure("gliodelta.external.predict")
    assert not [module for module in needed if module.startswith(("gliodelta.statistics", "gliodelta.external.ens"))]
    assert "gliodelta.statistics.metrics" in _closure("gliodelta.external.score")


def spoil(file, **cells):
    """Overwrites cells of the first row of a table."""
    table = io.read_table(file)
    io.write_table(table.assign(**{name: [value, *table[name][1:]] for name, value in cells.items()}), file)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_an_error_that_names_the_model(cohort, value):
    cohort.predict()
    spoil(cohort.files["members"], score=value)
    with pytest.raises(InvalidInput, match="repeat 1 fold 1 inner 1 has no finite score for 1 of 3 pairs"):
        cohort.score()


def test_a_pair_that_a_model_has_twice_or_not_at_all_is_an_error(cohort):
    _, members = cohort.predict()
    for wrong in (pd.concat([members, members.tail(1)]), members.iloc[:-1]):
        io.write_table(wrong, cohort.files["members"])
        with pytest.raises(InvalidInput, match=r"repeat 1 fold 1 inner 3 has [24] predictions for 3 included pairs"):
            cohort.score()
    double = pd.concat([members.iloc[:-1], members[members["inner"] == 3].head(1)])
    io.write_table(double, cohort.files["members"])
    with pytest.raises(InvalidInput, match="not one each"):
        cohort.score()


def test_labelled_pairs_without_a_score_are_counted_beside_the_metrics(cohort):
    labels = io.read_table(cohort.files["labels"])
    (last,) = labels.tail(1).assign(subject="b10", prior="0", current="90", label="stable").to_dict("records")
    io.write_table(pd.concat([labels, pd.DataFrame([last])]), cohort.files["labels"])
    cohort.predict()
    notes = io.read_table(cohort.files["scores"])["note"]
    assert notes.str.contains("1 labelled pairs have no score; ensembles.tsv says why").all()


def test_where_all_labels_are_of_one_class_the_areas_are_missing_and_the_note_says_why(cohort):
    labels = io.read_table(cohort.files["labels"])
    io.write_table(labels.replace("stable", "response"), cohort.files["labels"])
    cohort.predict()
    table = io.read_table(cohort.files["scores"])
    areas = table[table["metric"].isin(["auc", "ap"])]
    assert areas["value"].isna().all() and areas["note"].str.contains("one label or are called alike").all()
    assert table.loc[table["metric"] == "brier", "value"].notna().all()
