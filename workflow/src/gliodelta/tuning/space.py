"""The settings that a study tries, an enumerable, conditional space, and how often it tries each."""

import random
from itertools import product

from gliodelta import plugins

PARAMETERS = ("strategy", "recipe", "learning_rate", "weight_decay")


def settings(arm, recipes, seed):
    """Enumerates the distinct settings of an arm in a seeded order.

    The published search drew from 72 nominal settings, of which only 36 differed: a recipe that a strategy does not use
    is no choice (Di Noto et al. 2022, arXiv 2210.09698; their public code). "No transfer" is a point of the space.

    Args:
        arm: row of arms.tsv (dict).
        recipes: names of the arm's recipes.
        seed: seed of the order.

    Returns:
        list of dicts with the keys `PARAMETERS`; `recipe` is "" where the strategy needs none.
    """
    transfers = [
        (strategy, recipe)
        for strategy in arm["strategies"].split(",")
        for recipe in (recipes if plugins.load(plugins.STRATEGIES, strategy).NEEDS_RECIPE else [""])
    ]
    rates, decays = _numbers(arm["learning_rates"]), _numbers(arm["weight_decays"])
    points = product(transfers, rates, decays)
    space = [dict(zip(PARAMETERS, (*transfer, rate, decay), strict=True)) for transfer, rate, decay in points]
    # A search that is cut short has then seen every strategy, not the first one only.
    random.Random(seed).shuffle(space)
    return space


def trial(study, number):
    """Returns the setting of a trial of `study` (study.json's content), with its `seed`.

    Trials go round the settings in their order, each round with the next seed. A larger budget therefore only adds
    trials, and a smaller one leaves out the last settings.
    """
    lap, position = divmod(number, len(study["settings"]))
    return {**study["settings"][position], "seed": study["training"]["seed"] + lap}


def trials_of(study, position):
    """Returns the numbers of the trials of the setting at `position`; none where the budget ends before it."""
    return list(range(position, study["budget"], len(study["settings"])))


def choices(space):
    """Returns the sorted values of each parameter over all settings of `space`: the choices of its distribution."""
    return {name: sorted({setting[name] for setting in space}) for name in PARAMETERS}


def describe(setting):
    """Returns a setting as a short phrase for people."""
    recipe = f" from {setting['recipe']}" if setting["recipe"] else ""
    numbers = f"learning rate {setting['learning_rate']:g}, weight decay {setting['weight_decay']:g}"
    seed = f", seed {setting['seed']}" if "seed" in setting else ""
    return f"{setting['strategy']}{recipe}, {numbers}{seed}"


def _numbers(text):
    return [float(number) for number in text.split(",")]
