"""What representations show of a pair, and what they do when its exams change places."""

import pytest
import torch

from gliodelta import plugins
from gliodelta.training.models import build_model, forward
from gliodelta.training.representations.siamese import seen

SHAPE = (16, 32, 16)
DAYS = torch.tensor([20.0, 700.0, 90.0])


def load(name):
    return plugins.load(plugins.REPRESENTATIONS, name)


def random_pairs(seed=0):
    return torch.randn(3, 2, *SHAPE, generator=torch.Generator().manual_seed(seed))


def network(representation, encoder="vgg", loss="balanced"):
    card = {"encoder": encoder, "representation": representation, "loss": loss, "grid": {"shape": SHAPE}}
    model = build_model(card, seed=1).eval()
    return lambda pairs, days=DAYS: forward(model, representation, pairs, days).detach()


@pytest.mark.parametrize("name", plugins.names(plugins.REPRESENTATIONS))
def test_a_representation_has_the_channels_it_says(name):
    plugin = load(name)
    inputs = plugin.represent(random_pairs())
    assert inputs.shape == (len(inputs), plugin.CHANNELS, *SHAPE)
    assert len(inputs) == (6 if hasattr(plugin, "compare") else 3)


@pytest.mark.parametrize("name", plugins.names(plugins.REPRESENTATIONS))
@pytest.mark.parametrize("encoder", plugins.names(plugins.ENCODERS))
def test_every_encoder_goes_with_every_representation(name, encoder):
    card = {"encoder": encoder, "representation": name, "loss": "published-vgg", "grid": {"shape": SHAPE}}
    model = build_model(card)
    assert [part for part, _ in model.named_children()] == ["features", "head"]
    pairs = random_pairs()
    outputs = forward(model, name, pairs, DAYS)
    assert outputs.shape == (3, 2) and outputs.dtype == torch.float32
    outputs.square().sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    with torch.inference_mode():
        scored = forward(model.eval(), name, pairs, DAYS)
        torch.testing.assert_close(forward(model, name, pairs[1:], DAYS[1:]), scored[1:], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["absolute-difference", "signed-difference"])
def test_a_difference_of_two_equal_exams_is_zero(name):
    exam = random_pairs()[:, :1]
    assert not load(name).represent(torch.cat([exam, exam], dim=1)).any()


def test_the_differences_are_current_minus_prior_with_and_without_direction():
    pairs = torch.zeros(1, 2, 2, 2, 2)
    pairs[:, 1] = -3
    assert (load("signed-difference").represent(pairs) == -3).all()
    assert (load("absolute-difference").represent(pairs) == 3).all()
    assert [channel.unique().item() for channel in load("pair-and-difference").represent(pairs)[0]] == [0, -3, -3]


def test_exams_that_change_places_leave_the_absolute_difference_and_turn_the_signed_one():
    pairs = random_pairs()
    swapped = pairs.flip(1)
    absolute, signed = load("absolute-difference").represent, load("signed-difference").represent
    assert torch.equal(absolute(swapped), absolute(pairs))
    assert torch.equal(signed(swapped), -signed(pairs))
    assert torch.equal(network("absolute-difference")(swapped), network("absolute-difference")(pairs))
    for name in set(plugins.names(plugins.REPRESENTATIONS)) - {"absolute-difference"}:
        assert not torch.allclose(network(name)(swapped), network(name)(pairs))


@pytest.mark.parametrize("shape", [(5,), (5, 4, 3, 2)], ids=["pooled", "maps"])
def test_exams_that_change_places_turn_only_the_siamese_difference(shape):
    pairs = torch.randn(3, 2, *shape, generator=torch.Generator().manual_seed(2))
    there, back = (seen(exams.flatten(0, 1), DAYS) for exams in (pairs, pairs.flip(1)))
    change, symmetric = there.split([5, 3 * 5 + 1], dim=1)
    torch.testing.assert_close(back, torch.cat([-change, symmetric], dim=1))


def test_the_siamese_head_sees_difference_product_absolute_difference_and_the_interval_in_years():
    pair = torch.tensor([[[1.0, 2.0]], [[3.0, -2.0]]])
    assert seen(pair, torch.tensor([365.0])).tolist() == [pytest.approx([-1, -0.5, 3, 4, 1])]
    assert seen(pair[..., 0], torch.tensor([0.0])).tolist() == [[2, 3, 2, 2, 0]]


def test_a_small_change_is_seen_though_the_means_of_both_exams_are_equal():
    prior, current = torch.zeros(2, 1, 1, 4, 4, 4)
    prior[..., 0], current[..., 1] = 1, 1
    change, product, size, largest, _ = seen(torch.cat([prior, current]), torch.zeros(1))[0]
    assert (change, product, size, largest) == (0, 0, 0.5, 1)


@pytest.mark.parametrize("name", plugins.names(plugins.REPRESENTATIONS))
def test_the_days_between_the_exams_matter_to_the_siamese_network_only(name):
    model, pairs = network(name), random_pairs()
    assert torch.equal(model(pairs, DAYS), model(pairs, 2 * DAYS)) == (name != "siamese")
    # An exam of one pair must not reach another pair's outputs.
    other = pairs.clone()
    other[0] += 1
    torch.testing.assert_close(model(other)[1:], model(pairs)[1:])
