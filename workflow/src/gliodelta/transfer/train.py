"""The final model of a split: the best setting of its outer fold, fitted, calibrated, and shown the test patients."""

from gliodelta import io
from gliodelta.lineage import check_lineage
from gliodelta.status import Excluded
from gliodelta.tables import PREDICTIONS, SPLIT
from gliodelta.training.loop import HISTORY
from gliodelta.training.models import build_model, card_of, save_model
from gliodelta.transfer.fit import fit_setting
from gliodelta.transfer.predict import fit_temperature, predict, probability


def train_fold(
    best, lists, lineages, cache, encoders, arm, recipes, training, outputs, checkpoint=None, threads=1, watch=None
):  # fmt: skip
    """Fits the best setting on one split and predicts its validation and test patients.

    Where no map is left to train on, the model is a freshly initialised one without predictions, and its lineage says
    so: one thin fold does not stop a study.

    Args:
        best: best.yaml of the outer fold's tuning.
        lists: dict with the paths of the split's lists `train`, `validation`, `test` and `weak`.
        lineages: paths of lineage.json, the manifest's first, then those of the encoders.
        cache, encoders, arm, recipes, training, checkpoint, threads, watch: see `fit.fit_setting`.
        outputs: dict with the paths to write: `model` (safetensors, its card has the temperature), `predictions` (table
            of `tables.PREDICTIONS`), `history` (table) and `lineage` (JSON: the split, its `excluded`, the arm, setting
            and temperature, `status` trained | untrained, reason).

    Raises:
        InvalidInput: an encoder was trained with other patients left out; names both splits.
    """
    lineage, *others = [io.read_json(path) for path in lineages]
    check_lineage(lineage, others)
    setting = io.read_yaml(best)["setting"]
    split = {key: lineage[key] for key in SPLIT}
    card = card_of(arm, training)
    temperature, status, reason = 1.0, "trained", ""
    try:
        fitted = fit_setting(setting, arm, recipes, lists, cache, encoders, training, checkpoint, threads, watch)
    except Excluded as lack:
        model, history, predictions = build_model(card, training["seed"]), _empty(HISTORY), _empty(PREDICTIONS)
        status, reason = "untrained", str(lack)
        print(f"the model is left untrained: {reason}")
    else:
        model, history = fitted.model, fitted.history
        temperature = fit_temperature(fitted.validation["y_true"], fitted.validation["score"])
        test = predict(model, io.read_table(lists["test"]), cache, arm["representation"], threads)
        predictions = _predictions({"validation": fitted.validation, "test": test}, temperature, arm["arm"], split)

    save_model(model, {**card, "temperature": temperature}, outputs["model"])
    io.write_table(predictions, outputs["predictions"])
    io.write_table(history, outputs["history"])
    document = {**split, "excluded": lineage["excluded"], "arm": arm["arm"], "setting": setting}
    io.write_json({**document, "temperature": temperature, "status": status, "reason": reason}, outputs["lineage"])


def _empty(columns):
    import pandas as pd

    return pd.DataFrame(columns=columns)


def _predictions(parts, temperature, arm, split):
    import pandas as pd

    table = pd.concat([rows.assign(split=name) for name, rows in parts.items()], ignore_index=True)
    table = table.assign(probability=probability(table["score"], temperature), **split, arm=arm)
    return table.astype({"y_true": int})[PREDICTIONS]
