"""Pretraining validates by patient."""

import math

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from toy import CARD, ROW, TRAINING, make_rows, write_cache

from gliodelta.pretraining.methods.supervised import draw_patients, pretrain
from gliodelta.status import Excluded
from gliodelta.training.models import build_model


@given(
    labels=st.dictionaries(st.integers(0, 200), st.lists(st.integers(0, 1), min_size=1, max_size=5), min_size=2),
    share=st.sampled_from([0.1, 0.25, 0.5]),
    seed=st.integers(0, 1000),
)
def test_the_share_of_patients_is_drawn_and_never_all_or_none(labels, share, seed):
    rows = pd.DataFrame([(f"s{key}", y) for key, ys in labels.items() for y in ys], columns=["subject", "y"])
    drawn = draw_patients(rows, share, seed)
    assert len(drawn) == max(1, int(share * len(labels) + 0.5)) < len(labels)
    assert drawn == draw_patients(rows.iloc[::-1], share, seed)


def test_the_drawn_patients_have_the_mixture_of_all():
    rows = pd.DataFrame({"subject": [f"s{number:02d}" for number in range(40)], "y": [0] * 20 + [1] * 20})
    for seed in range(10):
        drawn = draw_patients(rows, 0.25, seed)
        assert rows[rows["subject"].isin(drawn)]["y"].sum() == 5
    assert draw_patients(rows, 0.25, 0) != draw_patients(rows, 0.25, 1)


def test_too_few_patients_or_classes_are_refused_in_words(tmp_path):
    rows = make_rows(3)
    cache = write_cache(rows, tmp_path / "cache.safetensors")
    with pytest.raises(Excluded, match="two patients"):
        pretrain(build_model(CARD), rows[rows["subject"] == "p01"], cache, ROW, TRAINING)
    with pytest.raises(Excluded, match="one class"):
        pretrain(build_model(CARD), rows[rows["y"] == 1], cache, ROW, TRAINING)
    guesses = rows.assign(confidence=0.5, p_unstable=0.5)
    with pytest.raises(Excluded, match="no map to train on"):
        pretrain(build_model(CARD), guesses, cache, {**ROW, "weak_labels": "weighted"}, TRAINING)


@pytest.mark.parametrize(("weak_labels", "target"), [("hard", 1), ("soft", 0.9)])
def test_soft_labels_are_learnt_from_and_hard_ones_judge(tmp_path, weak_labels, target):
    # The rate is too small to move a weight.
    rows = make_rows(8)
    cache = write_cache(rows, tmp_path / "cache.safetensors")
    recipe = {**ROW, "weak_labels": weak_labels, "augmentation": "none"}
    training = {**TRAINING, "pretraining_epochs": 1, "pretraining_learning_rate": 1e-30}
    model = build_model(CARD, seed=1)
    model.features.requires_grad_(False)
    with torch.no_grad():
        model.head[-1].bias.fill_(2.0)
        model.head[-1].weight.zero_()
    history = pretrain(model, rows, cache, recipe, training)
    # Every logit is 2: the losses of an unstable and of a stable map are known.
    unstable, stable = math.log1p(math.exp(-2)), math.log1p(math.exp(2))
    learnt = (target * unstable + (1 - target) * stable + target * stable + (1 - target) * unstable) / 2
    assert history["loss"][0] == pytest.approx(learnt, rel=1e-5)
    assert history["validation_loss"][0] == pytest.approx((unstable + stable) / 2, rel=1e-5)


def test_the_recipe_chooses_the_weighting(tmp_path):
    # A third of the maps are gone: patients have one map or two.
    rows = make_rows(8).iloc[[index for index in range(16) if index % 3]]
    cache = write_cache(rows, tmp_path / "cache.safetensors")
    models = [build_model(CARD, seed=1) for _ in range(3)]
    for model, weighting in zip(models, ("map", "map", "patient"), strict=True):
        pretrain(model, rows, cache, {**ROW, "weighting": weighting}, TRAINING)
    weights = [model.head[-1].weight for model in models]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
