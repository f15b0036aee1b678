"""A training on toy maps that kills its own process in the middle of an epoch, as a cluster does without a word."""

import os
import signal
import sys
from pathlib import Path

from toy import CARD, TRAINING, make_rows, write_cache

from gliodelta.training.checkpoint import Checkpoint
from gliodelta.training.data import load_maps
from gliodelta.training.loop import make_plan, train
from gliodelta.training.models import build_model

PLAN = make_plan(CARD, TRAINING, epochs=5, learning_rate=1e-3)
# Twelve maps in batches of four.
STEPS = 3


def write_maps(folder):
    """Writes the caches of the maps to train on and to validate with."""
    for name, rows in _lists().items():
        write_cache(rows, folder / f"{name}.safetensors")


def train_toy(folder, checkpoint, steps=0):
    """Trains on what `write_maps` wrote and returns the model; kills the process in step `steps`, counted from 1."""
    model = build_model(CARD, seed=1)
    maps = [load_maps(rows, folder / f"{name}.safetensors") for name, rows in _lists().items()]
    seen = []

    def count(module, inputs):
        if module.training:
            seen.append(module)
            if len(seen) == steps:
                os.kill(os.getpid(), signal.SIGKILL)

    model.register_forward_pre_hook(count)
    train(model, *maps, PLAN, checkpoint)
    return model


def _lists():
    return {"training": make_rows(6), "validation": make_rows(4, first=11)}


if __name__ == "__main__":
    where = Path(sys.argv[1])
    train_toy(where, Checkpoint(where / "scratch"), int(sys.argv[2]))
