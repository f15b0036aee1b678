"""The encoders have the published sizes and one shape of interface."""

import pytest
import torch

from gliodelta import plugins

# The published median shapes: of the human maps, and of the weak ones above .75 and .95.
HUMAN, WEAK, SURE = (310, 388, 48), (310, 387, 43), (310, 387, 46)


def build(name, channels, shape, outputs):
    """A network without memory, to count."""
    with torch.device("meta"):
        return plugins.load(plugins.ENCODERS, name).build(channels, shape, outputs)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("name", "shape", "parameters"),
    [
        ("vgg", HUMAN, 11_299_214),
        ("vgg", WEAK, 7_563_662),
        ("vgg", SURE, 7_563_662),
        ("seresnext", HUMAN, 19_489_474),
        ("seresnext", WEAK, 19_489_474),
    ],
)
def test_published_parameter_counts(name, shape, parameters):
    assert count(build(name, 1, shape, outputs=2)) == parameters


def test_vgg_features_are_the_published_small_part_of_four_stages():
    for shape, flat in ((HUMAN, 43_776), (WEAK, 29_184), (SURE, 29_184)):
        model = build("vgg", 1, shape, outputs=2)
        assert count(model.features) == 55_212
        assert len(model.features) == 4
        linear = [layer for layer in model.head if hasattr(layer, "weight")]
        assert [layer.in_features for layer in linear] == [flat, 256, 128, 32]
        assert linear[-1].out_features == 2


@pytest.mark.parametrize("name", plugins.names(plugins.ENCODERS))
@pytest.mark.parametrize(("channels", "outputs"), [(1, 2), (3, 1)])
def test_an_encoder_gives_its_outputs_from_features_and_head(name, channels, outputs):
    model = plugins.load(plugins.ENCODERS, name).build(channels, (32, 32, 16), outputs).eval()
    inputs = torch.randn(2, channels, 32, 32, 16)
    assert [part for part, _ in model.named_children()] == ["features", "head"]
    with torch.inference_mode():
        found = model(inputs)
        assert found.shape == (2, outputs)
        torch.testing.assert_close(found, model.head(model.features(inputs)))


@pytest.mark.parametrize("name", plugins.names(plugins.ENCODERS))
def test_features_come_in_stages_that_can_be_thawed_one_after_another(name):
    model = build(name, 1, (32, 32, 16), outputs=1)
    assert len([stage for stage in model.features.children() if count(stage)]) >= 3
    assert count(model.features) == sum(count(stage) for stage in model.features.children())
