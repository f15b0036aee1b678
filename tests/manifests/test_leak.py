"""What the leakage guard is worth: without it, a network that learns nothing but who is who looks like a good one."""

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from sklearn.metrics import roc_auc_score
from toy import ROW, SHAPE, TRAINING

from gliodelta import io, manifests
from gliodelta.splits import split_patients
from gliodelta.tables import PAIR
from gliodelta.training.models import card_of
from gliodelta.transfer.fit import fit_setting
from gliodelta.transfer.predict import predict

PATIENTS, WEAK_PAIRS, FOLDS = 40, 4, 2
NETWORK = {**ROW, "representation": "signed-difference", "augmentation": "none"}
RECIPES = {"all": {**NETWORK, "recipe": "all", "cut_by": "confidence", "cut": "0"}}
SETTING = {"strategy": "mix", "recipe": "all", "learning_rate": 2e-3, "weight_decay": 0.0}
EPOCHS = {"epochs": 6, "patience": 6}


def write_population(folder, seed):
    """Writes labels.tsv, weak.tsv, maps.tsv and the cache: one human-labelled pair a patient, and four weak ones.

    The difference of every pair is the fingerprint of its patient under a little noise. A coin decides the patient's
    label, so that no image says anything about another patient.
    """
    rng = np.random.default_rng(seed)
    unstable = rng.permutation(PATIENTS) % 2
    fingerprints = np.kron(rng.normal(size=(PATIENTS, 4, 4, 4)), np.ones((1, 4, 4, 4)))
    rows = [(str(number), str(day), str(day + 1)) for number in range(PATIENTS) for day in range(WEAK_PAIRS + 1)]
    pairs = pd.DataFrame(rows, columns=PAIR).assign(y=np.repeat(unstable, WEAK_PAIRS + 1))
    human, weak = pairs[pairs["prior"] == "0"], pairs[pairs["prior"] != "0"]
    labels = human["y"].map({0: "stable", 1: "progression"})
    io.write_table(human[PAIR].assign(reader="r1", label=labels), folder / "labels.tsv")
    io.write_table(weak[PAIR].assign(p_unstable=0.1 + 0.8 * weak["y"], confidence=0.9), folder / "weak.tsv")
    io.write_table(pairs[PAIR].assign(days=90, include="yes"), folder / "maps.tsv")
    maps = {}
    for key in rows:
        pair = rng.normal(size=(2, *SHAPE)) * 0.2
        pair[1] += fingerprints[int(key[0])]
        maps["/".join(key)] = torch.tensor(pair, dtype=torch.float16)
    save_file(maps, folder / "cache.safetensors")


def cross_validate(folder, seed):
    """Mixes human and weak labels, as nine of the ten published studies do; returns the mean AUC of the test folds."""
    design = {"repeats": 1, "folds": FOLDS, "inner": 1, "validation": 0.5, "stratified": True, "seed": seed}
    split_patients(folder / "labels.tsv", design, folder / "folds.tsv", folder / "balance.tsv")
    sources = [folder / f"{name}.tsv" for name in ("folds", "labels", "weak", "maps")]
    cache, training, areas = folder / "cache.safetensors", {**TRAINING, **EPOCHS}, []
    for fold in range(1, FOLDS + 1):
        lists = {name: folder / f"{fold}-{name}.tsv" for name in manifests.LISTS}
        split = {"repeat": 1, "fold": fold, "inner": 1}
        manifests.build_manifest(*sources, split, lists, folder / "lineage.json")
        fitted = fit_setting(SETTING, {**NETWORK, "arm": "a"}, RECIPES, lists, cache, {"all": None}, training)
        test = predict(fitted.model, io.read_table(lists["test"]), cache, card_of(NETWORK, training))
        areas.append(roc_auc_score(test["y_true"], test["score"]))
    return np.mean(areas)


@pytest.mark.parametrize("guard", ["on", "off"])
def test_on_pure_noise_only_a_leak_gives_an_area_above_chance(tmp_path, monkeypatch, guard):
    if guard == "off":
        monkeypatch.setattr(manifests, "kept_out", lambda parts: set())
    write_population(tmp_path, seed=3)
    area = cross_validate(tmp_path, seed=3)
    assert area > 0.75 if guard == "off" else 0.35 < area < 0.65
