"""Brain masks: every engine on a head of another shape, skull-stripped images, and what is refused."""

import re

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from gliodelta import io, plugins
from gliodelta.imaging import template
from gliodelta.imaging.brain import ENGINES, extract_brain

SPACING = np.array([1.6, 1.6, 4.0])


def dice(a, b):
    """Overlap of two masks."""
    return 2 * (a & b).sum() / (a.sum() + b.sum())


@pytest.fixture(scope="module")
def head():
    """A head that is larger, turned and smoothly bent, in thick slices, with noise and a coil's shading.

    Returns:
        (image, mask, affine); not the template's own anatomy: bent by up to 6 mm, stretched by 6 %.
    """
    source, mask, affine, _ = template.head()
    shape = np.array([128, 150, 46])
    fixed_affine = np.diag([*SPACING, 1.0])
    fixed_affine[:3, 3] = [-100, -135, -85]
    world = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1) @ fixed_affine[:3, :3].T
    world = world + fixed_affine[:3, 3]
    angle = np.radians(12)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    bent = (world + 6 * np.sin(world[..., [1, 2, 0]] / 25)) @ turn.T / 1.06 + [4, -6, 3]
    voxels = np.moveaxis((bent - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T, -1, 0)
    rng = np.random.default_rng(1)
    shading = np.exp(0.3 * np.sin(world[..., 0] / 60 + world[..., 1] / 80))
    image = ndimage.map_coordinates(source, voxels, order=1) * shading
    noisy = np.abs(image + rng.normal(0, 0.02, image.shape)) * 800
    return noisy.astype(np.float32), ndimage.map_coordinates(mask.astype(float), voxels, order=1) > 0.5, fixed_affine


def test_the_template_finds_a_brain_of_another_shape(head):
    image, mask, affine = head
    found = plugins.load(ENGINES, "template").extract(image, affine)
    # 6 mm of bending is more than an affine can follow, so that this also holds the fit of the outline.
    assert dice(found, mask) > 0.96


@pytest.mark.parametrize("degrees", [(25, 0, 0), (0, 25, 0), (0, 0, -30)])
def test_the_template_finds_a_turned_head_far_from_the_origin(head, degrees):
    image, mask, affine = head
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    pose[:3, 3] = 100, -80, 150
    assert dice(plugins.load(ENGINES, "template").extract(image, pose @ affine), mask) > 0.95


@pytest.mark.parametrize("slices", [slice(8, None), slice(None, -10)])
def test_the_template_finds_a_brain_that_is_cut_off(head, slices):
    image, mask, affine = head
    cut = affine.copy()
    cut[:3, 3] += affine[:3, 2] * (slices.start or 0)
    found = plugins.load(ENGINES, "template").extract(image[:, :, slices], cut)
    assert dice(found, mask[:, :, slices]) > 0.95


@pytest.mark.parametrize("engine", plugins.names(ENGINES))
def test_every_engine_finds_the_real_patients_brain(engine, shared):
    import nibabel as nib

    image = nib.as_closest_canonical(io.read_image(shared / "longitudinal_t2/patient01/study2_T2W.nii.gz"))
    found = plugins.load(ENGINES, engine).extract(image.get_fdata(dtype=np.float32), image.affine)
    assert found.dtype == bool and found.shape == image.shape
    # The published mask measures 1,329 ml.
    assert 1250 < found.sum() * abs(np.linalg.det(image.affine[:3, :3])) / 1000 < 1450


def run(tmp_path, image, affine, **changes):
    """Runs the step on an image and returns (mask, sidecar)."""
    io.write_image(image, affine, tmp_path / "t2.nii.gz")
    io.write_json({"status": "included", "reason": ""}, tmp_path / "t2.json")
    settings = {"engine": "template", "skull_stripped": True, "min_ml": 700, "max_ml": 2200, **changes}
    outputs = {"mask": tmp_path / "m.nii.gz", "mask_sidecar": tmp_path / "m.json"}
    extract_brain(tmp_path / "t2.nii.gz", tmp_path / "t2.json", **outputs, **settings)
    return np.asarray(io.read_image(tmp_path / "m.nii.gz").dataobj), io.read_json(tmp_path / "m.json")


def ball(radius_mm):
    """A ball in voxels of 4 mm, in an image whose first axis runs to the left."""
    grid = np.linalg.norm((np.indices((50, 50, 50)) - 24.5) * 4, axis=0)
    return grid <= radius_mm, np.array([[-4.0, 0, 0, 98], [0, 4, 0, -98], [0, 0, 4, -98], [0, 0, 0, 1]])


def test_a_skull_stripped_exam_is_its_own_mask_with_its_holes_filled(tmp_path):
    brain, affine = ball(70)
    image = np.where(brain, 100.0, 0)
    image[22:28, 22:28, 22:28] = 0
    image[0, 0, 0] = 100
    mask, sidecar = run(tmp_path, image, affine)
    np.testing.assert_array_equal(mask > 0, brain)
    # A ball of 70 mm holds 1,437 ml.
    assert sidecar["status"] == "included" and sidecar["volume_ml"] == pytest.approx(1437, rel=0.01)


@pytest.mark.parametrize("radius", [30, 90])
def test_an_implausible_volume_excludes_the_exam_with_the_number(tmp_path, radius):
    mask, sidecar = run(tmp_path, np.where(ball(radius)[0], 100.0, 0), ball(radius)[1])
    assert sidecar["status"] == "excluded" and mask.shape == (1, 1, 1)
    assert "ml, not 700 to 2200 ml" in sidecar["reason"]


@pytest.mark.parametrize("value", [0, 7, np.nan])
@pytest.mark.parametrize("skull_stripped", [True, False])
def test_an_empty_image_is_excluded(tmp_path, value, skull_stripped):
    _, sidecar = run(tmp_path, np.full((20, 20, 20), value, np.float32), np.eye(4), skull_stripped=skull_stripped)
    assert sidecar == {"status": "excluded", "reason": "the image is empty"}


@pytest.mark.parametrize(
    ("shape", "reason"),
    # Noise has no outline: the fit either breaks down or ends in a brain of no possible size.
    [((60, 60, 20), "the template finds no head|not 700 to 2200 ml"), ((128, 128, 1), "the image is a single slice")],
)
def test_an_image_without_a_head_is_excluded(tmp_path, shape, reason):
    noise = np.random.default_rng(0).random(shape, np.float32)
    _, sidecar = run(tmp_path, noise, np.diag([1.0, 1, 4, 1]), skull_stripped=False)
    assert sidecar["status"] == "excluded" and re.search(reason, sidecar["reason"])


def test_an_excluded_exam_passes_on_its_reason(tmp_path):
    io.write_json({"status": "excluded", "reason": "no T2 series"}, tmp_path / "t2.json")
    outputs = tmp_path / "m.nii.gz", tmp_path / "m.json"
    extract_brain(tmp_path / "absent.nii.gz", tmp_path / "t2.json", "template", False, 1, 2, *outputs)
    assert io.read_json(tmp_path / "m.json")["reason"] == "no T2 series"


def test_a_numerical_failure_excludes_the_exam(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "gliodelta.imaging.brain_extraction.deepbet.extract", lambda *_: np.linalg.inv(np.zeros((2, 2)))
    )
    _, sidecar = run(tmp_path, np.where(ball(70)[0], 100.0, 0), ball(70)[1], engine="deepbet", skull_stripped=False)
    assert sidecar == {"status": "excluded", "reason": "the brain extraction fails numerically on the image"}
