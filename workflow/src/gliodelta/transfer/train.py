"""The final model of a split: the best setting of its outer fold, fitted, calibrated, and shown the test patients."""

from gliodelta import io
from gliodelta.lineage import check_lineage
from gliodelta.tables import PREDICTIONS, SPLIT
from gliodelta.training.models import card_of, save_model
from gliodelta.transfer.fit import fit_setting
from gliodelta.transfer.predict import fit_temperature, predict, probability


def train_fold(
    best, lists, lineages, cache, encoders, arm, recipes, training, outputs, checkpoint=None, threads=1, watch=None
):  # fmt: skip
    """Fits the best setting on one split and predicts its validation and test patients.

    Args:
        best: best.yaml of the outer fold's tuning.
        lists: dict with the paths of the split's lists `train`, `validation`, `test` and `weak`.
        lineages: paths of lineage.json, the manifest's first, then those of the encoders.
        cache, encoders, arm, recipes, training, checkpoint, threads, watch: see `fit.fit_setting`.
        outputs: dict with the paths to write: `model` (safetensors, its card has the temperature), `predictions` (table
            of `tables.PREDICTIONS`), `history` (table) and `lineage` (JSON).

    Raises:
        InvalidInput: an encoder was trained with other patients left out; names both splits.
    """
    lineage, *others = [io.read_json(path) for path in lineages]
    check_lineage(lineage, others)
    setting = io.read_yaml(best)["setting"]
    fitted = fit_setting(setting, arm, recipes, lists, cache, encoders, training, checkpoint, threads, watch)
    temperature = fit_temperature(fitted.validation["y_true"], fitted.validation["score"])
    split = {key: lineage[key] for key in SPLIT}
    test = predict(fitted.model, io.read_table(lists["test"]), cache, arm["representation"], threads)
    predictions = _predictions({"validation": fitted.validation, "test": test}, temperature, arm["arm"], split)

    save_model(fitted.model, {**card_of(arm, training), "temperature": temperature}, outputs["model"])
    io.write_table(predictions, outputs["predictions"])
    io.write_table(fitted.history, outputs["history"])
    document = {**split, "excluded": lineage["excluded"], "arm": arm["arm"], "setting": setting}
    io.write_json({**document, "temperature": temperature}, outputs["lineage"])


def _predictions(parts, temperature, arm, split):
    import pandas as pd

    table = pd.concat([rows.assign(split=name) for name, rows in parts.items()], ignore_index=True)
    table = table.assign(probability=probability(table["score"], temperature), **split, arm=arm)
    return table.astype({"y_true": int})[PREDICTIONS]
