"""The loop learns, stops, resumes, and gives the same bytes for the same seed."""

import dataclasses
import math

import pytest
import torch
from toy import CARD, TRAINING, make_rows, write_cache

from gliodelta.status import Excluded
from gliodelta.training.checkpoint import Checkpoint
from gliodelta.training.data import load_maps
from gliodelta.training.loop import HISTORY, area_under_curve, make_plan, score, train
from gliodelta.training.models import build_model

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
    margins = score(model, validation, PLAN.representation) * (2 * validation.targets - 1)
    weights = torch.where(validation.targets == 1, 3.0, 1.0)
    expected = (weights * torch.log1p(torch.exp(-margins))).mean()
    assert history["validation_loss"][0] == pytest.approx(expected.item(), rel=1e-5)


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
    assert score(model, maps[1], PLAN.representation).isfinite().all()


def test_scores_do_not_depend_on_the_company(maps):
    model, validation = build_model(CARD, seed=1), maps[1]
    alone = dataclasses.replace(validation, pairs=validation.pairs[2:3])
    together = score(model, validation, PLAN.representation)
    torch.testing.assert_close(score(model, alone, PLAN.representation), together[2:3])
    assert score(model, dataclasses.replace(validation, pairs=[]), PLAN.representation).shape == (0,)


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


def test_area_under_curve_is_the_known_one_and_nan_where_there_is_none():
    # methods.md, AUC oracle.
    targets = torch.tensor([0, 0, 0, 1, 1, 0, 1, 1, 0, 1])
    scores = torch.tensor([0.1, 0.4, 0.35, 0.8, 0.65, 0.5, 0.45, 0.9, 0.2, 0.3])
    assert area_under_curve(targets, scores) == pytest.approx(0.84)
    assert math.isnan(area_under_curve(torch.zeros(3), torch.randn(3)))
    assert math.isnan(area_under_curve(targets, scores * math.inf))


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
    assert len(list(tmp_path.glob("*/last.pt"))) == 1


def test_the_state_of_other_initial_weights_is_never_used(maps, tmp_path):
    with pytest.raises(SystemExit):
        fit(maps, checkpoint=Checkpoint(tmp_path, deadline_minutes=30, clock=hourly()))
    rows = []
    train(build_model(CARD, seed=2), *maps, PLAN, checkpoint=Checkpoint(tmp_path), watch=rows.append)
    assert rows[0]["epoch"] == 1


def test_two_trainings_that_depend_on_the_same_things_have_two_states(maps, tmp_path):
    for job in ("one", "another"):
        with pytest.raises(SystemExit):
            fit(maps, checkpoint=Checkpoint(tmp_path, deadline_minutes=30, clock=hourly()).of(job))
    assert len(list(tmp_path.glob("*/last.pt"))) == 2
