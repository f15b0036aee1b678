"""What one arm makes of the labels of one replicate at one level of noise, with few and with more human labels."""

import math

from gliodelta import io
from gliodelta.lineage import check_lineage
from gliodelta.training.models import card_of
from gliodelta.training.scoring import area_under_curve
from gliodelta.transfer.fit import fit_setting
from gliodelta.transfer.predict import predict
from gliodelta.tuning.space import PARAMETERS, settings, trial


def run_trials(
    place, folders, lineages, cache, encoders, test, arm, recipes, training, tuning, output, checkpoint=None, threads=1
):  # fmt: skip
    """Trains an arm's settings, chooses the best on validation and shows it, and only it, the test population.

    Args:
        place: dict with `replicate` and `noise`, for the table.
        folders: dict of number of human labels to the folder with its lists (`lists.draw_lists`).
        lineages: paths of the lineages of the encoders.
        cache: safetensors file of the replicate's maps.
        encoders: dict of recipe name to encoder.safetensors.
        test: dict with `maps` and `cache` of the test population.
        arm, recipes, training: see `transfer.fit.fit_setting`.
        tuning: dict with `budget`, the number of trainings, the same for every arm, and `seed`.
        output: table to write, one row a training: replicate, noise, arm, labels, trial, `tuning.space.PARAMETERS`,
            seed, train and validation (numbers of human-labelled maps), epochs, validation_auc, test_auc (n/a but for
            the chosen one).
        checkpoint: `training.checkpoint.Checkpoint` of the job, or None.
        threads: CPU threads.

    Raises:
        InvalidInput: an encoder was trained with other patients left out than the lists leave out.
    """
    import pandas as pd

    study = {"settings": settings(arm, list(recipes), tuning["seed"]), "training": training}
    rows = []
    for labels, folder in folders.items():
        check_lineage(io.read_json(f"{folder}/lineage.json"), [io.read_json(path) for path in lineages])
        lists = {name: f"{folder}/{name}.tsv" for name in ("train", "validation", "weak")}
        sizes = {name: len(io.read_table(lists[name])) for name in ("train", "validation")}
        tried, models = [], []
        for number in range(tuning["budget"]):
            setting = trial(study, number)
            job = checkpoint and checkpoint.of([checkpoint.job, labels, setting])
            fitted = fit_setting(setting, arm, recipes, lists, cache, encoders, training, job, threads)
            found = {"epochs": len(fitted.history), "validation_auc": fitted.auc, "test_auc": math.nan}
            tried.append({
                **{**place, "arm": arm["arm"], "labels": labels, "trial": number},
                **{name: setting[name] for name in (*PARAMETERS, "seed")},
                **{**sizes, **found},
            })  # fmt: skip
            models.append(fitted.model)
        best = choose([row["validation_auc"] for row in tried])
        tried[best]["test_auc"] = _test(models[best], test, card_of(arm, training), threads)
        rows += tried
    io.write_table(pd.DataFrame(rows), output)


def choose(aucs):
    """Returns the place of the highest validation AUC, of equal ones the first; NaN (one class) is below all."""
    return max(range(len(aucs)), key=lambda number: -1 if math.isnan(aucs[number]) else aucs[number])


def _test(model, test, card, threads):
    import torch

    found = predict(model, io.read_table(test["maps"]), test["cache"], card, threads)
    return area_under_curve(*(torch.tensor(found[name].to_numpy()) for name in ("y_true", "score")))
