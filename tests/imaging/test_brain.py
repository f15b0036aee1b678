"""Brain masks: every engine on a head of another shape, skull-stripped images, and what is refused."""

import functools
import re

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from gliodelta import io, plugins
from gliodelta.imaging import template
from gliodelta.imaging.brain import ENGINES, extract_brain, stripped_brain
from gliodelta.schema import InvalidInput, validate
from gliodelta.simulation import acquisition, anatomy
from gliodelta.simulation.geometry import box

SPACING = np.array([1.6, 1.6, 4.0])


def extracted(image, affine, engine="template"):
    """The mask of an engine."""
    return plugins.load(ENGINES, engine).extract(image, affine, template.align(image, affine))


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
    found = extracted(image, affine)
    # 6 mm of bending is more than an affine can follow, so that this also holds the fit of the outline.
    assert dice(found, mask) > 0.96


@pytest.mark.parametrize("degrees", [(25, 0, 0), (0, 25, 0), (0, 0, -30)])
def test_the_template_finds_a_turned_head_far_from_the_origin(head, degrees):
    image, mask, affine = head
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    pose[:3, 3] = 100, -80, 150
    assert dice(extracted(image, pose @ affine), mask) > 0.95


@pytest.mark.parametrize("slices", [slice(8, None), slice(None, -10)])
def test_the_template_finds_a_brain_that_is_cut_off(head, slices):
    image, mask, affine = head
    cut = affine.copy()
    cut[:3, 3] += affine[:3, 2] * (slices.start or 0)
    found = extracted(image[:, :, slices], cut)
    assert dice(found, mask[:, :, slices]) > 0.95


@functools.cache
def patient(number, deformation_mm=4):
    """A simulated patient's head and the whole brain in it, scanned without a lesion: (head, scene, scan)."""
    settings = {
        **validate({}, "simulation", "settings"),
        **{"grid_mm": 2, "pixel_mm": 2, "slice_mm": 4, "deformation_mm": deformation_mm},
    }
    head = anatomy.make_head(settings, f"s{number:02d}")
    coarse = box(anatomy.LOW, anatomy.HIGH, 20)
    empty = np.zeros(head.grid.shape, np.float32), np.zeros((*coarse.shape, 3), np.float32)
    scene = acquisition.Visit(head.grid, head.tissues, head.texture, head.depth, *empty, coarse)
    return head, scene, acquisition.draw_scan(settings, f"s{number:02d}", "0000")


def scanned(number, contrast="T2", paint=None, noise=0.02, bias=0.15):
    """A scan in RAS+: (image, mask, affine, lesion); `paint` is (lesion on the head's grid 0..1, its signal)."""
    import nibabel as nib

    head, scene, scan = patient(number)
    signal, lesion = scene.signal(contrast), np.zeros(head.grid.shape, np.float32)
    if paint is not None:
        lesion, level = paint(head)
        signal = signal * (1 - lesion) + level * lesion
    image = acquisition.acquire(scene, signal, scan, np.random.default_rng(number), bias, noise)
    parts = [image, acquisition.truth_masks(scene, scan)["brain"], scene.sample(lesion, scan.grid, scan.pose) > 0.5]
    canonical = [nib.as_closest_canonical(nib.Nifti1Image(np.float32(part), scan.grid.affine)) for part in parts]
    image, mask, lesion = (np.asarray(part.dataobj) for part in canonical)
    return image * 700, mask > 0.5, canonical[0].affine, lesion > 0.5


def at_the_edge(level, rim=None, volume_ml=60):
    """A ball of tissue cut off by the brain's outline, with a `rim` of 4 mm of another signal."""

    def paint(head):
        x, y, z = head.grid.world()
        distance = np.sqrt((x - 45) ** 2 + (y + 20) ** 2 + (z - 35) ** 2)
        distance[head.depth > 0] = np.inf
        radius = np.sort(distance.ravel())[int(volume_ml / head.grid.voxel_ml)]
        inside = distance <= radius
        within = np.where((distance > radius - 4) | (head.depth > -4), level if rim is None else rim, level)
        return inside.astype(np.float32), within.astype(np.float32)

    return paint


def test_other_anatomies_are_found():
    scores = [dice(extracted(image, affine), mask) for image, mask, affine, _ in map(scanned, range(1, 6))]
    assert np.median(scores) >= 0.95 and min(scores) >= 0.9


@pytest.mark.parametrize(
    ("paint", "share"),
    [
        (at_the_edge(0.82), 0.97),
        (at_the_edge(0.82, rim=1.0), 0.95),
        # A black rim looks like bone, and a part of it is lost.
        (at_the_edge(0.82, rim=0.08), 0.75),
        (at_the_edge(1.0), 0.95),
        # A black bleeding is told from bone by what surrounds it alone.
        (at_the_edge(0.08, volume_ml=20), 0.6),
    ],
    ids=["tumour", "bright rim", "dark rim", "cavity open to the edge", "bleeding"],
)
def test_a_lesion_at_the_brains_edge_stays_inside(paint, share):
    image, mask, affine, lesion = scanned(1, paint=paint)
    found = extracted(image, affine)
    assert (found & lesion).sum() > share * lesion.sum()
    assert dice(found, mask) > 0.93


@pytest.mark.parametrize("change", [{"noise": 0.08}, {"bias": 0.3}])
def test_noise_and_shading_leave_the_mask(change):
    image, mask, affine, _ = scanned(2, **change)
    assert dice(extracted(image, affine), mask) > 0.93


def test_bright_noise_above_the_head_does_not_mislead_the_search():
    image, mask, affine, _ = scanned(3)
    image = np.pad(image, ((0, 0), (0, 0), (0, 12)))
    image[20:60, 40:80, -10:] = 900
    assert dice(extracted(image, affine), np.pad(mask, ((0, 0), (0, 0), (0, 12)))) > 0.93


@pytest.mark.parametrize("contrast", ["T2", "FLAIR", "T1"])
@pytest.mark.parametrize("stripped", [True, False])
def test_fluid_is_bright_on_t2_only(tmp_path, contrast, stripped):
    image, mask, affine, _ = scanned(4, contrast)
    _, sidecar = run(tmp_path, image * mask if stripped else image, affine, skull_stripped=stripped, min_ml=100)
    assert sidecar["status"] == "included", sidecar["reason"]
    assert sidecar["fluid_contrast"] > 0.15 if contrast == "T2" else sidecar["fluid_contrast"] < 0


@pytest.mark.parametrize("engine", ["template", "deepbet"])
def test_every_engine_finds_the_real_patients_brain(engine, shared):
    import nibabel as nib

    image = nib.as_closest_canonical(io.read_image(shared / "longitudinal_t2/patient01/study2_T2W.nii.gz"))
    found = extracted(image.get_fdata(dtype=np.float32), image.affine, engine)
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
    [((60, 60, 20), "no head is found|not 700 to 2200 ml"), ((128, 128, 1), "the image is a single slice")],
)
def test_an_image_without_a_head_is_excluded(tmp_path, shape, reason):
    noise = np.random.default_rng(0).random(shape, np.float32)
    _, sidecar = run(tmp_path, noise, np.diag([1.0, 1, 4, 1]), skull_stripped=False)
    assert sidecar["status"] == "excluded" and re.search(reason, sidecar["reason"])


@pytest.mark.parametrize("declared", [True, False])
def test_a_stripped_image_is_recognised_and_respected(tmp_path, declared):
    image, mask, affine, _ = scanned(5)
    stripped = np.where(mask, image, 0)
    # A hole in the brain, an island outside it.
    stripped[50:53, 60:64, 20:22] = 0
    stripped[3:5, 3:5, 3] = 300
    found, sidecar = run(tmp_path, stripped, affine, skull_stripped=declared)
    assert sidecar["engine"] == ("skull-stripped" if declared else "skull-stripped (recognised)")
    np.testing.assert_array_equal(found > 0, ndimage.binary_fill_holes(mask & (image > 0)))


@pytest.mark.parametrize("background", [True, False])
def test_a_whole_head_declared_stripped_is_excluded(tmp_path, background):
    image, _, affine, _ = scanned(5)
    image = image if background else np.where(image > 60, image, 0)
    _, sidecar = run(tmp_path, image, affine, skull_stripped=True)
    assert sidecar["status"] == "excluded" and "declared skull-stripped" in sidecar["reason"]


def test_a_whole_head_without_background_is_no_stripped_one():
    image, _, affine, _ = scanned(5)
    assert stripped_brain(np.where(image > 60, image, 0), affine) is None


def test_hd_bet_says_what_to_install():
    with pytest.raises(InvalidInput, match="install the package `HD-BET`"):
        plugins.load(ENGINES, "hd-bet").extract(np.zeros((9, 9, 9), np.float32), np.eye(4), np.eye(4))


def test_an_excluded_exam_passes_on_its_reason(tmp_path):
    io.write_json({"status": "excluded", "reason": "no T2 series"}, tmp_path / "t2.json")
    outputs = tmp_path / "m.nii.gz", tmp_path / "m.json"
    extract_brain(tmp_path / "absent.nii.gz", tmp_path / "t2.json", "template", False, 1, 2, *outputs)
    assert io.read_json(tmp_path / "m.json")["reason"] == "no T2 series"


def test_a_numerical_failure_excludes_the_exam(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "gliodelta.imaging.brain_extraction.deepbet.extract", lambda *_: np.linalg.inv(np.zeros((2, 2)))
    )
    image, _, affine, _ = scanned(5)
    _, sidecar = run(tmp_path, image, affine, engine="deepbet", skull_stripped=False)
    assert sidecar == {"status": "excluded", "reason": "the brain extraction fails numerically on the image"}
