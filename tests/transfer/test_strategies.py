"""What each strategy starts from, trains on and keeps frozen."""

import dataclasses
import random
from collections import OrderedDict

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from toy import CARD, TRAINING, make_rows, write_cache

from gliodelta import plugins
from gliodelta.training.data import load_maps
from gliodelta.training.loop import make_plan, train
from gliodelta.training.models import build_model, save_model

MIXING = {"mix", "pretrain-then-mix"}
PRETRAINED = {"fine-tune", "feature-extract", "gradual-unfreezing", "pretrain-then-mix"}


def load(name):
    return plugins.load(plugins.STRATEGIES, name)


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """Six maps to train on and none to validate with."""
    rows = make_rows(3)
    cache = write_cache(rows, tmp_path_factory.mktemp("maps") / "cache.safetensors")
    return [load_maps(part, cache) for part in (rows, rows[:0])]


def prepared(name, folder, **card):
    """A network that a strategy prepared with an encoder of other weights than it had; returns both."""
    card = {**CARD, **card}
    encoder, model = build_model(card, seed=99), build_model(card, seed=1)
    save_model(encoder, card, folder / "encoder.safetensors")
    load(name).prepare(model, folder / "encoder.safetensors" if load(name).NEEDS_RECIPE else None)
    return model, encoder


def equal(one, other):
    """Whether parameters and buffers are equal to the bit."""
    wanted = other.state_dict()
    return all(torch.equal(tensor, wanted[name]) for name, tensor in one.state_dict().items())


@pytest.mark.parametrize("name", plugins.names(plugins.STRATEGIES))
def test_a_strategy_starts_from_the_encoder_or_afresh(name, tmp_path):
    model, encoder = prepared(name, tmp_path)
    assert equal(model.features, encoder.features) == (name in PRETRAINED)
    assert equal(model.head, encoder.head) == (name in PRETRAINED - {"feature-extract"})
    assert all(parameter.requires_grad for parameter in model.head.parameters())


@pytest.mark.parametrize("name", plugins.names(plugins.STRATEGIES))
def test_a_strategy_trains_on_weak_rows_only_where_it_mixes_and_says_which_they_are(name):
    human, weak = make_rows(2), make_rows(3, first=11)
    rows = load(name).training_rows(human, weak)
    wanted = pd.concat([human, weak]) if name in MIXING else human
    assert rows["subject"].tolist() == wanted["subject"].tolist()
    if name in MIXING:
        assert rows["source"].tolist() == ["human"] * 4 + ["weak"] * 6
        assert rows.index.is_unique
    else:
        assert "weak" not in rows.get("source", pd.Series()).tolist()


@pytest.mark.parametrize("representation", plugins.names(plugins.REPRESENTATIONS))
def test_frozen_features_keep_every_bit_of_weights_and_batch_norm_statistics(representation, maps, tmp_path):
    model, encoder = prepared("feature-extract", tmp_path, representation=representation)
    fresh = build_model({**CARD, "representation": representation}, seed=1)
    plan = make_plan({**CARD, "representation": representation}, TRAINING, epochs=1, learning_rate=1e-2)
    train(model, *maps, plan)
    assert any("running_mean" in key for key in model.features.state_dict())
    assert equal(model.features, encoder.features)
    assert not equal(model.head, fresh.head)


def thawed_at(epochs):
    """For each epoch, how many of four stages, from the last one, may change; a fifth has nothing to learn."""
    stages = [torch.nn.Linear(1, 1) for _ in range(4)]
    parts = {"features": torch.nn.Sequential(*stages, torch.nn.Flatten()), "head": torch.nn.Linear(1, 1)}
    model, order, found = torch.nn.Sequential(OrderedDict(parts)), range(1, epochs + 1), {}
    # An interrupted training goes on in the middle: what is frozen must not depend on earlier calls.
    for epoch in random.Random(epochs).sample(order, k=epochs):
        load("gradual-unfreezing").thaw(model, epoch, epochs)
        assert all(parameter.requires_grad for parameter in model.head.parameters())
        free = [{parameter.requires_grad for parameter in stage.parameters()} for stage in stages]
        count = free.count({True})
        assert free == [{False}] * (4 - count) + [{True}] * count
        found[epoch] = count
    return [found[epoch] for epoch in order]


def test_unfreezing_begins_with_the_head_and_ends_with_the_whole_network_half_way():
    assert thawed_at(8) == [0, 1, 2, 3, 4, 4, 4, 4]
    sixty = thawed_at(60)
    assert [sixty.count(stages) for stages in range(5)] == [8, 7, 8, 7, 30]


@settings(max_examples=30, deadline=None)
@given(epochs=some.integers(1, 100))
def test_nothing_that_was_thawed_freezes_again(epochs):
    counts = thawed_at(epochs)
    assert counts[0] == 0
    assert counts == sorted(counts)
    assert epochs < 3 or counts[-1] == 4


def test_a_stage_does_not_change_before_it_is_thawed_and_then_it_does(maps, tmp_path):
    plan = make_plan(CARD, {**TRAINING, "patience": 10}, epochs=8, learning_rate=1e-2)
    for epochs, changed in ((1, 0), (2, 1), (4, 3), (5, 4)):
        model, encoder = prepared("gradual-unfreezing", tmp_path)

        def thaw(model, epoch, _):
            load("gradual-unfreezing").thaw(model, epoch, 8)

        train(model, *maps, dataclasses.replace(plan, epochs=epochs), thaw=thaw)
        moved = [not equal(*stages) for stages in zip(model.features, encoder.features, strict=True)]
        assert moved == [False] * (4 - changed) + [True] * changed
        assert not equal(model.head, encoder.head)
