"""Scores are a map's own, on its loss's scale, and their area under the curve is the known one."""

import dataclasses
import math

import pytest
import torch
from toy import CARD, make_rows, write_cache

from gliodelta.training.data import load_maps
from gliodelta.training.models import build_model
from gliodelta.training.scoring import area_under_curve, score


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """Maps to score: more than are scored at once."""
    rows = make_rows(5)
    return load_maps(rows, write_cache(rows, tmp_path_factory.mktemp("maps") / "cache.safetensors"))


def test_scores_do_not_depend_on_the_company(maps):
    model = build_model(CARD, seed=1)
    alone = dataclasses.replace(maps, pairs=maps.pairs[2:3], days=maps.days[2:3])
    torch.testing.assert_close(score(model, alone, CARD), score(model, maps, CARD)[2:3])


@pytest.mark.parametrize("loss", ["balanced", "published-vgg"])
def test_no_maps_have_no_scores(maps, loss):
    card = {**CARD, "loss": loss}
    assert score(build_model(card), dataclasses.replace(maps, pairs=[]), card).shape == (0,)


def test_scores_are_those_of_the_loss_on_the_card(maps):
    card = {**CARD, "loss": "published-seresnext"}
    model = build_model(card, seed=1)
    raw = score(model, maps, card)
    assert raw.shape == (10,)
    sigmoid = score(model, maps, {**CARD, "loss": "published-vgg"})
    torch.testing.assert_close(sigmoid, 1 / (1 + torch.exp(-raw)))


def test_area_under_curve_is_the_known_one_and_nan_where_there_is_none():
    # methods.md, AUC oracle.
    targets = torch.tensor([0, 0, 0, 1, 1, 0, 1, 1, 0, 1])
    scores = torch.tensor([0.1, 0.4, 0.35, 0.8, 0.65, 0.5, 0.45, 0.9, 0.2, 0.3])
    assert area_under_curve(targets, scores) == pytest.approx(0.84)
    assert math.isnan(area_under_curve(torch.zeros(3), torch.randn(3)))
    assert math.isnan(area_under_curve(targets, scores * math.inf))
    # A soft target is what it is more likely to be; a map without one does not count.
    soft = torch.where(targets == 1, 0.5, 0.49)
    assert area_under_curve(soft, scores) == pytest.approx(0.84)
    unknown = torch.cat([soft, torch.tensor([math.nan])])
    assert area_under_curve(unknown, torch.cat([scores, torch.tensor([9.0])])) == pytest.approx(0.84)
