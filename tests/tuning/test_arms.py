"""Every arm of the committed studies can be trained, with each of its strategies."""

from pathlib import Path

import pytest
from toy import TRAINING, write_split

from gliodelta.sheets import read_sheet
from gliodelta.training.models import build_model, card_of, save_model
from gliodelta.transfer.fit import fit_setting

CONFIG = Path(__file__).resolve().parents[2] / "config"
# One epoch runs all of the code.
BRIEF = {**TRAINING, "epochs": 1}
NETWORK, LABELS = ("representation", "loss", "augmentation"), ("weak_labels", "weighting")


def fits(study):
    """What the VGG arms of a study train that differs, each with one of their strategies, as parameters of a test."""
    arms = [row for row in read_sheet(CONFIG / study / "arms.tsv", "arms") if row["encoder"] == "vgg"]
    recipes = {row["recipe"]: row for row in read_sheet(CONFIG / study / "recipes.tsv", "recipes")}
    found = {}
    for arm in arms:
        for strategy in arm["strategies"].split(","):
            names = arm.get("recipes", "").split(",")
            # What a label says is the same to every strategy; mixing is the one that sees both kinds.
            columns = (*NETWORK, *LABELS) if strategy == "mix" else NETWORK
            key = " ".join([study, strategy, *(arm[column] for column in columns)])
            found[key] = (arm, strategy, {name: recipes[name] for name in names if name})
    return [pytest.param(*given, id=key) for key, given in found.items()]


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    folder = tmp_path_factory.mktemp("split")
    lists, cache, _ = write_split(folder)
    return lists, cache, folder


@pytest.mark.parametrize(("arm", "strategy", "recipes"), [*fits("paper"), *fits("better")])
def test_each_strategy_of_each_arm_trains(split, arm, strategy, recipes):
    lists, cache, folder = split
    arm = {**arm, "grid": "tiny"}
    recipe, row = next(iter(recipes.items()), ("", None))
    encoder = folder / "encoder.safetensors"
    if row:
        card = card_of({**row, "grid": "tiny"}, BRIEF)
        save_model(build_model(card, seed=1), card, encoder)
    setting = {"strategy": strategy, "recipe": recipe, "learning_rate": 1e-4, "weight_decay": 0.01}
    fitted = fit_setting(setting, arm, recipes, lists, cache, {recipe: encoder}, BRIEF)
    assert 0 <= fitted.auc <= 1
    assert fitted.validation["score"].nunique() > 1
