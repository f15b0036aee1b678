"""The space holds each distinct setting once, in an order that the seed decides."""

import pytest

from gliodelta.tuning.space import choices, settings

PUBLISHED = {
    "strategies": "mix,fine-tune,feature-extract",
    "learning_rates": "1e-4,1e-5,1e-6",
    "weight_decays": "0,0.01",
}
RECIPES = ["above75", "above95"]


def test_the_published_space_has_36_distinct_settings():
    space = settings(PUBLISHED, RECIPES, seed=1)
    assert len({tuple(setting.items()) for setting in space}) == len(space) == 36


@pytest.mark.parametrize(("recipes", "expected"), [([], 6), (RECIPES, 6)])
def test_scratch_has_no_recipe_to_choose(recipes, expected):
    # 6 trials: the published baseline.
    space = settings({**PUBLISHED, "strategies": "scratch"}, recipes, seed=1)
    assert len(space) == expected
    assert {setting["recipe"] for setting in space} == {""}


def test_no_transfer_is_a_point_of_the_space():
    space = settings({**PUBLISHED, "strategies": "scratch,mix"}, RECIPES, seed=1)
    assert len(space) == 6 + 12


def test_the_seed_decides_the_order_and_nothing_else():
    first, again, other = (settings(PUBLISHED, RECIPES, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert sorted(map(str, first)) == sorted(map(str, other))


def test_choices_are_the_values_of_each_parameter():
    assert choices(settings(PUBLISHED, RECIPES, seed=1)) == {
        "strategy": ["feature-extract", "fine-tune", "mix"],
        "recipe": RECIPES,
        "learning_rate": [1e-6, 1e-5, 1e-4],
        "weight_decay": [0, 0.01],
    }
