"""One setting of an arm, fitted on one split: what tuning tries and what transfer keeps."""

from dataclasses import dataclass

from gliodelta import io, plugins
from gliodelta.training.data import cut_weak, load_maps
from gliodelta.training.loop import area_under_curve, make_plan, score, train
from gliodelta.training.models import build_model, card_of
from gliodelta.transfer.predict import scored_rows

STRATEGIES = "gliodelta.transfer.strategies"


@dataclass(frozen=True)
class Fitted:
    """A fitted setting.

    Attributes:
        model: torch module on the CPU, in evaluation mode, with the weights of its best epoch.
        history: pandas.DataFrame, one row an epoch (`loop.HISTORY`).
        validation: pandas.DataFrame with subject, prior, current, y_true, score (logit).
        auc: validation AUC of the best epoch; NaN where the validation has one class or no map.
    """

    model: object
    history: object
    validation: object
    auc: float


def fit_setting(
    setting, arm, recipes, lists, cache, encoders, training, checkpoint=None, threads=1, watch=None
):  # fmt: skip
    """Fits a model. It depends on its arguments only: on a CPU, equal ones give the same weights to the bit.

    Args:
        setting: dict with `strategy`, `recipe` ("" where the strategy needs none), `learning_rate`, `weight_decay`.
        arm: the arm's row of arms.tsv (dict).
        recipes: dict of recipe name to its row of recipes.tsv.
        lists: dict with the paths of the split's lists `train`, `validation` and `weak`.
        cache: safetensors file of the arm's grid (`data.load_maps`).
        encoders: dict of recipe name to its encoder.safetensors of this split.
        training: section `training` of the configuration: grids, epochs, patience, batch_size, seed.
        checkpoint: `training.checkpoint.Checkpoint` of the job, or None.
        threads: CPU threads.
        watch: function that is called with each new row of the history, or None; an exception in it ends the training.

    Returns:
        `Fitted`.

    Raises:
        Excluded: no map to train on.
        InvalidInput: the cache is older than the lists.
        SystemExit: 75, when the checkpoint's deadline passes.
    """
    import torch

    torch.set_num_threads(threads)
    strategy = plugins.load(STRATEGIES, setting["strategy"])
    recipe = recipes[setting["recipe"]] if strategy.NEEDS_RECIPE else None
    weak = io.read_table(lists["weak"])
    weak = cut_weak(weak, recipe["cut_by"], recipe["cut"]) if recipe else weak.iloc[:0]
    rows = strategy.training_rows(io.read_table(lists["train"]), weak)
    validation = load_maps(io.read_table(lists["validation"]), cache)
    card = card_of(arm, training)
    model = build_model(card, training["seed"])
    strategy.prepare(model, encoders[setting["recipe"]] if recipe else None)
    plan = make_plan(card, training, training["epochs"], setting["learning_rate"], setting["weight_decay"])
    history = train(model, load_maps(rows, cache), validation, plan, checkpoint, watch)
    scores = score(model, validation, card["representation"])
    return Fitted(model, history, scored_rows(validation, scores), area_under_curve(validation.targets, scores))
