"""What each of several processes does in test_devices: trains on toy maps, and leaves notes of what it saw."""

import dataclasses
from pathlib import Path

import torch
from toy import CARD, TRAINING, make_rows

from gliodelta import io
from gliodelta.training.checkpoint import Checkpoint
from gliodelta.training.data import load_maps
from gliodelta.training.devices import group
from gliodelta.training.loop import make_plan, train
from gliodelta.training.models import build_model, save_model

# An odd number: the processes' shares of a batch differ.
TRAINED, VALIDATED = make_rows(4).iloc[:7], make_rows(3, first=11)
PLAN = make_plan(CARD, TRAINING, epochs=2, learning_rate=1e-3, augmentation="none")


class Noted(list):
    """A list that notes which of its items were asked for."""

    def __init__(self, items):
        super().__init__(items)
        self.asked = []

    def __getitem__(self, index):
        if not isinstance(index, slice):
            self.asked.append(int(index))
        return super().__getitem__(index)


def train_frozen(folder, batch_size, freeze=True, checkpoint=None):
    """Trains a head on frozen features, which batch norm makes no difference to, or all.

    Returns:
        (model, history, numbers of the maps that this process trained on, in their order).
    """
    model = build_model(CARD, seed=1)
    model.features.requires_grad_(not freeze)
    maps = load_maps(TRAINED, folder / "training.safetensors")
    # All weights differ, so that no map can stand in for another in a weighted mean.
    maps = dataclasses.replace(maps, pairs=Noted(maps.pairs), weights=torch.arange(7.0))
    validation = load_maps(VALIDATED, folder / "validation.safetensors")
    history = train(model, maps, validation, dataclasses.replace(PLAN, batch_size=batch_size), checkpoint)
    return model, history, maps.pairs.asked


def work(folder):
    """Two whole trainings, then one whose time is up."""
    folder, own = Path(folder), Path(folder) / f"process-{group().rank}"
    for freeze in (True, False):
        model, history, asked = train_frozen(folder, batch_size=2, freeze=freeze)
        name = "frozen" if freeze else "whole"
        save_model(model, CARD, own / f"{name}.safetensors")
        io.write_table(history, own / f"{name}.tsv")
        io.write_json(asked, own / f"{name}.json")
    group().first((own / "first").touch)
    # Any time at all is more than this.
    train_frozen(folder, batch_size=2, checkpoint=Checkpoint(folder / "scratch", deadline_minutes=1e-9))
