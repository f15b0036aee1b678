"""The objective is the real training on each inner split."""

import math
from types import SimpleNamespace

import pytest
from studies import auc
from toy import CARD, ROW, TRAINING, write_split

from gliodelta import io
from gliodelta.schema import InvalidInput
from gliodelta.training.checkpoint import Checkpoint
from gliodelta.training.models import build_model, save_model
from gliodelta.transfer.fit import fit_setting
from gliodelta.tuning.journal import Journal
from gliodelta.tuning.select import tabulate
from gliodelta.tuning.space import PARAMETERS
from gliodelta.tuning.study import study_folder, write_study
from gliodelta.tuning.worker import tune_worker


def test_a_trial_is_reproduced_from_its_row_of_the_table(tmp_path):
    lists, cache, lineage = write_split(tmp_path, strength=0.5)
    names = ("encoder.safetensors", "cache.sha256", "study.json", "1.json")
    encoder, checksum, study, done = (tmp_path / name for name in names)
    save_model(build_model(CARD), {**CARD, "lineage": io.read_json(lineage)}, encoder)
    io.write_text("maps  cache.safetensors\n", checksum)
    files = {name: [lists[name]] for name in ("train", "validation", "weak")}
    files |= {"lineages": [lineage], "encoders": [encoder], "encoder_lineages": [lineage]}
    arm = {**ROW, "arm": "a", "strategies": "scratch,fine-tune", "learning_rates": "1e-3", "weight_decays": "0"}
    recipes = {"most": {**ROW, "cut_by": "quantile", "cut": "0.8"}}
    training = {**TRAINING, "epochs": 1}
    write_study(arm, recipes, training, {"repeat": 1, "fold": 2}, 1, "c", files, [checksum], study, budget=3)
    tune_worker(study, files, {"tiny": cache}, 1, 1, tmp_path / "scratch", done, Checkpoint(tmp_path / "scratch", "c"))
    content = io.read_json(study)
    assert io.read_json(done) == {"study": content["id"], "rung": 1, "worker": 1, "done": True}
    table = tabulate(content, Journal(content, study_folder(content, tmp_path / "scratch")).trials())
    io.write_table(table, tmp_path / "trials.tsv")
    table = io.read_table(tmp_path / "trials.tsv").fillna({"recipe": ""})
    assert table["seed"].to_list() == [123, 123, 124]
    # The first and the last trial are one setting with two seeds.
    assert table["auc_mean"][0] != table["auc_mean"][2]
    for row in table.to_dict("records"):
        setting = {name: row[name] for name in (*PARAMETERS, "seed")}
        fitted = fit_setting(setting, arm, recipes, lists, cache, {"most": encoder}, training)
        assert fitted.auc == row["auc_inner1"] == row["auc_mean"]


def test_the_objective_hands_over_the_files_of_each_inner_split(run, fold, monkeypatch):
    calls = []

    def fit(setting, arm, recipes, lists, cache, encoders, training, checkpoint, threads):
        # An encoder is taken up on the grid that it was trained on.
        grid = recipes[setting["recipe"]]["grid"] if setting["strategy"] == "fine-tune" else "coarse"
        assert {"arm": {**arm, "grid": "coarse"}, "recipes": recipes, "training": training}.items() <= run.study.items()
        assert (arm["grid"], cache) == (grid, fold.caches[grid])
        assert setting["seed"] == training["seed"]
        assert (checkpoint.job, threads) == ([run.study["id"], setting], 3)
        inner = len(calls) % 2
        calls.append(setting)
        assert lists == {name: fold.files[name][inner] for name in ("train", "validation", "weak")}
        assert encoders == {"most": fold.files["encoders"][inner], "sure": fold.files["encoders"][2 + inner]}
        return SimpleNamespace(auc=auc(setting, inner + 1))

    monkeypatch.setattr("gliodelta.tuning.worker.fit_setting", fit)
    tune_worker(run.path, fold.files, fold.caches, 1, 1, run.scratch, fold.folder / "1.json", Checkpoint(), threads=3)
    assert len(calls) == 2 * len(run.study["settings"])
    for trial, setting in zip(run.trials(), run.study["settings"], strict=True):
        assert trial.value == pytest.approx((auc(setting, 1) + auc(setting, 2)) / 2)


def test_a_diverged_training_fails_the_trial_with_its_reason(run, fold, monkeypatch):
    monkeypatch.setattr("gliodelta.tuning.worker.fit_setting", lambda *_, **__: SimpleNamespace(auc=math.nan))
    tune_worker(run.path, fold.files, fold.caches, 1, 1, run.scratch, fold.folder / "1.json")
    with pytest.raises(InvalidInput, match="all settings failed; the first because the training diverged"):
        run.select(pictures=False)


@pytest.mark.parametrize(("name", "rows"), [("train", ""), ("validation", ""), ("validation", "s\t1\ns\t1\n")])
def test_where_no_inner_split_tells_settings_apart_the_first_is_taken(run, fold, name, rows):
    for path in fold.files[name]:
        path.write_text("subject\ty\n" + rows)
    tune_worker(run.path, fold.files, fold.caches, 1, 1, run.scratch, fold.folder / "1.json")
    selected = run.select(pictures=False)
    assert io.read_yaml(selected / "best.yaml")["setting"] == run.study["settings"][0]
    table = io.read_table(selected / "trials.tsv")
    assert table["auc_mean"].isna().all() and set(table["state"]) == {"undefined"}
    assert table["reason"].str.startswith("no inner split has pairs to train on").all()
