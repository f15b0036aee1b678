"""Training on the weak labels as if they were true, as published (Di Noto et al. 2022)."""

from gliodelta.status import Excluded
from gliodelta.training.data import WEAK, load_maps
from gliodelta.training.loop import make_plan, train
from gliodelta.training.models import card_of

# Published share of the weakly labelled patients that validates the pretraining.
VALIDATION = 0.25


def pretrain(model, rows, cache, recipe, training, checkpoint=None, watch=None):
    """Trains `model` in place; see the package.

    Raises:
        Excluded: fewer than two patients, labels of one class, or no label that weighs anything.
    """
    if rows["subject"].nunique() < 2:
        raise Excluded("fewer than two patients have a weak label that the cut keeps")
    if rows["y"].nunique() < 2:
        raise Excluded("all weak labels that the cut keeps are of one class")
    card = card_of(recipe, training)
    validating = rows["subject"].isin(draw_patients(rows, VALIDATION, training["seed"]))
    rates = training["pretraining_learning_rate"], 0.0
    plan = make_plan(card, training, training["pretraining_epochs"], *rates, recipe.get("augmentation", "pair"))
    rows = rows.assign(source=WEAK)
    learnt = load_maps(rows[~validating], cache, recipe.get("weak_labels", "hard"), recipe.get("weighting", "map"))
    # Epochs are told apart by the labels as they read, each map alike, however the recipe learns from them.
    return train(model, learnt, load_maps(rows[validating], cache), plan, checkpoint, watch)


def draw_patients(rows, share, seed):
    """Draws patients so that few-change and many-change patients are drawn alike.

    Args:
        rows: pandas.DataFrame with subject and y; at least two subjects.
        share: of the patients to draw, rounded half up and at least one.
        seed: of the draw.

    Returns:
        set of subjects: every so-maniest in the order of their share of unstable maps, ties in random order.
    """
    import numpy as np

    unstable = rows.groupby("subject")["y"].mean()
    patients = unstable.sample(frac=1, random_state=seed).sort_values(kind="stable").index
    count = max(1, int(share * len(patients) + 0.5))
    return set(patients[((np.arange(count) + 0.5) * len(patients) / count).astype(int)])
