"""One setting of an arm, fitted on one split: what tuning tries and what transfer keeps."""

from dataclasses import dataclass

from gliodelta import io, plugins
from gliodelta.training.data import cut_weak, load_maps
from gliodelta.training.loop import make_plan, train
from gliodelta.training.models import build_model, card_of
from gliodelta.training.scoring import area_under_curve, score
from gliodelta.transfer.predict import scored_rows


@dataclass(frozen=True)
class Fitted:
    """A fitted setting.

    Attributes:
        model: torch module on the CPU, in evaluation mode, with the weights of its best epoch.
        history: pandas.DataFrame, one row an epoch (`loop.HISTORY`).
        validation: pandas.DataFrame with subject, prior, current, y_true, score (`scoring.score`).
        auc: validation AUC of the best epoch; NaN where the validation has one class or no map.
    """

    model: object
    history: object
    validation: object
    auc: float


def arm_at(setting, arm, recipes):
    """Returns the arm's row on the grid that a setting is trained on.

    That is the recipe's where its encoder is taken up, since weights fit only the grid that they were trained on. As
    published: mixed trainings ran at the median shape of the human-labelled maps, fine-tuned ones at that of the
    recipe's.
    """
    if not plugins.load(plugins.STRATEGIES, setting["strategy"]).TAKES_ENCODER:
        return arm
    return {**arm, "grid": recipes[setting["recipe"]]["grid"]}


def fit_setting(
    setting, arm, recipes, lists, cache, encoders, training, checkpoint=None, threads=1, watch=None
):  # fmt: skip
    """Fits a model. It depends on its arguments only: on a CPU, equal ones give the same weights to the bit.

    Args:
        setting: dict with `strategy`, `recipe` ("" where the strategy needs none), `learning_rate`, `weight_decay` and,
            where it is not the configuration's, `seed`.
        arm: the arm's row of arms.tsv (dict), on the setting's grid (`arm_at`); loss, augmentation, weak_labels and
            weighting may be missing.
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
    strategy = plugins.load(plugins.STRATEGIES, setting["strategy"])
    recipe = recipes[setting["recipe"]] if strategy.NEEDS_RECIPE else None
    weak = io.read_table(lists["weak"])
    weak = cut_weak(weak, recipe["cut_by"], recipe["cut"]) if recipe else weak.iloc[:0]
    rows = strategy.training_rows(io.read_table(lists["train"]), weak)
    learnt = load_maps(rows, cache, arm.get("weak_labels", "hard"), arm.get("weighting", "map"))
    validation = load_maps(io.read_table(lists["validation"]), cache)
    card, seed = card_of(arm, training), setting.get("seed", training["seed"])
    model = build_model(card, seed)
    strategy.prepare(model, encoders[setting["recipe"]] if recipe else None)
    rates = setting["learning_rate"], setting["weight_decay"]
    plan = make_plan(card, training, training["epochs"], *rates, arm.get("augmentation", "pair"), seed)
    history = train(model, learnt, validation, plan, checkpoint, watch, getattr(strategy, "thaw", None))
    scores = score(model, validation, card)
    return Fitted(model, history, scored_rows(validation, scores), area_under_curve(validation.targets, scores))
