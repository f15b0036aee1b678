"""The encoders have the published sizes and one shape of interface."""

import pytest
import torch

from gliodelta import plugins
from gliodelta.training.models import ENCODERS, REPRESENTATIONS


@pytest.mark.parametrize(
    ("name", "shape", "parameters"),
    [("vgg", (310, 388, 48), 11_299_214), ("vgg", (310, 387, 43), 7_563_662), ("seresnext", (64, 64, 64), 19_489_474)],
)
def test_published_parameter_counts(name, shape, parameters):
    with torch.device("meta"):
        model = plugins.load(ENCODERS, name).build(1, shape, outputs=2)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


def test_vgg_features_are_the_published_small_part():
    with torch.device("meta"):
        model = plugins.load(ENCODERS, "vgg").build(1, (310, 388, 48))
    assert sum(parameter.numel() for parameter in model.features.parameters()) == 55_212
    assert model.head[1].in_features == 43_776


@pytest.mark.parametrize("name", plugins.names(ENCODERS))
def test_an_encoder_gives_one_logit_a_map_from_features_and_head(name):
    model = plugins.load(ENCODERS, name).build(2, (32, 32, 16)).eval()
    inputs = torch.randn(3, 2, 32, 32, 16)
    assert [part for part, _ in model.named_children()] == ["features", "head"]
    with torch.inference_mode():
        logits = model(inputs)
        assert logits.shape == (3, 1)
        torch.testing.assert_close(logits, model.head(model.features(inputs)))


@pytest.mark.parametrize("name", plugins.names(REPRESENTATIONS))
def test_a_representation_of_two_equal_exams_is_zero(name):
    plugin = plugins.load(REPRESENTATIONS, name)
    exam = torch.randn(2, 1, 4, 5, 6)
    seen = plugin.represent(torch.cat([exam, exam], dim=1))
    assert seen.shape == (2, plugin.CHANNELS, 4, 5, 6)
    assert not seen.any()


def test_signed_difference_is_current_minus_prior_and_the_absolute_one_has_no_direction():
    pairs = torch.zeros(1, 2, 2, 2, 2)
    pairs[:, 1] = -3
    assert (plugins.load(REPRESENTATIONS, "signed-difference").represent(pairs) == -3).all()
    assert (plugins.load(REPRESENTATIONS, "absolute-difference").represent(pairs) == 3).all()
