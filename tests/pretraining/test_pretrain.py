"""An encoder says where it comes from, and a thin fold gives an untrained one."""

import pickle

import pandas as pd
import pytest
import torch
from toy import CARD, ROW, TRAINING, write_split

from gliodelta import io
from gliodelta.lineage import excluded_patients
from gliodelta.pretraining import pretrain
from gliodelta.pretraining.pretrain import pretrain_encoder
from gliodelta.schema import InvalidInput
from gliodelta.training.loop import HISTORY
from gliodelta.training.models import build_model, load_model

RECIPE = {**ROW, "recipe": "most", "method": "supervised", "cut_by": "quantile", "cut": "1"}
SPLIT = {"repeat": 1, "fold": 2, "inner": 1}
KEPT_OUT = ["p11", "p21"]


def run(folder, name="first", split=SPLIT, manifest=KEPT_OUT, folds=KEPT_OUT, training=TRAINING, watch=None, **recipe):
    """Pretrains on a toy split whose manifest and folds keep these two patients out; returns the outputs."""
    folder.mkdir(exist_ok=True)
    lists, cache, lineage = write_split(folder)
    io.write_json({**io.read_json(lineage), "excluded": excluded_patients(manifest)}, lineage)
    parts = pd.DataFrame({"subject": ["p01", *folds], "part": ["train", "validation", "test"]})
    io.write_table(parts.assign(**SPLIT), folder / "folds.tsv")
    outputs = {key: folder / name / key for key in ("encoder", "history", "lineage")}
    files = lists["weak"], lineage, folder / "folds.tsv"
    pretrain_encoder(*files, split, cache, {**RECIPE, **recipe}, training, outputs, watch=watch)
    return outputs


def test_an_encoder_is_trained_and_says_where_it_comes_from(tmp_path):
    outputs = run(tmp_path)
    model, card = load_model(outputs["encoder"])
    assert card == {**CARD, "lineage": {**SPLIT, "excluded": excluded_patients(KEPT_OUT)}}
    assert not torch.equal(model.head[1].weight, build_model(CARD, TRAINING["seed"]).head[1].weight)
    assert len(io.read_table(outputs["history"])) <= TRAINING["pretraining_epochs"]
    lineage = io.read_json(outputs["lineage"])
    assert lineage == {
        **SPLIT, "excluded": excluded_patients(KEPT_OUT), "recipe": RECIPE, "status": "trained", "reason": "",
        "patients": 8, "pairs": 16, "unstable": 8,
    }  # fmt: skip


def test_equal_inputs_give_equal_files(tmp_path):
    first, second = run(tmp_path / "a"), run(tmp_path / "b")
    for name, file in first.items():
        assert file.read_bytes() == second[name].read_bytes(), name


def test_spread_over_gpus_the_processes_get_the_whole_job_and_the_history_is_told(tmp_path, monkeypatch):
    def launch(count, accelerator, function, arguments):
        assert (count, accelerator) == (2, "cuda")
        # As one of the processes would get it; test_devices has several.
        pickle.loads(pickle.dumps(function))(**pickle.loads(pickle.dumps(arguments)))

    alone, told = [], []
    first = run(tmp_path / "a", watch=alone.append)
    monkeypatch.setattr(pretrain, "usable_gpus", lambda wanted: min(wanted, 2))
    monkeypatch.setattr(pretrain, "launch", launch)
    second = run(tmp_path / "b", training={**TRAINING, "pretraining_devices": 4}, watch=told.append)
    for name, file in first.items():
        assert file.read_bytes() == second[name].read_bytes(), name
    assert [row["epoch"] for row in told] == [row["epoch"] for row in alone]
    assert [row["loss"] for row in told] == pytest.approx([row["loss"] for row in alone])


def test_a_cut_that_keeps_too_little_leaves_a_fresh_encoder_and_says_so(tmp_path):
    outputs = run(tmp_path, cut_by="confidence", cut="0.95")
    model, _ = load_model(outputs["encoder"])
    fresh = build_model(CARD, TRAINING["seed"])
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in fresh.state_dict().items())
    table = io.read_table(outputs["history"])
    assert table.empty and list(table.columns) == list(HISTORY)
    lineage = io.read_json(outputs["lineage"])
    assert (lineage["status"], lineage["pairs"], lineage["excluded"]) == ("untrained", 0, excluded_patients(KEPT_OUT))
    assert "two patients" in lineage["reason"]


def test_the_manifest_of_another_split_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"'fold': 2.*'fold': 3"):
        run(tmp_path, split={**SPLIT, "fold": 3})


def test_a_manifest_that_kept_other_patients_out_than_the_folds_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="made with other patients left out"):
        run(tmp_path, folds=["p11", "p22"])


def test_a_weak_list_with_a_patient_whom_the_folds_keep_out_is_refused(tmp_path):
    # Patient p31 is on the toy's weak list; manifest and folds agree that it must not be.
    kept_out = ["p11", "p31"]
    with pytest.raises(InvalidInput, match="made with other patients left out"):
        run(tmp_path, manifest=kept_out, folds=kept_out)
