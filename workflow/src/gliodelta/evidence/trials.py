"""What one arm makes of the labels of one replicate at one level of noise, with few and with more human labels."""

import contextlib
import math
import shutil
import tempfile
from pathlib import Path

from gliodelta import io
from gliodelta.fingerprint import digest
from gliodelta.lineage import check_cards, check_lineage
from gliodelta.training.models import card_of, load_model, read_card, save_model
from gliodelta.training.scoring import area_under_curve
from gliodelta.transfer.fit import fit_setting
from gliodelta.transfer.predict import predict
from gliodelta.tuning.space import PARAMETERS, settings, trial

LISTS = ("train", "validation", "weak")
COLUMNS = [
    *("replicate", "noise", "arm", "labels", "trial", *PARAMETERS, "seed"),
    *("train", "validation", "epochs", "validation_auc", "test_auc"),
]


def run_trials(
    place, folders, lineages, cache, encoders, test, arm, recipes, training, tuning, output, checkpoint=None, threads=1
):  # fmt: skip
    """Trains an arm's settings, chooses the best on validation and shows it, and only it, the test population.

    A job that was killed goes on with the training that it was at: finished ones are kept in the checkpoint's folder
    until the table is written.

    Args:
        place: dict with `replicate` and `noise`, for the table.
        folders: dict of number of human labels to the folder with its lists (`lists.draw_lists`).
        lineages: paths of the lineages of the encoders.
        cache: safetensors file of the replicate's maps.
        encoders: dict of recipe name to encoder.safetensors.
        test: dict with `maps` and `cache` of the test population.
        arm, recipes, training: see `transfer.fit.fit_setting`.
        tuning: dict with `budget`, the number of trainings, the same for every arm, and `seed`.
        output: table to write, `COLUMNS`, one row a training: the setting, how many human-labelled maps trained and
            validated, epochs, validation_auc, and test_auc (n/a but for the chosen one).
        checkpoint: `training.checkpoint.Checkpoint` of the job, or None.
        threads: CPU threads.

    Raises:
        InvalidInput: an encoder, or its lineage beside it, is of other patients left out than the lists leave out.
    """
    import pandas as pd

    study = {"settings": settings(arm, list(recipes), tuning["seed"]), "training": training}
    tried = [trial(study, number) for number in range(tuning["budget"])]
    lists = {count: {name: f"{folder}/{name}.tsv" for name in LISTS} for count, folder in folders.items()}
    files = [*(path for paths in lists.values() for path in paths.values()), cache, *encoders.values()]
    content = [arm, recipes, training, tuning, [io.checksum(path) for path in files]]
    work = {"arm": arm, "recipes": recipes, "cache": cache, "encoders": encoders, "training": training}
    rows = []
    with _kept(checkpoint, content) as kept:
        for labels, folder in folders.items():
            _check(f"{folder}/lineage.json", lineages, encoders)
            models = [kept / f"{labels}-{number}.safetensors" for number in range(len(tried))]
            for setting, model in zip(tried, models, strict=True):
                job = checkpoint and checkpoint.of([checkpoint.job, labels, setting])
                _train(setting, model, {**work, "lists": lists[labels], "checkpoint": job, "threads": threads})
            facts = {**place, "arm": arm["arm"], "labels": labels}
            facts |= {name: len(io.read_table(lists[labels][name])) for name in ("train", "validation")}
            rows += [facts | row for row in _tabulate(tried, models, test, threads)]
        io.write_table(pd.DataFrame(rows)[COLUMNS], output)


@contextlib.contextmanager
def _kept(checkpoint, content):
    """Yields the folder of a job's finished trainings, gone when the block ends without an error."""
    if not (checkpoint and checkpoint.folder):
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
        return
    folder = Path(checkpoint.folder) / digest([checkpoint.job, checkpoint.code, content])
    yield folder
    shutil.rmtree(folder)


def _train(setting, path, work):
    """Writes the weights of a setting with what the table says of them, whole or not at all; not again if there."""
    if not path.exists():
        fitted = fit_setting(setting, **work)
        found = {"epochs": len(fitted.history), "validation_auc": fitted.auc}
        save_model(fitted.model, {**card_of(work["arm"], work["training"]), "found": found}, path)
        if work["checkpoint"]:
            work["checkpoint"].close()


def _tabulate(tried, models, test, threads):
    """Returns one row a setting; shows the best on validation to the test population."""
    rows = [
        {"trial": number, **setting, **read_card(model)["found"], "test_auc": math.nan}
        for number, (setting, model) in enumerate(zip(tried, models, strict=True))
    ]
    best = choose([row["validation_auc"] for row in rows])
    rows[best]["test_auc"] = _test(models[best], test, threads)
    return rows


def _check(path, lineages, encoders):
    lineage = io.read_json(path)
    check_lineage(lineage, [io.read_json(other) for other in lineages])
    check_cards(lineage, [read_card(file) for file in encoders.values()])


def choose(aucs):
    """Returns the place of the highest validation AUC, of equal ones the first; NaN (one class) is below all."""
    return max(range(len(aucs)), key=lambda number: -1 if math.isnan(aucs[number]) else aucs[number])


def _test(path, test, threads):
    import torch

    model, card = load_model(path)
    found = predict(model, io.read_table(test["maps"]), test["cache"], card, threads)
    return area_under_curve(*(torch.tensor(found[name].to_numpy()) for name in ("y_true", "score")))
