import re

import numpy as np
import planted
import pytest
from scipy import ndimage

from gliodelta.imaging import pair, quality
from gliodelta.imaging.screen import QC

SPACING = np.array([2.0, 2.0, 4.0])
AFFINE = np.diag([*SPACING, 1.0])


@pytest.fixture(scope="module")
def brain():
    """Random tissue with detail of a few mm inside an ellipsoid of 1,300 ml, z-scored, and its mask."""
    shape = (80, 100, 40)
    radii = np.array([65, 85, 56])
    world = (np.moveaxis(np.indices(shape), 0, -1) - (np.array(shape) - 1) / 2) * SPACING
    mask = np.square(world / radii).sum(axis=-1) < 1
    image = ndimage.gaussian_filter(np.random.default_rng(3).standard_normal(shape), 4 / SPACING).astype(np.float32)
    return scored(image, mask), mask


def scored(image, mask):
    return ((image - image[mask].mean()) / image[mask].std() * mask).astype(np.float32)


def measured(prior, current, mask, masks=None):
    return quality.measure(np.stack([prior, current], axis=-1), mask, masks or (mask, mask), AFFINE)


def test_the_documentation_names_every_number_in_its_order(brain):
    image, mask = brain
    names = re.findall(r"^    (\w+) +(?:ml|mm|z|-?\d)", quality.__doc__, re.MULTILINE)
    assert names == list(measured(image, image, mask))
    assert set(names) <= set(QC)


def test_equal_exams_differ_in_nothing(brain):
    image, mask = brain
    found = measured(image, image, mask)
    ones = ("mask_ratio", "mask_overlap", "coverage", "structure", "structure_worst", "scale", "sharpness")
    assert [found[name] for name in ones] == pytest.approx([1] * len(ones), abs=1e-5)
    assert [found[name] for name in ("sd_difference", "residual_mm", "drift")] == pytest.approx([0] * 3, abs=1e-5)
    assert found["brain_ml_prior"] == pytest.approx(mask.sum() * np.prod(SPACING) / 1000)


@pytest.mark.parametrize("move", [(1.0, 0, 0), (0, -2.0, 0), (0, 0, 1.5), (1.0, 1.0, 1.0)])
def test_residual_motion_is_told_in_mm(brain, move):
    image, mask = brain
    moved = ndimage.shift(image, np.array(move) / SPACING, order=3, mode="nearest") * mask
    assert measured(moved, image, mask)["residual_mm"] == pytest.approx(np.linalg.norm(move), rel=0.15)


def test_a_residual_rotation_is_found(brain):
    image, mask = brain
    turned = ndimage.rotate(image, 3, axes=(0, 1), reshape=False, order=3) * mask
    places = (np.argwhere(mask) - (np.array(mask.shape) - 1) / 2) * SPACING
    truth = 2 * np.sin(np.radians(1.5)) * np.linalg.norm(places[:, :2], axis=1).mean()
    assert measured(turned, image, mask)["residual_mm"] == pytest.approx(truth, rel=0.15)


def test_gain_offset_and_shading_are_no_motion_and_no_structure(brain):
    image, mask = brain
    ramp = np.linspace(-1, 1, mask.shape[1], dtype=np.float32)[:, None] * mask
    plain, shaded = measured(image, image, mask), measured(image, 1.5 * image + 0.4 * ramp, mask)
    assert shaded["residual_mm"] < 0.1 and shaded["structure"] > 0.99
    assert shaded["scale"] == pytest.approx(1.5, rel=0.1)
    # The ramp's own robust spread is 0.4 x 1.48 x its median size in the brain; smoothing takes some of it.
    spread = 0.4 * 1.4826 * np.median(np.abs(ramp[mask]))
    assert 0.5 * spread < shaded["drift"] - plain["drift"] < 1.2 * spread


def test_a_large_true_change_leaves_the_robust_numbers_alone(brain):
    image, mask = brain
    world = (np.moveaxis(np.indices(mask.shape), 0, -1) - np.array([55, 40, 20])) * SPACING
    # 60 ml.
    tumour = np.linalg.norm(world, axis=-1) < 24.3
    found = measured(image, np.where(tumour, 2.5, image) * mask, mask)
    assert found["structure"] > 0.95 and found["residual_mm"] < 0.3 and found["drift"] < 0.1
    assert found["structure_worst"] < 0.7 and found["sd_difference"] > 0.4


def test_blur_is_told(brain):
    image, mask = brain
    blurred = ndimage.gaussian_filter(image, 3 / SPACING) * mask
    assert measured(image, blurred, mask)["sharpness"] < 0.8 < 1.2 < measured(blurred, image, mask)["sharpness"]


@pytest.mark.parametrize("lost", [5, 8, 12])
def test_coverage_is_the_share_that_both_show_and_rims_do_not_count(brain, lost):
    image, mask = brain
    lowest = np.flatnonzero(mask.any(axis=(0, 1)))[0]
    cropped = ndimage.binary_erosion(mask)
    assert measured(image, image, cropped, (cropped, mask))["coverage"] == 1
    cropped = mask.copy()
    cropped[..., : lowest + lost] = False
    found = measured(image * cropped, image * cropped, cropped, (cropped, mask))
    assert found["coverage"] == pytest.approx(cropped.sum() / mask.sum(), abs=0.02)
    assert found["mask_ratio"] == pytest.approx(cropped.sum() / mask.sum())


@pytest.mark.parametrize("voxels", [1, 2, 9])
def test_hardly_any_common_brain_gives_numbers_or_none(brain, voxels):
    image, mask = brain
    few = np.zeros_like(mask)
    few[40, 50, 20 : 20 + voxels] = True
    found = measured(image * few, image * few, few, (mask, mask))
    assert all(value is None or np.isfinite(value) for value in found.values())


def head(share=0.0, axis=0):
    """A bright ball with its brain in noisy air, and a copy of the share `share` moved along `axis`."""
    rng = np.random.default_rng(0)
    world = (np.moveaxis(np.indices((110, 110, 12)), 0, -1) - [55, 55, 5.5]) * [2, 2, 5]
    distance = np.linalg.norm(world[..., :2], axis=-1)
    signal = (distance < 65) * 100.0
    signal += share * np.roll(signal, 40, axis=axis)
    noise = 3 * rng.standard_normal((2, *signal.shape))
    return np.hypot(signal + noise[0], noise[1]), distance < 55, np.diag([2.0, 2, 5, 1])


def test_a_head_in_clean_air_has_no_ghosts():
    assert quality.ghosting(*head()) == pytest.approx(0, abs=0.005)


@pytest.mark.parametrize("axis", [0, 1])
def test_ghosts_grow_with_their_share_along_either_axis(axis):
    faint, strong = (quality.ghosting(*head(share, axis)) for share in (0.1, 0.3))
    assert 0.01 < faint < strong < 0.3


def test_the_order_of_the_voxels_does_not_change_ghosting():
    image, mask, affine = head(0.2)
    turned = quality.ghosting(image.transpose(2, 0, 1), mask.transpose(2, 0, 1), affine[:, [2, 0, 1, 3]])
    assert turned == pytest.approx(quality.ghosting(image, mask, affine))


def test_without_air_nothing_is_said_of_ghosts():
    image, mask, affine = head(0.2)
    assert quality.ghosting(image * mask, mask, affine) is None
    assert quality.ghosting(image, np.ones_like(mask), affine) is None
    assert quality.ghosting(image, np.zeros_like(mask), affine) is None


def true_mask(exam):
    """An exam as if its mask were known and its field corrected; the estimated ones take most of the time."""
    return pair.Exam(
        exam.image / exam.field if exam.image.shape == exam.field.shape else exam.image, exam.brain, exam.affine
    )


@pytest.fixture(scope="module")
def planted_pairs():
    """The pairs of four new patients, one of each course; kind and numbers."""
    _, stranger = None, true_mask(planted.scene(999, head_mm=2)[0])
    found = []
    for seed in range(1000, 1004):
        numbers, stranger = planted.numbers(seed, stranger, true_mask, head_mm=2)
        found += numbers.items()
    return found


def test_true_change_passes_the_limits(planted_pairs):
    limits = planted.SETTINGS["limits"]
    honest = [planted.exceeded(numbers, limits) for kind, numbers in planted_pairs if kind == planted.HONEST]
    assert honest == [[]] * len(planted.COURSES)


def test_planted_failures_do_not(planted_pairs):
    limits = planted.SETTINGS["limits"]
    planted_only = [(kind, numbers) for kind, numbers in planted_pairs if kind != planted.HONEST]
    missed = [kind for kind, numbers in planted_only if not planted.flagged(numbers, limits)]
    assert len(missed) <= 0.05 * len(planted_only), missed
