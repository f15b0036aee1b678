"""What every plug-in of augmentation promises, and the published changes of the difference map."""

import pytest
import torch

from gliodelta import plugins
from gliodelta.training.augmentation import published

PLUGINS = "gliodelta.training.augmentation"
SIZE_MM = (160, 192, 160)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def pairs():
    return torch.rand(12, 2, 16, 20, 16, generator=generator())


@pytest.mark.parametrize("name", plugins.names(PLUGINS))
def test_the_generator_decides_all_and_the_pairs_given_stay(pairs, name):
    augment, before = plugins.load(PLUGINS, name).augment, pairs.clone()
    first, other = augment(pairs, generator(5), SIZE_MM), augment(pairs, generator(6), SIZE_MM)
    torch.rand(3)
    assert torch.equal(first, augment(pairs, generator(5), SIZE_MM))
    assert torch.equal(pairs, before)
    assert type(first) is torch.Tensor
    assert (first.shape, first.dtype) == (pairs.shape, pairs.dtype)
    assert torch.equal(first, other) == (name == "none")


def test_published_changes_act_on_the_difference_map_each_with_a_fifth(pairs):
    pairs = pairs[:1].repeat(300, 1, 1, 1, 1)
    changed = published.augment(pairs, generator(), SIZE_MM)
    assert not changed[:, 0].any()
    unchanged = (changed[:, 1] == (pairs[:, 1] - pairs[:, 0]).abs()).flatten(1).all(1).float().mean().item()
    # 0.8^4 of the maps meet no change; the tolerance is four standard deviations of a share of 300.
    assert unchanged == pytest.approx(0.41, abs=0.114)


@pytest.fixture
def always():
    """The published changes by name, each certain to happen."""
    changes = published.transforms(torch.device("cpu")).set_random_state(7).transforms
    for change in changes:
        change.prob = 1
    return {type(change).__name__: change for change in changes}


def test_the_published_flip_turns_all_axes_at_once(always):
    image = torch.rand(1, 5, 6, 7)
    assert torch.equal(always["RandFlip"](image).as_tensor(), image.flip(1, 2, 3))


def test_the_published_noise_falls_on_the_background_too(always):
    noise = [always["RandGaussianNoise"](torch.zeros(1, 20, 20, 20)).as_tensor() for _ in range(40)]
    deviations = torch.stack(noise).flatten(1).std(1)
    # Uniform from 0 to 0.1, as MONAI draws it.
    assert deviations.max() < 0.102
    assert deviations.mean().item() == pytest.approx(0.05, abs=4 * 0.1 / (12 * 40) ** 0.5)


def test_the_published_zoom_keeps_the_grid_and_scales_by_up_to_three_tenths(always):
    cube = torch.zeros(1, 40, 40, 40)
    cube[:, 10:30, 10:30, 10:30] = 1
    factors = [(always["RandZoom"](cube).as_tensor().sum() / 20**3).item() ** (1 / 3) for _ in range(20)]
    # A voxel of the cube's 20 is 0.05.
    assert 0.65 <= min(factors) < 0.9
    assert 1.1 < max(factors) <= 1.35


def test_the_published_elastic_change_pads_with_zeros(always):
    changed = always["Rand3DElastic"](torch.ones(1, 32, 32, 32)).as_tensor()
    assert changed.shape == (1, 32, 32, 32)
    assert 0 <= changed.min() < 0.01
    assert changed.max().item() == pytest.approx(1)
