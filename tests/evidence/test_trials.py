"""A whole study of toy maps: every arm gets the same trainings, and only what validation chose is tested."""

import math

import numpy as np
import pytest
import toy

from gliodelta import io
from gliodelta.evidence import trials
from gliodelta.evidence.lists import draw_lists, split_of
from gliodelta.evidence.pretraining import pretrain_replicate
from gliodelta.evidence.summary import summarise
from gliodelta.evidence.trials import choose, run_trials
from gliodelta.schema import InvalidInput
from gliodelta.training.checkpoint import Checkpoint
from gliodelta.training.models import load_model, save_model
from gliodelta.transfer.fit import fit_setting

ROW = {**toy.ROW, "encoder": "strided", "method": "supervised", "cut_by": "quantile", "cut": "1"}
RECIPES = {"all": {**ROW, "recipe": "all"}}
ARMS = {
    "baseline": {**ROW, "arm": "baseline", "strategies": "scratch", "learning_rates": "1e-2,3e-3,1e-3"},
    "mix": {**ROW, "arm": "mix", "strategies": "mix", "recipes": "all", "learning_rates": "1e-2,3e-3,1e-3"},
    "tuned": {**ROW, "arm": "tuned", "strategies": "mix,fine-tune,feature-extract", "learning_rates": "3e-3"},
}
COUNTS = [8, 16]
BUDGET = 3


def population(folder, name, prefix, patients):
    """Writes the maps and the table of a toy population and returns their paths."""
    table = toy.make_rows(patients).assign(include="yes", mean_difference=0.1)
    table["subject"] = prefix + table["subject"]
    table["label"] = np.where(table["y"], "progression", "stable")
    io.write_table(table, folder / f"{name}.tsv")
    return folder / f"{name}.tsv", toy.write_cache(table, folder / f"{name}.safetensors")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Runs the study once: a folder with lists, encoder and one table an arm."""
    folder = tmp_path_factory.mktemp("study")
    maps, cache = population(folder, "replicate", "r", 32)
    test, test_cache = population(folder, "test", "t", 20)
    draw_lists(maps, test, split_of(1), 10, COUNTS, 0.4, 1, folder / "lists")
    outputs = {name: folder / f"{name}.out" for name in ("encoder", "history", "lineage")}
    pretrain_replicate(
        1, folder / "lists", COUNTS, cache=cache, recipe=RECIPES["all"], training=toy.TRAINING, outputs=outputs
    )

    def run(arm, output, lineages=(outputs["lineage"],), encoder=outputs["encoder"], checkpoint=None):
        recipes = RECIPES if ARMS[arm].get("recipes") or arm == "tuned" else {}
        run_trials(
            {"replicate": 1, "noise": 10}, {count: folder / "lists" / f"labels-{count}" for count in COUNTS},
            lineages if recipes else [], cache, {"all": encoder}, {"maps": test, "cache": test_cache},
            {"weight_decays": "0", **ARMS[arm]}, recipes, toy.TRAINING, {"budget": BUDGET, "seed": 1}, output,
            checkpoint,
        )  # fmt: skip

    for arm in ARMS:
        run(arm, folder / f"{arm}.tsv")
    return folder, run


def test_every_arm_has_the_same_number_of_trainings_and_labels(study):
    folder, _ = study
    for arm in ARMS:
        table = io.read_table(folder / f"{arm}.tsv")
        assert (table.groupby("labels").size() == BUDGET).all() and sorted(set(table["labels"])) == COUNTS
        assert (table["train"] + table["validation"] == table["labels"]).all()
        assert not table.duplicated(["labels", "strategy", "learning_rate", "seed"]).any()
    assert set(io.read_table(folder / "tuned.tsv")["strategy"]) == {"mix", "fine-tune", "feature-extract"}


def test_only_the_best_on_validation_is_tested(study):
    folder, _ = study
    for arm in ARMS:
        for _, rows in io.read_table(folder / f"{arm}.tsv").groupby("labels"):
            tested = rows[rows["test_auc"].notna()]
            assert len(tested) == 1
            assert tested["validation_auc"].iloc[0] == rows["validation_auc"].max()


def test_what_the_maps_show_is_learnt_and_compared(study, tmp_path):
    folder, _ = study
    tables = [folder / f"{arm}.tsv" for arm in ARMS]
    summarise(tables, folder / "test.tsv", "baseline", tmp_path / "table.tsv", tmp_path / "figure.png")
    table = io.read_table(tmp_path / "table.tsv").set_index(["arm", "labels"])
    # A bright ball of three standard deviations in a third of the volume.
    assert table.loc[("mix", 16), "auc_mean"] > 0.8
    assert len(table) == len(ARMS) * len(COUNTS) + 1


def test_an_encoder_that_saw_other_patients_is_refused(study, tmp_path):
    folder, run = study
    lineage = io.read_json(folder / "lineage.out") | {"excluded": "000000000000"}
    io.write_json(lineage, tmp_path / "lineage.json")
    with pytest.raises(InvalidInput, match="other patients"):
        run("mix", tmp_path / "trials.tsv", [tmp_path / "lineage.json"])
    # A file that was copied over another's still says on its card whom it never saw.
    model, card = load_model(folder / "encoder.out")
    save_model(model, {**card, "lineage": {**card["lineage"], "fold": 2, "excluded": "0"}}, tmp_path / "encoder")
    with pytest.raises(InvalidInput, match=r"weights of repeat 1 fold 2 .* were offered to repeat 1 fold 1"):
        run("mix", tmp_path / "trials.tsv", encoder=tmp_path / "encoder")


@pytest.mark.parametrize(("code", "again"), [("same", 0), ("other", BUDGET + 1)])
def test_a_killed_job_goes_on_with_the_training_that_it_was_at_unless_the_code_is_other(
    study, tmp_path, monkeypatch, code, again
):  # fmt: skip
    folder, run = study
    trained, table, scratch = [], tmp_path / "trials.tsv", tmp_path / "scratch"

    def killed(setting, **work):
        if len(trained) == BUDGET + 1:
            raise KeyboardInterrupt
        trained.append(setting)
        return fit_setting(setting, **work)

    monkeypatch.setattr(trials, "fit_setting", killed)
    with pytest.raises(KeyboardInterrupt):
        run("baseline", table, checkpoint=Checkpoint(scratch, "same"))
    monkeypatch.setattr(
        trials, "fit_setting", lambda setting, **work: trained.append("") or fit_setting(setting, **work)
    )
    run("baseline", table, checkpoint=Checkpoint(scratch, code))
    assert len(trained) == BUDGET * len(COUNTS) + again
    assert table.read_bytes() == (folder / "baseline.tsv").read_bytes()
    # What other code has left there is nobody's to delete.
    assert len(list(scratch.iterdir())) == (code == "other")


@pytest.mark.parametrize(
    ("aucs", "best"), [([0.5, 0.7, 0.6], 1), ([0.7, 0.7], 0), ([math.nan, 0.2], 1), ([math.nan, math.nan], 0)]
)
def test_the_first_of_the_best_is_chosen(aucs, best):
    assert choose(aucs) == best
