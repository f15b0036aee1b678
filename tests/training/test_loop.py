"""The loop learns, stops, resumes, and gives the same bytes for the same seed."""

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from interrupted import STEPS, train_toy, write_maps
from toy import CARD, TRAINING, make_rows, write_cache

from gliodelta import plugins
from gliodelta.status import Excluded
from gliodelta.training.checkpoint import Checkpoint
from gliodelta.training.data import load_maps
from gliodelta.training.loop import HISTORY, make_plan, train
from gliodelta.training.models import build_model, save_model
from gliodelta.training.scoring import area_under_curve, score

PLAN = make_plan(CARD, TRAINING, epochs=4, learning_rate=1e-3)


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """Maps to train on and to validate with."""
    folder = tmp_path_factory.mktemp("maps")
    lists = [make_rows(6), make_rows(4, first=11)]
    return [load_maps(rows, write_cache(rows, folder / f"{len(rows)}.safetensors", seed=len(rows))) for rows in lists]


def fit(maps, plan=PLAN, **arguments):
    """Trains a fresh network; returns it and its history."""
    model = build_model(CARD, seed=1)
    return model, train(model, *maps, plan, **arguments)


def equal(one, other):
    weights = other.state_dict()
    return all(torch.equal(tensor, weights[name]) for name, tensor in one.state_dict().items())


def test_a_bright_ball_is_learnt(maps):
    plan = make_plan(CARD, {**TRAINING, "patience": 10}, epochs=12, learning_rate=3e-3)
    _, history = fit(maps, plan)
    assert history["validation_auc"].max() == 1
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]


def test_equal_seeds_give_equal_bytes_and_others_do_not(maps):
    (first, history), (second, again) = fit(maps), fit(maps)
    assert equal(first, second)
    assert history.equals(again)
    assert not equal(first, fit(maps, dataclasses.replace(PLAN, seed=PLAN.seed + 1))[0])


def test_the_weights_are_those_of_the_best_epoch(maps):
    model, history = fit(maps)
    assert list(history.columns) == list(HISTORY)
    assert list(history["epoch"]) == list(range(1, len(history) + 1))
    best = history.loc[history["validation_auc"].idxmax()]
    stopped, _ = fit(maps, dataclasses.replace(PLAN, epochs=int(best["epoch"])))
    assert equal(model, stopped)


def test_training_stops_when_the_validation_has_not_improved_for_a_while(maps):
    # With no step at all, the first epoch stays the best but for batch norm, whose statistics are frozen too.
    model = build_model(CARD, seed=1)
    model.features.requires_grad_(False)
    history = train(model, *maps, dataclasses.replace(PLAN, learning_rate=0.0, patience=2, epochs=10))
    assert list(history["epoch"]) == [1, 2, 3]


def test_with_one_class_the_validation_loss_decides(maps):
    training, validation = maps
    one_class = dataclasses.replace(validation, targets=torch.zeros(len(validation)))
    model, history = fit((training, one_class))
    assert history["validation_auc"].isna().all()
    best = int(history.loc[history["validation_loss"].idxmin(), "epoch"])
    assert equal(model, fit((training, one_class), dataclasses.replace(PLAN, epochs=best))[0])


def test_a_map_without_weight_teaches_nothing(maps):
    training, validation = maps
    weights = torch.ones(len(training))
    weights[0] = 0
    wrong = training.targets.clone()
    wrong[[0, 1]] = wrong[[1, 0]]
    right_again = dataclasses.replace(training, weights=weights)
    # Swapping two labels keeps the balance of classes; the second map weighs 0 as well.
    weights[1] = 0
    swapped = dataclasses.replace(right_again, targets=wrong)
    assert equal(fit((right_again, validation))[0], fit((swapped, validation))[0])


def test_the_rarer_class_weighs_more_by_its_rarity_in_the_training_set(maps):
    training, validation = maps
    rare = dataclasses.replace(training, targets=torch.tensor([1.0] * 3 + [0.0] * 9))
    model, history = fit((rare, validation), dataclasses.replace(PLAN, epochs=1))
    margins = score(model, validation, CARD) * (2 * validation.targets - 1)
    weights = torch.where(validation.targets == 1, 3.0, 1.0)
    expected = (weights * torch.log1p(torch.exp(-margins))).mean()
    assert history["validation_loss"][0] == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("batch_size", [3, 12])
def test_every_map_counts_by_its_weight_whatever_its_batch(maps, batch_size):
    # Nothing moves, so that the epoch's loss is that of the first weights: in eval mode, no map depends on the others.
    training, validation = maps
    weights = torch.linspace(0, 2, len(training)) * torch.tensor([1.0, 0.0] * 6)
    weighted = dataclasses.replace(training, weights=weights)
    plan = dataclasses.replace(PLAN, learning_rate=0.0, augmentation="none", batch_size=batch_size, epochs=1)
    model = build_model(CARD, seed=1)
    model.features.requires_grad_(False)
    history = train(model, weighted, validation, plan)
    margins = score(model, training, CARD) * (2 * training.targets - 1)
    # Only stable maps weigh here: nothing to balance.
    expected = (weights * torch.log1p(torch.exp(-margins))).sum() / weights.sum()
    assert history["loss"][0] == pytest.approx(expected.item(), rel=1e-5)


def test_maps_without_any_weight_are_none(maps):
    training, validation = maps
    with pytest.raises(Excluded, match="train on"):
        fit((dataclasses.replace(training, weights=torch.zeros(len(training))), validation))


@pytest.mark.parametrize("loss", plugins.names(plugins.LOSSES))
def test_every_loss_is_learnt_with(maps, loss):
    card = {**CARD, "loss": loss}
    plan = make_plan(card, {**TRAINING, "patience": 10}, epochs=6, learning_rate=3e-3, augmentation="none")
    model = build_model(card, seed=1)
    history = train(model, *maps, plan)
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    best = area_under_curve(maps[1].targets, score(model, maps[1], card))
    assert best == pytest.approx(history["validation_auc"].max())


def test_what_is_thawed_by_epoch_learns_from_that_epoch_on(maps):
    def thaw(model, epoch, epochs):
        thawed.append((epoch, epochs))
        model.features.requires_grad_(epoch > 2)

    def keep(row):
        states.append(features(model))

    thawed, states, model = [], [], build_model(CARD, seed=1)
    fresh = features(model)
    train(model, *maps, PLAN, watch=keep, thaw=thaw)
    assert thawed == [(epoch, PLAN.epochs) for epoch in range(1, len(states) + 1)]
    assert all(torch.equal(states[epoch][name], fresh[name]) for epoch in (0, 1) for name in fresh)
    assert not any(torch.equal(states[2][name], fresh[name]) for name in fresh)


def features(model):
    return {name: tensor.clone() for name, tensor in model.features.state_dict().items()}


def test_patience_begins_once_all_is_thawed(maps):
    def thaw(model, epoch, epochs):
        model.features.requires_grad_(epoch > 3)

    # At this learning rate nothing changes, so that the first epoch stays the best.
    plan = dataclasses.replace(PLAN, epochs=9, patience=2, learning_rate=0.0)
    assert len(fit(maps, plan)[1]) == 3
    assert len(fit(maps, plan, thaw=thaw)[1]) == 5


def test_an_interrupted_thaw_ends_like_an_uninterrupted_one(maps, tmp_path):
    def thaw(model, epoch, epochs):
        model.features.requires_grad_(epoch > 2)

    whole, _ = fit(maps, thaw=thaw)
    with pytest.raises(SystemExit):
        fit(maps, thaw=thaw, checkpoint=Checkpoint(tmp_path, deadline_minutes=30, clock=hourly()))
    # The state of a training with another schedule, or none, is not this one's.
    begun = []
    fit(maps, checkpoint=Checkpoint(tmp_path), watch=begun.append)
    assert begun[0]["epoch"] == 1
    resumed, _ = fit(maps, thaw=thaw, checkpoint=Checkpoint(tmp_path), watch=(rows := []).append)
    assert rows[0]["epoch"] == 2
    assert equal(resumed, whole)


def test_frozen_features_keep_every_bit_of_weights_and_buffers(maps):
    model = build_model(CARD, seed=1)
    model.features.requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    train(model, *maps, PLAN)
    for name, tensor in model.state_dict().items():
        if name.startswith("features."):
            assert torch.equal(tensor, before[name]), name
    assert not torch.equal(model.head[1].weight, before["head.1.weight"])


def test_a_diverged_training_ends_with_finite_weights(maps):
    model, history = fit(maps, dataclasses.replace(PLAN, learning_rate=1e30))
    assert history["validation_auc"].isna().any()
    assert score(model, maps[1], CARD).isfinite().all()


def nothing(maps):
    return dataclasses.replace(maps, pairs=[], targets=maps.targets[:0], weights=maps.weights[:0])


def test_no_maps_to_train_on_are_a_fault_of_the_data_with_a_reason(maps):
    with pytest.raises(Excluded, match="train on"):
        fit((nothing(maps[0]), maps[1]))


def test_without_maps_to_validate_with_all_epochs_are_trained_and_the_last_is_kept(maps):
    training, validation = maps
    plan = dataclasses.replace(PLAN, epochs=3, patience=1)
    model, history = fit((training, nothing(validation)), plan)
    assert list(history["epoch"]) == [1, 2, 3] and history["validation_loss"].isna().all()
    # The validation chooses the epoch and changes nothing else: after one epoch more, the weights differ.
    assert not equal(model, fit((training, nothing(validation)), dataclasses.replace(plan, epochs=2))[0])


def hourly():
    """A clock that is an hour further at every look."""
    return iter(range(0, 10**7, 3600)).__next__


def test_an_interrupted_training_ends_like_an_uninterrupted_one(maps, tmp_path):
    uninterrupted, history = fit(maps)
    jobs = 0
    while True:
        jobs += 1
        # Each epoch takes an hour of this clock, and a job has half an hour: one epoch a job.
        checkpoint = Checkpoint(tmp_path, deadline_minutes=30, clock=hourly())
        try:
            resumed, pieced = fit(maps, checkpoint=checkpoint)
            break
        except SystemExit as stop:
            assert stop.code == 75
            assert len(list(tmp_path.glob("*/last.pt"))) == 1
    assert jobs == len(history)
    assert equal(resumed, uninterrupted)
    assert pieced.equals(history)
    # The results could not be written, for a full disk: the next job has them without another epoch.
    checkpoint, rows = Checkpoint(tmp_path), []
    again, _ = fit(maps, checkpoint=checkpoint, watch=rows.append)
    assert equal(again, uninterrupted) and rows == []
    checkpoint.close()
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("change", [{"seed": 5}, {"weight_decay": 0.1}, {"representation": "signed-difference"}])
def test_the_state_of_another_run_is_never_used(maps, tmp_path, change):
    with pytest.raises(SystemExit):
        fit(maps, checkpoint=Checkpoint(tmp_path, deadline_minutes=30, clock=hourly()))
    other = dataclasses.replace(PLAN, **change)
    rows = []
    model, _ = fit(maps, other, checkpoint=Checkpoint(tmp_path), watch=rows.append)
    assert rows[0]["epoch"] == 1
    assert equal(model, fit(maps, other)[0])
    assert len(list(tmp_path.glob("*/last.pt"))) == 2


def test_the_state_of_other_initial_weights_is_never_used(maps, tmp_path):
    with pytest.raises(SystemExit):
        fit(maps, checkpoint=Checkpoint(tmp_path, deadline_minutes=30, clock=hourly()))
    rows = []
    train(build_model(CARD, seed=2), *maps, PLAN, checkpoint=Checkpoint(tmp_path), watch=rows.append)
    assert rows[0]["epoch"] == 1


def test_a_training_that_was_killed_in_an_epoch_ends_with_the_same_bytes(tmp_path):
    write_maps(tmp_path)
    paths = [os.environ["PYTHONPATH"], str(Path(__file__).parent)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    # Killed in the middle of the second epoch; gone on from its beginning, in the middle of the third.
    for epoch, step in ((1, STEPS + 2), (2, STEPS + 2)):
        command = [sys.executable, Path(__file__).with_name("interrupted.py"), tmp_path, str(step)]
        assert subprocess.run(command, env=environment).returncode == -signal.SIGKILL
        (state,) = tmp_path.glob("scratch/*/last.pt")
        assert torch.load(state, weights_only=True)["progress"]["epoch"] == epoch
    # The time of the next job is up after an epoch.
    with pytest.raises(SystemExit) as stop:
        train_toy(tmp_path, Checkpoint(tmp_path / "scratch", deadline_minutes=30, clock=hourly()))
    assert stop.value.code == 75
    checkpoint = Checkpoint(tmp_path / "scratch")
    models = [train_toy(tmp_path, kept) for kept in (checkpoint, None)]
    checkpoint.close()
    for name, model in zip(("interrupted", "uninterrupted"), models, strict=True):
        save_model(model, CARD, tmp_path / name)
    assert (tmp_path / "interrupted").read_bytes() == (tmp_path / "uninterrupted").read_bytes()
    assert not any((tmp_path / "scratch").iterdir())


def test_two_trainings_that_depend_on_the_same_things_have_two_states(maps, tmp_path):
    for job in ("one", "another"):
        with pytest.raises(SystemExit):
            fit(maps, checkpoint=Checkpoint(tmp_path, deadline_minutes=30, clock=hourly()).of(job))
    assert len(list(tmp_path.glob("*/last.pt"))) == 2
