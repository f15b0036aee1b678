"""The published study and the better one run in small on the demo's patients: every arm, recipe and grid."""

import re

import pytest
from house import House
from snakemake.utils import update_config

from gliodelta import io
from gliodelta.schema import validate

SMALL = "config/small.yaml"


def jobs(house, study):
    """Returns (rule, wildcards) of every job that would run: a list of pairs of a name and a dict."""
    output = house.snakemake("--dry-run", "--configfile", f"config/{study}.yaml", SMALL)
    found = []
    for block in re.split(r"^(?:local)?rule ", output, flags=re.M)[1:]:
        wildcards = re.search(r"^    wildcards: (.*)$", block, re.M)
        named = dict(item.split("=") for item in wildcards[1].split(", ")) if wildcards else {}
        found.append((block[: block.index(":")], named))
    return found


# The published encoders have grids of their own; settings are halved after each inner split of the better study only.
@pytest.mark.parametrize(("study", "grids", "rungs"), [("paper", 3, 1), ("better", 1, 2)])
def test_every_arm_and_recipe_is_trained_tested_and_shown(project, tmp_path, study, grids, rungs):
    house = House(project, tmp_path / "house")
    arms = {row["arm"] for row in house.rows(f"config/{study}/arms.tsv")}
    recipes = {row["recipe"] for row in house.rows(f"config/{study}/recipes.tsv")}
    planned = jobs(house, study)
    of_rule = {rule: [wildcards for name, wildcards in planned if name == rule] for rule, _ in planned}
    # Two outer folds, each with two inner splits.
    for rule, column, names, count in (
        ("pretrain_encoder", "recipe", recipes, 4),
        ("tune_worker", "arm", arms, 2 * rungs),
        ("select_trial", "arm", arms, 2),
        ("train_fold", "arm", arms, 4),
        ("predict_external", "arm", arms, 1),
        ("show_examples", "arm", arms, 1),
        ("write_card", "arm", arms, 1),
    ):
        found = [wildcards[column] for wildcards in of_rule[rule]]
        assert sorted(found) == sorted([*names] * count), rule
    assert [len(of_rule[rule]) for rule in ("sample_maps", "evaluate_arms", "describe_study")] == [2 * grids, 1, 1]


@pytest.mark.parametrize("study", ["paper", "better"])
def test_the_images_are_the_demos(project, study):
    demo, merged, small = (
        io.read_yaml(project / path) for path in ("config/config.yaml", f"config/{study}.yaml", SMALL)
    )
    update_config(merged, small)
    merged, demo = (validate(config, "config", "configuration") for config in (merged, demo))
    assert [merged["imaging"], merged["cohorts"]] == [demo["imaging"], demo["cohorts"]]
