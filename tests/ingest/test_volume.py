"""Slanted axes, holes and digests, against images whose intensity is known at each place of the world."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.affines import apply_affine, from_matvec
from scipy.spatial.transform import Rotation

from gliodelta.ingest.volume import closest_to_ras, intensities, perpendicular, without_holes
from gliodelta.status import Excluded

SHAPE = (24, 26, 22)
TILTED = Rotation.from_euler("xyz", [12, -7, 5], degrees=True).as_matrix()


def slanted(angle, rotation=TILTED, spacing=(2, 2, 5)):
    """An affine whose slices move along their rows' direction by the tangent of `angle`, as under a tilted gantry."""
    matrix = rotation * spacing
    matrix[:, 2] += rotation[:, 1] * spacing[2] * np.tan(np.radians(angle))
    return from_matvec(matrix, [-20, -30, -40])


def places(shape, affine):
    return apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1))


@given(angle=st.floats(-35, 35).filter(lambda angle: abs(angle) > 0.1), flip=st.sampled_from([1, -1]))
@settings(max_examples=25, deadline=None)
def test_a_tilted_gantry_moves_no_intensity_in_the_world(angle, flip):
    # Linear interpolation gives an intensity that is linear in the world back exactly.
    weights = np.array([0.3, -0.2, 0.5])
    affine = slanted(angle) @ np.diag([flip, 1, 1, 1])
    array = (places(SHAPE, affine) @ weights + 100).astype(np.float32)
    moved, grid, sentence = perpendicular(array, affine)
    axes = grid[:3, :3] / np.linalg.norm(grid[:3, :3], axis=0)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-9)
    # The slices' normal distance and the rows' directions are kept.
    np.testing.assert_allclose(np.linalg.norm(grid[:3, :3], axis=0), [2, 2, 5], atol=1e-9)
    np.testing.assert_allclose(grid[:3, :2], affine[:3, :2], atol=1e-9)
    # Beside the image nothing is known.
    back = apply_affine(np.linalg.inv(affine), places(moved.shape, grid))
    inside = np.all((back >= 0) & (back <= np.array(SHAPE) - 1), axis=-1)
    np.testing.assert_allclose(moved[inside], places(moved.shape, grid)[inside] @ weights + 100, atol=1e-3)
    assert inside.sum() > 0.8 * np.prod(SHAPE)
    beyond = ~np.all((back > -1) & (back < np.array(SHAPE)), axis=-1)
    assert np.abs(moved[beyond]).max(initial=0) < 1e-6
    assert float(sentence.split()[1]) == pytest.approx(abs(angle), abs=0.051)


def test_nothing_of_a_slanted_image_is_cut_off():
    array = np.zeros(SHAPE, np.float32)
    array[0, 0, 0] = array[-1, -1, -1] = array[0, -1, -1] = 1
    moved, grid, _ = perpendicular(array, slanted(20))
    assert moved.sum() == pytest.approx(3, abs=1e-4)
    weights = moved[..., None] / moved.sum()
    expected = apply_affine(slanted(20), np.argwhere(array)).mean(0)
    np.testing.assert_allclose((places(moved.shape, grid) * weights).sum((0, 1, 2)), expected, atol=1e-3)


def test_perpendicular_axes_are_left_alone():
    array = np.random.default_rng(0).integers(0, 99, SHAPE)
    # A hundredth of a degree, as positions rounded to micrometres have.
    affine = slanted(0.01)
    assert perpendicular(array, affine)[0] is array
    assert perpendicular(array, affine)[2] is None


def test_a_tilted_series_is_converted_upright(tmp_path, dicom_series, convert, voxels):
    import pydicom

    dicom_series(tmp_path / "raw")
    for index, file in enumerate(sorted((tmp_path / "raw").iterdir())):
        dataset = pydicom.dcmread(file)
        # Two slices more are one row further: the rows are at their places again.
        dataset.ImagePositionPatient = [-50, -60 + 2.5 * index, 5.5 * index - 55]
        dataset.save_as(file)
    sidecar, image = convert(tmp_path / "raw")
    assert "24.4 degrees from perpendicular" in sidecar["notes"]
    np.testing.assert_allclose(image.get_sform(), image.get_qform(), atol=1e-4)
    for row, index in [(3, 0), (10, 10), (0, 20)]:
        world = [50 - 5 * 7, 60 - 5 * row - 2.5 * index, 5.5 * index - 55]
        voxel = np.rint(apply_affine(np.linalg.inv(image.affine), world)).astype(int)
        np.testing.assert_allclose(apply_affine(image.affine, voxel), world, atol=1e-3)
        assert image.get_fdata()[tuple(voxel)] == pytest.approx(voxels[7, row, index], abs=1e-2)


def test_holes_are_measured_in_millilitres():
    array = np.ones((10, 10, 10), np.float32)
    array[0, 0, :5] = np.nan
    array[5, 5, 5] = 2
    mended, count = without_holes(array, (5, 5, 4))
    assert (count, mended[0, 0, :5].max(), mended[5, 5, 5]) == (5, 0, 2)
    with pytest.raises(Excluded, match=r"0.625 ml of the image are not finite"):
        without_holes(array, (5, 5, 5))


def test_the_digest_knows_equal_voxels_whatever_their_type_order_and_place():
    array = np.random.default_rng(0).integers(0, 999, (5, 6, 7))
    same = [array.astype(np.int16), array.astype(np.float32), np.asfortranarray(array), array[::-1][::-1]]
    digests = {intensities(one)["voxels_digest"] for one in same}
    assert len(digests) == 1
    other = array.copy()
    other[0, 0, 0] += 1
    flipped = array[::-1]
    reshaped = array.reshape(6, 5, 7)
    assert len(digests | {intensities(one)["voxels_digest"] for one in (other, flipped, reshaped)}) == 4


def test_one_exam_has_one_digest_whether_it_comes_as_dicom_or_nifti(tmp_path, dicom_series, nifti, convert):
    voxels, affine = dicom_series(tmp_path / "raw")
    as_dicom = convert(tmp_path / "raw")[0]["voxels_digest"]
    flipped, moved = closest_to_ras(voxels, affine)
    assert (
        convert(nifti(tmp_path / "a_T2.nii.gz", flipped.astype(np.float32), moved), "nifti")[0]["voxels_digest"]
        == as_dicom
    )
    assert nib.aff2axcodes(affine) != nib.aff2axcodes(moved)


def test_saturation_is_the_share_at_the_maximum():
    array = np.minimum(np.arange(1000).reshape(10, 10, 10), 899).astype(np.int16)
    assert intensities(array)["saturated"] == 0.101
    assert intensities(array - 500)["negative"] == 0.5


def test_axes_that_almost_coincide_are_refused_before_they_take_memory():
    affine = np.eye(4)
    affine[:3, :3] = np.transpose([(1, 0, 0), (1, 0.001, 0), (0, 1, 1)])
    with pytest.raises(Excluded, match="voxels"):
        perpendicular(np.zeros((200, 200, 200), np.int16), affine)
