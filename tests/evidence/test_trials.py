"""A whole study of toy maps: every arm gets the same trainings, and only what validation chose is tested."""

import math

import numpy as np
import pytest
import toy

from gliodelta import io
from gliodelta.evidence.lists import draw_lists, largest, split_of
from gliodelta.evidence.summary import summarise
from gliodelta.evidence.trials import choose, run_trials
from gliodelta.pretraining.pretrain import pretrain_encoder
from gliodelta.schema import InvalidInput

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
    place = largest(folder / "lists", COUNTS)
    outputs = {name: folder / f"{name}.out" for name in ("encoder", "history", "lineage")}
    pretrain_encoder(
        weak=place / "weak.tsv", lineage=place / "lineage.json", folds=folder / "lists" / "folds.tsv",
        split=split_of(1), cache=cache, recipe=RECIPES["all"], training=toy.TRAINING, outputs=outputs,
    )  # fmt: skip

    def run(arm, output, lineages=(outputs["lineage"],)):
        recipes = RECIPES if ARMS[arm].get("recipes") or arm == "tuned" else {}
        run_trials(
            {"replicate": 1, "noise": 10}, {count: folder / "lists" / f"labels-{count}" for count in COUNTS},
            lineages if recipes else [], cache, {"all": outputs["encoder"]}, {"maps": test, "cache": test_cache},
            {"weight_decays": "0", **ARMS[arm]}, recipes, toy.TRAINING, {"budget": BUDGET, "seed": 1}, output,
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


@pytest.mark.parametrize(
    ("aucs", "best"), [([0.5, 0.7, 0.6], 1), ([0.7, 0.7], 0), ([math.nan, 0.2], 1), ([math.nan, math.nan], 0)]
)
def test_the_first_of_the_best_is_chosen(aucs, best):
    assert choose(aucs) == best
