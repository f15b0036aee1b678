"""The final model of a split: the best setting of its outer fold, fitted, calibrated, and shown the test patients."""

from gliodelta import io
from gliodelta.lineage import check_cards, check_lineage, origin
from gliodelta.status import Excluded
from gliodelta.tables import PREDICTIONS, SPLIT
from gliodelta.training.loop import HISTORY
from gliodelta.training.models import build_model, card_of, read_card, save_model
from gliodelta.transfer.calibration import UNCALIBRATED, fit_calibration, probability
from gliodelta.transfer.fit import arm_at, fit_setting
from gliodelta.transfer.predict import predict


def train_fold(
    best, lists, lineages, caches, encoders, arm, recipes, training, outputs, checkpoint=None, threads=1, watch=None
):  # fmt: skip
    """Fits the best setting on one split and predicts its validation and test patients.

    Where no map is left to train on, the model is a freshly initialised one without predictions, and its lineage says
    so: one thin fold does not stop a study.

    Args:
        best: best.yaml of the outer fold's tuning.
        lists: dict with the paths of the split's lists `train`, `validation`, `test` and `weak`.
        lineages: paths of lineage.json, the manifest's first, then those of the encoders.
        caches: dict of each grid that the arm may train on to its file of sampled maps.
        encoders, arm, recipes, training, checkpoint, threads, watch: see `fit.fit_setting`.
        outputs: dict with the paths to write: `model` (safetensors, its card has the calibration), `predictions` (table
            of `tables.PREDICTIONS`), `history` (table) and `lineage` (JSON: the split, its `excluded`, the arm, the
            setting, its grid and calibration, `status` trained | untrained, reason).

    Raises:
        InvalidInput: an encoder was trained with other patients left out; names both splits.
    """
    lineage, *others = [io.read_json(path) for path in lineages]
    check_lineage(lineage, others)
    check_cards(lineage, [read_card(path) for path in encoders.values()])
    setting = io.read_yaml(best)["setting"]
    split = {key: lineage[key] for key in SPLIT}
    arm = arm_at(setting, arm, recipes)
    card, cache = card_of(arm, training), caches[arm["grid"]]
    calibration, status, reason = UNCALIBRATED, "trained", ""
    try:
        fitted = fit_setting(setting, arm, recipes, lists, cache, encoders, training, checkpoint, threads, watch)
    except Excluded as lack:
        model, history, predictions = build_model(card, training["seed"]), _empty(HISTORY), _empty(PREDICTIONS)
        status, reason = "untrained", str(lack)
        print(f"the model is left untrained: {reason}")
    else:
        model, history = fitted.model, fitted.history
        calibration = fit_calibration(fitted.validation["y_true"], fitted.validation["score"])
        test = predict(model, io.read_table(lists["test"]), cache, card, threads)
        predictions = _predictions({"validation": fitted.validation, "test": test}, calibration, arm["arm"], split)

    save_model(model, {**card, "calibration": calibration, "lineage": origin(lineage)}, outputs["model"])
    io.write_table(predictions, outputs["predictions"])
    io.write_table(history, outputs["history"])
    document = {**split, "excluded": lineage["excluded"], "arm": arm["arm"], "setting": setting, "grid": arm["grid"]}
    io.write_json({**document, "calibration": calibration, "status": status, "reason": reason}, outputs["lineage"])
    if checkpoint:
        checkpoint.close()


def _empty(columns):
    import pandas as pd

    return pd.DataFrame(columns=columns)


def _predictions(parts, calibration, arm, split):
    import pandas as pd

    table = pd.concat([rows.assign(split=name) for name, rows in parts.items()], ignore_index=True)
    table = table.assign(probability=probability(table["score"], calibration), **split, arm=arm)
    return table.astype({"y_true": int})[PREDICTIONS]
