"""Augmentation changes both exams of a pair alike in geometry, apart in intensity, and never invents a difference."""

import pytest
import torch

from gliodelta.training import augment as augmentation
from gliodelta.training.augment import add_noise, augment, flip, rescale, warp

SIZE_MM = (160, 192, 160)


@pytest.fixture
def pairs():
    """Six pairs of two equal smooth blobs in an empty surrounding."""
    axes = torch.meshgrid(*[torch.linspace(-1, 1, size) for size in (20, 24, 20)], indexing="ij")
    radius = sum((axis - 0.1) ** 2 for axis in axes)
    blob = torch.where(radius < 0.6, torch.exp(-3 * radius), torch.zeros(()))
    return blob.expand(6, 2, 20, 24, 20).clone()


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("change", [flip, warp])
def test_geometry_is_the_same_for_both_exams(pairs, change):
    changed = change(pairs, generator(), SIZE_MM)
    assert torch.equal(changed[:, 0], changed[:, 1])
    assert not torch.equal(changed, pairs)


@pytest.mark.parametrize("change", [rescale, add_noise])
def test_intensities_are_independent_and_leave_the_outside_empty(pairs, change):
    changed = change(pairs, generator(), SIZE_MM)
    assert not torch.equal(changed[:, 0], changed[:, 1])
    assert not changed[pairs == 0].any()


def test_flip_swaps_left_and_right_only(pairs):
    assert torch.equal(flip(pairs, generator(), SIZE_MM), pairs.flip(2))


def test_warp_without_strength_is_the_identity(pairs, monkeypatch):
    for name in ("ROTATION", "TRANSLATION_MM", "ZOOM", "ELASTIC_MM"):
        monkeypatch.setattr(augmentation, name, 0)
    torch.testing.assert_close(warp(pairs, generator(), SIZE_MM), pairs, atol=1e-5, rtol=0)


def test_a_shift_is_in_mm_along_the_axes_of_the_grid(pairs, monkeypatch):
    for name in ("ROTATION", "ZOOM", "ELASTIC_MM"):
        monkeypatch.setattr(augmentation, name, 0)
    # The draw is uniform in [-1, 1] * TRANSLATION_MM; voxels measure 8 mm.
    monkeypatch.setattr(augmentation, "TRANSLATION_MM", 40)
    drawn = generator(3)
    torch.rand(6, 3, generator=drawn), torch.rand(6, 1, 1, generator=drawn)
    shift = 40 * (2 * torch.rand(6, 1, 1, 1, 3, generator=drawn) - 1)[:, 0, 0, 0]
    changed = warp(pairs, generator(3), SIZE_MM)[:, 0]
    for axis, size in enumerate((20, 24, 20)):
        along = torch.arange(size).view([-1 if axis == other else 1 for other in range(3)])
        before = (pairs[:, 0] * along).sum((1, 2, 3)) / pairs[:, 0].sum((1, 2, 3))
        after = (changed * along).sum((1, 2, 3)) / changed.sum((1, 2, 3))
        inside = shift.abs().amax(1) < 24
        assert inside.any()
        torch.testing.assert_close((before - after)[inside] * 8, shift[inside, axis], atol=1.5, rtol=0)


def test_each_change_happens_to_a_fifth_of_the_pairs():
    ramp = torch.arange(1.0, 5).view(1, 1, 4, 1, 1).expand(2000, 2, 4, 4, 4)
    unchanged = (augment(ramp, generator(), (8, 8, 8)) == ramp).flatten(1).all(1)
    # (1 - 0.2)^4 = 0.41 of the pairs meet no change; 0.04 is more than three standard deviations.
    assert unchanged.float().mean().item() == pytest.approx(0.41, abs=0.04)


def test_the_generator_decides_all(pairs):
    before = pairs.clone()
    first, second = augment(pairs, generator(5), SIZE_MM), augment(pairs, generator(5), SIZE_MM)
    assert torch.equal(first, second)
    assert torch.equal(pairs, before)
    assert not torch.equal(first, augment(pairs, generator(6), SIZE_MM))
