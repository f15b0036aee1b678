"""Maps that a network can learn in seconds: unstable pairs gain a bright ball, on noise that both exams have."""

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file

from gliodelta import io

SHAPE = (16, 16, 16)
TRAINING = {
    "grids": {"tiny": {"spacing_mm": [9, 9, 9], "shape": list(SHAPE)}},
    "epochs": 3,
    "pretraining_epochs": 3,
    "pretraining_learning_rate": 1e-3,
    "patience": 3,
    "batch_size": 4,
    "seed": 123,
}
ROW = {"encoder": "vgg", "representation": "absolute-difference", "grid": "tiny"}
CARD = {**ROW, "loss": "balanced", "grid": TRAINING["grids"]["tiny"]}


def make_rows(patients, first=1):
    """One stable and one unstable pair of each of `patients` patients, as a manifest list."""
    subjects = [f"p{number:02d}" for number in range(first, first + patients) for _ in range(2)]
    return pd.DataFrame({
        "subject": subjects,
        "prior": ["0", "90"] * patients,
        "current": ["90", "180"] * patients,
        "days": 90,
        "y": [0, 1] * patients,
        "p_unstable": [0.1, 0.9] * patients,
        "confidence": 0.9,
        "p_by_noise": [0.2, 0.8] * patients,
    })  # fmt: skip


def write_cache(rows, path, strength=3.0, seed=0):
    """Writes the cache of `rows`; the difference of unstable pairs has a ball of this brightness."""
    rng = np.random.default_rng(seed)
    axes = np.indices(SHAPE) - 7.5
    brain = (axes**2).sum(0) < 7**2
    maps = {}
    for row in rows.itertuples():
        anatomy, centre = rng.normal(size=SHAPE), rng.uniform(-2, 2, size=(3, 1, 1, 1))
        ball = ((axes - centre) ** 2).sum(0) < 3**2
        pair = np.stack([anatomy, anatomy + strength * row.y * ball]) + 0.2 * rng.normal(size=(2, *SHAPE))
        maps[f"{row.subject}/{row.prior}/{row.current}"] = torch.tensor(pair * brain, dtype=torch.float16)
    save_file(maps, path)
    return path


def write_split(folder, strength=3.0):
    """Writes the lists of one split (train, validation, test, weak: paths), their cache and the manifest's lineage."""
    tables = {
        "train": make_rows(6),
        "validation": make_rows(4, first=11),
        "test": make_rows(3, first=21),
        "weak": make_rows(8, first=31),
    }
    lists = {name: folder / f"{name}.tsv" for name in tables}
    for name, table in tables.items():
        io.write_table(table, lists[name])
    cache = write_cache(pd.concat(tables.values()), folder / "cache.safetensors", strength)
    lineage = folder / "lineage.json"
    io.write_json({"repeat": 1, "fold": 2, "inner": 1, "excluded": "abc"}, lineage)
    return lists, cache, lineage
