"""The losses against what can be worked out by hand."""

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from gliodelta import plugins

# Ten human labels of which three are unstable, and four weak ones of which three are.
TARGETS = torch.tensor([1.0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0])
WEAK = torch.arange(14) >= 10
ONES = torch.ones(14)


def load(name):
    return plugins.load(plugins.LOSSES, name)


def loss_of(name, outputs, targets=TARGETS, weights=ONES, weak=WEAK):
    """The loss of a batch that is its own training set."""
    return load(name).build(targets, weights, weak)(outputs, targets, weights, weak)


def outputs_of(name, seed=0):
    return torch.randn(14, load(name).OUTPUTS, generator=torch.Generator().manual_seed(seed)).requires_grad_()


@pytest.mark.parametrize("name", plugins.names(plugins.LOSSES))
def test_a_loss_is_one_finite_number_and_its_score_one_a_map(name):
    outputs = outputs_of(name)
    value = loss_of(name, outputs)
    assert value.shape == () and value.isfinite()
    assert load(name).score(outputs).shape == (14,)


@pytest.mark.parametrize("name", plugins.names(plugins.LOSSES))
def test_steps_down_the_loss_put_unstable_maps_above_stable_ones(name):
    outputs = torch.zeros(14, load(name).OUTPUTS, requires_grad=True)
    loss_of(name, outputs).backward()
    scores = load(name).score(outputs.detach() - outputs.grad)
    assert scores[TARGETS == 1].min() > scores[TARGETS == 0].max()


@pytest.mark.parametrize("name", plugins.names(plugins.LOSSES))
def test_a_map_without_weight_teaches_nothing_and_one_of_weight_two_counts_twice(name):
    outputs = outputs_of(name)
    weights = ONES.clone()
    weights[[0, 4, 11]] = torch.tensor([0.0, 2.0, 0.0])
    places = torch.tensor([index for index in range(14) for _ in range(int(weights[index]))])
    repeated = loss_of(name, outputs[places], TARGETS[places], ONES[places], WEAK[places])
    torch.testing.assert_close(loss_of(name, outputs, weights=weights), repeated)


@pytest.mark.parametrize("name", plugins.names(plugins.LOSSES))
def test_a_soft_label_is_that_share_of_both_classes(name):
    """A label of 0.75 is three maps called unstable and one called stable."""
    output, one = outputs_of(name)[:1], torch.ones(1)
    build = load(name).build(TARGETS, ONES, WEAK)
    soft = build(output, 0.75 * one, one, WEAK[:1])
    four = build(output.expand(4, -1), torch.tensor([1.0, 1, 1, 0]), torch.ones(4), WEAK[:4])
    torch.testing.assert_close(soft, four)


@pytest.mark.parametrize("name", plugins.names(plugins.LOSSES))
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_training_set_of_one_class_has_a_finite_loss(name, label):
    assert loss_of(name, outputs_of(name), targets=torch.full((14,), label)).isfinite()


def test_balanced_classes_pull_a_blind_network_equally():
    logit = torch.zeros(1, 1, requires_grad=True)
    loss_of("balanced", logit.expand(14, 1)).backward()
    assert logit.grad.item() == pytest.approx(0, abs=1e-7)


def test_balanced_weighs_unstable_maps_by_the_ratio_of_the_classes():
    outputs = outputs_of("balanced")
    each = binary_cross_entropy_with_logits(outputs[:, 0], TARGETS, reduction="none")
    expected = (each * torch.where(TARGETS == 1, 8 / 6, 1.0)).mean()
    torch.testing.assert_close(loss_of("balanced", outputs), expected)


def test_a_logit_adjusted_network_that_sees_nothing_says_even_odds_whatever_the_sources_say():
    """Its best constant logit for either source is 0, since the source's own odds are added to it."""
    for source in (WEAK, ~WEAK):
        logit = torch.zeros(1, 1, requires_grad=True)
        loss = load("logit-adjusted").build(TARGETS, ONES, WEAK)
        loss(logit.expand(int(source.sum()), 1), TARGETS[source], ONES[source], WEAK[source]).backward()
        assert logit.grad.item() == pytest.approx(0, abs=1e-7)


def test_logit_adjustment_adds_the_log_odds_of_the_source_and_scores_without_them():
    loss = load("logit-adjusted").build(TARGETS, ONES, WEAK)
    one = torch.ones(1)
    for weak, odds in ((False, 3 / 7), (True, 3 / 1)):
        value = loss(torch.tensor([[0.4]]), one, one, torch.tensor([weak]))
        assert value.item() == pytest.approx(math.log(1 + math.exp(-0.4) / odds), rel=1e-5)
    assert load("logit-adjusted").score(torch.tensor([[0.4]])).item() == pytest.approx(0.4)


def test_logit_adjustment_undoes_a_label_shift():
    """Sources of 20 and 80 % unstable see x = -1 or 1, which is unstable with log odds 2 x where both classes are
    equally common: then the loss, which is convex, is lowest at the logit 2 x."""
    likelihood = {1: torch.sigmoid(torch.tensor([-2.0, 2])), 0: torch.sigmoid(torch.tensor([2.0, -2]))}
    # Weights are the expected counts: P(x | class) times the class's share in the source.
    rows = [
        (value, float(label), share * likelihood[label][index].item(), weak)
        for weak, unstable in ((False, 0.2), (True, 0.8))
        for label, share in ((1, unstable), (0, 1 - unstable))
        for index, value in enumerate((-1.0, 1.0))
    ]
    value, targets, weights, weak = (torch.tensor(column) for column in zip(*rows, strict=True))
    slope_and_offset = torch.tensor([2.0, 0.0], requires_grad=True)
    logits = slope_and_offset[0] * value + slope_and_offset[1]
    load("logit-adjusted").build(targets, weights, weak)(logits.unsqueeze(1), targets, weights, weak).backward()
    torch.testing.assert_close(slope_and_offset.grad, torch.zeros(2), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("outputs", "value"), [((-30, 30), 0.3133), ((30, -30), 1.3133), ((5, 5), 0.6931)])
def test_the_published_sigmoid_confines_the_loss_of_an_unstable_map(outputs, value):
    assert math.log(1 + 1 / math.e) == pytest.approx(0.3133, abs=1e-4)
    one = torch.ones(1)
    loss = loss_of("published-vgg", torch.tensor([outputs], dtype=torch.float32), one, one, WEAK[:1])
    assert loss.item() == pytest.approx(value, abs=1e-4)


def test_the_published_losses_are_torch_s_weighted_cross_entropy():
    outputs, weight = outputs_of("published-vgg"), torch.tensor([0.4, 0.6])
    expected = cross_entropy(outputs.sigmoid(), TARGETS.long(), weight=weight)
    torch.testing.assert_close(loss_of("published-vgg", outputs), expected)
    expected = cross_entropy(outputs, TARGETS.long(), weight=weight)
    torch.testing.assert_close(loss_of("published-seresnext", outputs), expected)


def test_the_published_scores_ignore_the_first_output():
    outputs = torch.tensor([[100.0, 2.0], [-100.0, 2.0]])
    assert load("published-seresnext").score(outputs).tolist() == [2, 2]
    assert load("published-vgg").score(outputs).tolist() == pytest.approx([1 / (1 + math.exp(-2))] * 2)
