"""Both exams of a pair move alike but for a known error of registration, shine apart, and stay 0 outside the brain."""

import itertools

import numpy as np
import pytest
import torch
from scipy.fft import dctn
from scipy.spatial.transform import Rotation

from gliodelta.training.augmentation import pair as augmentation

SHAPE, SIZE_MM = (20, 24, 16), (160, 192, 160)
GEOMETRY = [{"flip"}, {"warp"}, {"flip", "warp"}]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def change(pairs, *names, seed=0):
    chosen = [[name in names for name in augmentation.CHANGES]] * len(pairs)
    return augmentation.change(pairs, chosen, generator(seed), SIZE_MM)


@pytest.fixture
def places():
    """Centres of the grid's voxels [3, X, Y, Z] in mm from the grid's centre."""
    axes = [((torch.arange(n) + 0.5) / n - 0.5) * mm for n, mm in zip(SHAPE, SIZE_MM, strict=True)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))


@pytest.fixture
def pairs(places):
    """Six pairs of two equal brains, lopsided and with texture, in an empty surrounding."""
    radius = (places - torch.tensor([6.0, -4, 3]).view(3, 1, 1, 1)).square().sum(0)
    texture = torch.rand(6, 1, *SHAPE, generator=generator(1)) + 0.5
    return (texture * (radius < 65**2)).repeat(1, 2, 1, 1, 1)


@pytest.mark.parametrize("names", GEOMETRY)
def test_equal_exams_stay_equal_under_shared_geometry(pairs, names):
    changed = change(pairs, *names)
    assert torch.equal(changed[:, 0], changed[:, 1])
    assert not (changed == pairs).flatten(1).all(1).any()


@pytest.mark.parametrize("name", ["gain", "bias", "noise"])
def test_intensities_change_apart_and_leave_the_outside_empty(pairs, name):
    changed = change(pairs, name)
    assert not (changed[:, 0] == changed[:, 1]).flatten(1).all(1).any()
    assert torch.equal(changed != 0, pairs != 0)


def test_misregistration_moves_the_prior_and_empties_what_is_not_common(pairs):
    changed = change(pairs, "misregister")
    common = changed[:, 0] != 0
    assert torch.equal(common, changed[:, 1] != 0)
    assert torch.equal(changed[:, 1], pairs[:, 1] * common)
    assert not torch.equal(changed[:, 0], pairs[:, 0] * common)
    assert common.sum() > 0.9 * (pairs[:, 1] != 0).sum()


def test_misregistration_leaves_the_shared_geometry_as_it_is(pairs):
    both, warped = change(pairs[:1], "warp", "misregister"), change(pairs[:1], "warp")
    common = both[:, 0] != 0
    assert torch.equal(both[:, 1], warped[:, 1] * common)
    assert not torch.equal(both[:, 0], warped[:, 0] * common)


def test_flip_swaps_left_and_right_exactly(pairs):
    assert torch.equal(change(pairs, "flip"), pairs.flip(2))


def test_moves_without_strength_are_the_identity(pairs, monkeypatch):
    for name in ("ROTATION", "TRANSLATION_MM", "ZOOM", "ELASTIC_MM", "MISREGISTRATION_MM", "MISREGISTRATION_ROTATION"):
        monkeypatch.setattr(augmentation, name, 0)
    # Coordinates are exact to about 1e-7 of the grid's 24 voxels, and neighbours differ by up to 1.5; the brain's edge
    # may spread by such a trifle into the voxel beside it.
    torch.testing.assert_close(change(pairs, "warp", "misregister"), pairs, atol=1e-4, rtol=0)


def test_a_known_misregistration_is_the_image_at_the_moved_places(places):
    """Linear interpolation is exact for a linear image, so that the answer is the image's formula at those places."""
    slope = torch.tensor([0.02, -0.01, 0.03])
    image = torch.tensordot(slope, places, dims=1)
    angles, shift = torch.tensor([0.1, -0.05, 0.2]), torch.tensor([3.0, -7, 5])
    points = augmentation.rigid(augmentation.control_points(SHAPE, SIZE_MM), angles, shift)
    found = augmentation.sample(image[None], points, SIZE_MM)[0]
    matrix = torch.tensor(Rotation.from_rotvec(angles.numpy()).as_matrix(), dtype=torch.float32)
    moved = torch.tensordot(matrix, places, dims=1) + shift.view(3, 1, 1, 1)
    limits = places.abs().amax((1, 2, 3)).view(3, 1, 1, 1)
    inside = (moved.abs() <= limits).all(0)
    assert inside.float().mean() > 0.5
    torch.testing.assert_close(found[inside], torch.tensordot(slope, moved, dims=1)[inside], atol=1e-4, rtol=0)
    assert not found[(moved.abs() > limits + 10).any(0)].any()


def test_a_known_shift_of_a_smooth_image(places):
    def image(places):
        return torch.exp(-places.square().sum(0) / (2 * 30**2))

    shift = torch.tensor([0.4, -0.3, 0.2]).view(3, 1, 1, 1)
    points = augmentation.control_points(SHAPE, SIZE_MM) + shift
    found = augmentation.sample(image(places)[None], points, SIZE_MM)[0]
    inside = tuple(slice(1, -1) for _ in SHAPE)
    # Linear interpolation t mm beside a voxel is wrong by at most t (voxel - t) / 2 times the curvature, here 1/30^2.
    voxels = torch.tensor([extent / count for extent, count in zip(SIZE_MM, SHAPE, strict=True)])
    bound = (shift.abs().flatten() * (voxels - shift.abs().flatten())).sum().item() / 2 / 30**2
    torch.testing.assert_close(found[inside], image(places + shift)[inside], atol=bound, rtol=0)
    # The bound is small beside what the shift changes.
    assert (found - image(places))[inside].abs().max() > 2 * bound


def test_warp_and_misregistration_are_one_interpolation(places, monkeypatch):
    """Without the bend both are affine; composed at the control points, they are composed at every voxel."""
    monkeypatch.setattr(augmentation, "ELASTIC_MM", 0)
    grid = augmentation.control_points(SHAPE, SIZE_MM)
    moves = [
        augmentation.misregister(augmentation.warp(points, generator(3)), generator(4)) for points in (grid, places)
    ]
    image = torch.tensordot(torch.tensor([0.02, -0.01, 0.03]), places, dims=1)
    inside = (moves[1].abs() <= places.abs().amax((1, 2, 3)).view(3, 1, 1, 1)).all(0)
    found = augmentation.sample(image[None], moves[0], SIZE_MM)[0]
    expected = torch.tensordot(torch.tensor([0.02, -0.01, 0.03]), moves[1], dims=1)
    torch.testing.assert_close(found[inside], expected[inside], atol=1e-4, rtol=0)


def test_misregistration_is_as_large_as_the_engine_may_err():
    draws, drawn = 2000, generator()
    ball = torch.randn(3, draws, generator=generator(1))
    # Uniform in a ball of 70 mm, the brain; a brain's surface counts too.
    ball *= 70 * torch.rand(draws, generator=generator(2)) ** (1 / 3) / ball.norm(dim=0)
    ball[:, ::2] *= 70 / ball[:, ::2].norm(dim=0)
    points = ball.T.reshape(draws, 3, 1, 1, 1)
    errors = torch.stack([augmentation.misregister(point, drawn) - point for point in points]).flatten(1).norm(dim=1)
    assert 1 < errors.max() <= 1.4
    root_mean_square = errors[1::2].square().mean().sqrt().item()
    assert root_mean_square == pytest.approx(0.48, rel=0.05)


def test_a_gain_is_one_factor_an_exam(pairs):
    brain = pairs[0, 0] != 0
    factors = (change(pairs, "gain") / pairs)[:, :, brain]
    assert (factors.std(2) < 1e-6).all()
    assert (factors[..., 0] - 1).abs().max() <= 0.1
    assert (factors[:, 0, 0] - factors[:, 1, 0]).abs().min() > 1e-4


def test_a_bias_field_has_the_stated_strength_and_no_fast_waves():
    drawn, squares = generator(), []
    for _ in range(400):
        field = augmentation.bias_field(SHAPE, drawn).log().double().numpy()
        squares.append((field**2).mean())
        waves = dctn(field, norm="ortho")
        slow = sum(np.indices(SHAPE)) <= 2
        # What is left is the rounding of float32.
        assert np.abs(waves[~slow]).max() < 1e-4 * np.abs(waves).max()
        assert abs(field.mean()) < 1e-6
    # The mean of 400 squares, each a mean of 9 squared normals: a standard deviation of sqrt(2 / 9 / 400) = 2.4 %.
    assert np.mean(squares) == pytest.approx(0.07**2, rel=0.1)


def test_bias_multiplies_each_exam_by_a_field_of_its_own(pairs):
    fields = change(torch.ones_like(pairs), "bias").log().flatten(2)
    # The root of the mean of 12 squares, each as above: a standard deviation of 7 %.
    assert fields.square().mean().sqrt().item() == pytest.approx(0.07, rel=0.28)
    assert np.abs(np.triu(np.corrcoef(fields.flatten(0, 1)), 1)).max() < 0.98
    shaded = change(pairs, "bias")
    torch.testing.assert_close(shaded, pairs * fields.view(pairs.shape).exp())


def test_noise_has_the_published_strength(pairs):
    noise = (change(pairs, "noise") - pairs)[:, :, pairs[0, 0] != 0]
    assert noise.std().item() == pytest.approx(0.1, rel=0.03)
    assert noise.mean().item() == pytest.approx(0, abs=0.003)
    assert np.corrcoef(noise[:, 0].flatten(), noise[:, 1].flatten())[0, 1] == pytest.approx(0, abs=0.03)


def test_each_change_is_drawn_for_a_fifth_of_the_pairs_apart_from_the_others(monkeypatch):
    number, found = 4000, []
    monkeypatch.setattr(augmentation, "change", lambda pairs, chosen, *_: found.append(torch.tensor(chosen)) or pairs)
    augmentation.augment(torch.zeros(number, 2, 1, 1, 1), generator(), SIZE_MM)
    chosen = found[0].float()
    assert chosen.shape == (number, 6)
    # Four standard deviations of a share.
    assert (chosen.mean(0) - 0.2).abs().max() < 4 * (0.2 * 0.8 / number) ** 0.5
    for first, second in itertools.combinations(chosen.T, 2):
        assert abs((first * second).mean().item() - 0.04) < 4 * (0.04 * 0.96 / number) ** 0.5


def test_pairs_without_a_change_stay_as_they_are(pairs):
    many = pairs[:1].repeat(400, 1, 1, 1, 1)
    unchanged = (augmentation.augment(many, generator(), SIZE_MM) == many).flatten(1).all(1).float().mean().item()
    assert unchanged == pytest.approx(0.8**6, abs=4 * (0.26 * 0.74 / 400) ** 0.5)
