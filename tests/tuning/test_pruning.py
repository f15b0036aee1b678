"""Successive halving keeps the better half after each inner split, whoever trained it and when."""

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studies import auc, killed_at

from gliodelta import io
from gliodelta.schema import InvalidInput
from gliodelta.tuning.pruning import HALVING, pruned

SETTINGS = 10


def by_position(run, values):
    """An objective whose AUC is `values[inner - 1][position]`."""
    settings = run.study["settings"]

    def objective(setting, inner):
        return values[inner - 1][settings.index({key: setting[key] for key in settings[0]})]

    return objective


@pytest.fixture
def halving(start):
    return start(splits=3, pruning=HALVING)


def search(run, objective=auc, workers=(1,)):
    for rung in (1, 2, 3):
        assert set(run.workers(*[(worker, objective, rung) for worker in workers])) == {0}


def test_each_rung_keeps_the_better_half_by_the_mean_so_far(halving):
    first = [0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.6, 0.4, 0.5, 0.0]
    # After the second split the means are .5, .8, .75, .7, .65 of settings 0, 2, 4, 6, 8; the third is the best of all
    # for setting 8, which is no longer there.
    second = [0.1, 1, 0.8, 1, 0.8, 1, 0.8, 1, 0.8, 1]
    third = [0, 0, 0.1, 0, 0.9, 0, 0.2, 0, 1, 0]
    search(halving, by_position(halving, [first, second, third]))
    selected = halving.select(pictures=False)
    table = io.read_table(selected / "trials.tsv")
    assert table["state"].to_list() == ["pruned" if at not in (2, 4, 6) else "complete" for at in range(SETTINGS)]
    assert table[["auc_inner1", "auc_inner2", "auc_inner3"]].notna().sum().to_list() == [10, 5, 3]
    assert table["reason"][1] == "not in the better half of 10 settings after inner split 1"
    assert table["reason"][8] == "not in the better half of 5 settings after inner split 2"
    assert io.read_yaml(selected / "best.yaml")["setting"] == halving.study["settings"][4]


def test_one_and_four_workers_prune_alike_also_after_a_kill(halving):
    # The first to begin, or, on a busy machine, the others may leave it no trial to be killed at.
    assert halving.workers((2, killed_at(1))) == [-signal.SIGKILL]
    halving.workers((1,), (3,), (4,))
    halving.worker(2)
    search(halving, workers=(1, 2, 3, 4))
    four = halving.select("four", pictures=False)
    halving.folder.joinpath("journal.log").unlink()
    search(halving)
    one = halving.select("one", pictures=False)
    for name in ("best.yaml", "trials.tsv"):
        assert (one / name).read_bytes() == (four / name).read_bytes()


def test_a_rung_does_not_begin_before_the_last_has_ended(halving):
    halving.workers((1, killed_at(4)))
    with pytest.raises(InvalidInput, match="7 trials have no result of rung 1"):
        halving.worker(2, rung=2)


def test_a_setting_is_pruned_by_the_mean_of_its_seeds(start):
    run = start(splits=2, pruning=HALVING, budget=20)
    lucky = run.study["settings"][0]

    def objective(setting, inner):
        if {key: setting[key] for key in lucky} == lucky:
            return 1.0 if setting["seed"] == 7 else 0.0
        return auc(setting, inner)

    run.worker(1, objective)
    run.worker(1, objective, rung=2)
    table = run.table()
    assert table["state"][0] == table["state"][10] == "pruned"
    assert (table["state"] == "complete").sum() == 2 * 5


@given(values=st.lists(st.floats(0, 1), min_size=7, max_size=7), splits=st.integers(1, 3))
def test_the_best_of_a_constant_order_is_never_pruned(values, splits):
    study = {"settings": [{}] * 7, "budget": 7}
    out = pruned(study, [[value] * splits for value in values], splits + 1)
    assert values.index(max(values)) not in out
    assert 7 - len(out) == {1: 4, 2: 2, 3: 1}[splits]


def test_a_split_that_gives_nobody_an_auc_decides_nothing():
    study = {"settings": [{}] * 4, "budget": 4}
    assert pruned(study, [[None]] * 4, 2) == {}
    assert set(pruned(study, [[None, value] for value in (0.1, 0.2, 0.3, 0.4)], 3)) == {0, 1}


def test_the_other_seeds_of_a_failed_setting_are_not_trained_further():
    # Three settings, twice each: of the first, which else would lead, the trial with the second seed failed.
    study = {"settings": [{}] * 3, "budget": 6}
    out = pruned(study, [[0.9], [0.5], [0.4], [], [0.5], [0.4]], 2)
    assert out == {
        0: "another seed of this setting failed on inner split 1",
        2: "not in the better half of 2 settings after inner split 1",
        5: "not in the better half of 2 settings after inner split 1",
    }


def test_failed_settings_are_no_part_of_the_comparison():
    study = {"settings": [{}] * 4, "budget": 4}
    assert set(pruned(study, [[], [0.5], [0.6], [0.4]], 2)) == {3}
