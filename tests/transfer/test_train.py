"""The final model of a split: its files agree, and weights of another split are refused."""

import numpy as np
import pytest
import torch
from toy import CARD, ROW, TRAINING, write_split

from gliodelta import io
from gliodelta.schema import InvalidInput
from gliodelta.tables import PREDICTIONS
from gliodelta.training.loop import HISTORY
from gliodelta.training.models import build_model, load_model, save_model
from gliodelta.transfer.calibration import UNCALIBRATED
from gliodelta.transfer.predict import predict
from gliodelta.transfer.train import train_fold

# The arm's own grid, on which nothing is to be trained: its setting takes up an encoder of another.
ARM = {**ROW, "arm": "vgg-a", "grid": "other"}
GRIDS = {**TRAINING["grids"], "other": {"spacing_mm": [9, 9, 9], "shape": [32, 16, 16]}}
RECIPES = {"most": {**ROW, "recipe": "most", "cut_by": "quantile", "cut": "1"}}
SETTING = {"strategy": "fine-tune", "recipe": "most", "learning_rate": 1e-3, "weight_decay": 0.0}


def run(folder, encoder_lineage=None, empty=None):
    """Trains on a toy split, whose list `empty` has no rows; returns the outputs, lists and cache."""
    folder.mkdir(exist_ok=True)
    lists, cache, lineage = write_split(folder)
    if empty:
        io.write_table(io.read_table(lists[empty]).iloc[:0], lists[empty])
    origin = {"repeat": 1, "fold": 2, "inner": 1, "excluded": "abc", **(encoder_lineage or {})}
    save_model(build_model(CARD, seed=99), {**CARD, "lineage": origin}, folder / "encoder.safetensors")
    io.write_json(origin, folder / "encoder.json")
    io.write_yaml({"setting": SETTING, "auc": 0.9, "study": "s"}, folder / "best.yaml")
    outputs = {name: folder / "out" / name for name in ("model", "predictions", "history", "lineage")}
    train_fold(
        best=folder / "best.yaml",
        lists=lists,
        lineages=[lineage, folder / "encoder.json"],
        caches={"tiny": cache, "other": folder / "nothing"},
        encoders={"most": folder / "encoder.safetensors"},
        arm=ARM,
        recipes=RECIPES,
        training={**TRAINING, "grids": GRIDS},
        outputs=outputs,
    )
    return outputs, lists, cache


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return run(tmp_path_factory.mktemp("trained"))


def test_predictions_are_those_of_the_saved_model(trained):
    outputs, lists, cache = trained
    table = io.read_table(outputs["predictions"])
    assert list(table.columns) == PREDICTIONS
    assert table.groupby("split").size().to_dict() == {"test": 6, "validation": 8}
    assert set(table[["repeat", "fold", "inner", "arm"]].itertuples(index=False, name=None)) == {(1, 2, 1, "vgg-a")}
    model, card = load_model(outputs["model"])
    for split in ("validation", "test"):
        again = predict(model, io.read_table(lists[split]), cache, card)
        part = table[table["split"] == split]
        assert part["y_true"].tolist() == again["y_true"].tolist()
        np.testing.assert_allclose(part["score"], again["score"], rtol=1e-6)
        line = card["calibration"]["slope"] * part["score"] + card["calibration"]["intercept"]
        calibrated = 1 / (1 + np.exp(-line))
        np.testing.assert_allclose(part["probability"], calibrated, rtol=1e-6)


def test_an_encoder_is_taken_up_on_its_own_grid(trained):
    outputs, _, _ = trained
    _, card = load_model(outputs["model"])
    assert card["grid"] == GRIDS["tiny"]


def test_the_lineage_names_split_setting_and_calibration(trained):
    outputs, _, _ = trained
    lineage = io.read_json(outputs["lineage"])
    _, card = load_model(outputs["model"])
    assert lineage == {
        "repeat": 1, "fold": 2, "inner": 1, "excluded": "abc", "arm": "vgg-a", "setting": SETTING, "grid": "tiny",
        "calibration": card["calibration"], "status": "trained", "reason": "",
    }  # fmt: skip
    origin = {key: lineage[key] for key in ("repeat", "fold", "inner", "excluded")}
    assert card == {**CARD, "calibration": card["calibration"], "lineage": origin}


def test_equal_inputs_give_equal_files(trained, tmp_path):
    outputs, _, _ = run(tmp_path / "again")
    for name, file in trained[0].items():
        assert file.read_bytes() == outputs[name].read_bytes(), name


def test_an_encoder_that_kept_other_patients_out_is_refused_with_both_splits(tmp_path):
    with pytest.raises(InvalidInput, match=r"repeat 1 fold 3.*repeat 1 fold 2"):
        run(tmp_path, {"fold": 3, "excluded": "xyz"})
    assert not (tmp_path / "out").exists()


def test_without_maps_to_train_on_the_model_is_a_fresh_one_and_says_so(tmp_path):
    outputs, _, _ = run(tmp_path, empty="train")
    lineage = io.read_json(outputs["lineage"])
    assert (lineage["status"], lineage["calibration"]) == ("untrained", UNCALIBRATED)
    assert lineage["reason"].startswith("no map to train on is left")
    model, _ = load_model(outputs["model"])
    fresh = build_model(CARD, TRAINING["seed"]).state_dict()
    assert all(torch.equal(tensor, fresh[name]) for name, tensor in model.state_dict().items())
    predictions, history = (io.read_table(outputs[name]) for name in ("predictions", "history"))
    assert predictions.empty and list(predictions.columns) == PREDICTIONS
    assert history.empty and list(history.columns) == list(HISTORY)


@pytest.mark.parametrize(("empty", "left"), [("validation", {"test": 6}), ("test", {"validation": 8})])
def test_a_list_without_maps_gives_no_predictions(tmp_path, empty, left):
    outputs, _, _ = run(tmp_path, empty=empty)
    assert io.read_table(outputs["predictions"]).groupby("split").size().to_dict() == left
    lineage = io.read_json(outputs["lineage"])
    assert lineage["status"] == "trained" and (lineage["calibration"] == UNCALIBRATED) == (empty == "validation")
