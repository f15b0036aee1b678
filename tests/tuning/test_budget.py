"""A budget is the number of trials of a study, the same for every arm: settings go round with further seeds."""

from collections import Counter

import pytest
from studies import auc

from gliodelta import io
from gliodelta.tuning.space import PARAMETERS

SETTINGS = 10


def settings_of(table):
    return [tuple(row) for row in table[list(PARAMETERS)].itertuples(index=False)]


def test_without_a_budget_each_setting_has_one_trial(start):
    assert start().study["budget"] == SETTINGS


def test_a_larger_budget_repeats_settings_with_further_seeds_in_their_order(start):
    run = start(budget=24)
    run.worker(1)
    table = run.table()
    assert table["seed"].to_list() == [7] * 10 + [8] * 10 + [9] * 4
    tried = settings_of(table)
    assert tried == (tried[:SETTINGS] * 3)[:24]
    assert len(run.trials()) == 24


def test_the_value_of_a_setting_is_the_mean_over_its_seeds_and_inner_splits(start):
    run = start(budget=2 * SETTINGS)
    # With the second seed the best setting is the worst, and those from scratch the best.
    run.worker(1, lambda setting, inner: auc(setting, inner) * (1 if setting["seed"] == 7 else -1) + setting["seed"])
    table = run.table()
    assert table["auc_setting"].to_numpy() == pytest.approx(7.5)
    first = table["auc_mean"][:SETTINGS].to_numpy() - 7
    assert table["auc_mean"][SETTINGS:].to_numpy() == pytest.approx(8 - first)


def test_a_lucky_seed_is_not_chosen(start):
    run = start(budget=2 * SETTINGS)

    def lucky(setting, inner):
        return 0.9 * (setting["seed"] == 8) if setting["strategy"] == "scratch" else auc(setting, inner) - 0.2

    run.worker(1, lucky)
    selected = run.select(pictures=False)
    table = io.read_table(selected / "trials.tsv")
    assert table.loc[table["auc_mean"].idxmax(), "strategy"] == "scratch"
    assert io.read_yaml(selected / "best.yaml")["setting"]["strategy"] == "fine-tune"


def test_a_smaller_budget_says_which_settings_it_left_out(start):
    run = start(budget=4)
    run.worker(1)
    table = run.table()
    assert len(set(settings_of(table))) == SETTINGS
    assert table["state"].to_list() == ["complete"] * 4 + ["untried"] * 6
    assert set(table["reason"][4:]) == {"beyond the budget of 4 trials"}
    assert table["auc_setting"][4:].isna().all()


def test_raising_the_budget_trains_only_the_difference(start):
    start(budget=4).worker(1)
    calls = []
    run = start(budget=12)
    run.worker(1, lambda setting, inner: calls.append(setting["seed"]) or auc(setting, inner))
    assert Counter(calls) == {7: 2 * 6, 8: 2 * 2}
    smaller = start(budget=4)
    assert smaller.table()["state"].to_list() == ["complete"] * 4 + ["untried"] * 6
