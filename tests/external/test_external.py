"""The ensemble is the mean of calibrated probabilities, over every included pair and no other."""

import math
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from gliodelta import io
from gliodelta.external import predict_external
from gliodelta.schema import InvalidInput
from gliodelta.training.models import build_model, save_model

CARD = {"encoder": "vgg", "representation": "absolute-difference", "grid": {"spacing_mm": [1, 1, 1], "shape": [16] * 3}}
TEMPERATURES = (0.5, 2.0, 1.0)
PAIRS = [("b1", "0", "30"), ("b1", "30", "60"), ("b2", "0", "90"), ("b10", "0", "90")]
LABELS = {("b1", "0", "30"): "progression", ("b2", "0", "90"): "stable", ("b1", "30", "60"): "unknown"}


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


@pytest.fixture
def cohort(tmp_path):
    """Three models and a cohort of four pairs, the last excluded; `cohort.predict(...)` returns both tables."""
    files = {name: tmp_path / f"{name}.tsv" for name in ("maps", "labels", "predictions", "members")}
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
        save_model(build_model(CARD, seed=inner), CARD, models[-1])
        split = {"repeat": 1, "fold": 1, "inner": inner}
        manifests.append(tmp_path / f"manifest-{inner}.json")
        io.write_json({**split, "excluded": f"x{inner}"}, manifests[-1])
        model = {"arm": "transfer", "temperature": temperature, "status": "trained"}
        io.write_json({**split, "excluded": f"x{inner}", **model}, lineages[-1])

    def predict(**changes):
        given = {"models": models, "lineages": lineages, "arm": "transfer", "split": "external", "maps": files["maps"]}
        given |= {"labels_sheet": files["labels"], "cache": cache, "figure": tmp_path / "predictions.png"}
        given |= {"manifests": manifests, "predictions": files["predictions"], "members": files["members"]}
        predict_external(**{**given, **changes})
        return io.read_table(files["predictions"]), io.read_table(files["members"])

    return SimpleNamespace(predict=predict, files=files, lineages=lineages, folder=tmp_path)


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
    io.write_json({**document, "temperature": 10.0}, cohort.lineages[0])
    _, cooler = cohort.predict()
    assert cooler["score"].equals(members["score"])
    changed = (cooler["probability"] - 0.5).abs() < (members["probability"] - 0.5).abs()
    assert changed.equals(members["inner"] == 1)


def test_a_certain_ensemble_has_a_finite_score(cohort):
    for lineage in cohort.lineages:
        io.write_json({**io.read_json(lineage), "temperature": 1e-6}, lineage)
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
