"""Slices become a volume where their headers say that they lie, however they lie and however they are stored."""

import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from nibabel.affines import apply_affine
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)
from scipy.spatial.transform import Rotation

from gliodelta.ingest.headers import read_headers
from gliodelta.ingest.stack import stack
from gliodelta.status import Excluded

TILTED = Rotation.from_euler("xyz", [12, -7, 5], degrees=True).as_matrix()


def stacked(folder):
    return stack(read_headers(sorted(folder.iterdir())))


@pytest.fixture
def rewrite():
    """A function that changes the files of a folder: `change(number, dataset)`, which may return other bytes."""

    def run(folder, change):
        for number, file in enumerate(sorted(folder.iterdir())):
            dataset = pydicom.dcmread(file)
            change(number, dataset)
            dataset.save_as(file)
        return folder

    return run


@given(
    angles=st.lists(st.floats(-180, 180), min_size=3, max_size=3),
    order=st.permutations(range(22)),
    spacing=st.tuples(st.floats(0.4, 6), st.floats(0.4, 6)),
    step=st.floats(0.8, 7),
    slant=st.tuples(st.floats(-2, 2), st.floats(-2, 2)),
)
# Each example writes 22 files: looking for a simpler one that fails would take minutes.
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_each_voxel_lies_where_its_header_says(
    tmp_path_factory, dicom_series, voxels, angles, order, spacing, step, slant
):
    folder = tmp_path_factory.mktemp("series")
    rotation = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    dicom_series(folder, rotation=rotation)
    for number, file in zip(order, sorted(folder.iterdir()), strict=True):
        dataset = pydicom.dcmread(file)
        index = dataset.InstanceNumber - 1
        # Rows first, as in DICOM, and slices that are shifted within their plane.
        dataset.PixelSpacing = list(spacing)
        place = rotation @ [-50 + slant[0] * index, -60 + slant[1] * index, step * index - 55]
        # DICOM's decimals have 16 letters.
        dataset.ImagePositionPatient = [f"{value:.9g}" for value in place]
        dataset.InstanceNumber = number
        file.unlink()
        dataset.save_as(folder / f"{number:02d}")
    array, affine = stacked(folder)
    dataset = pydicom.dcmread(folder / "07")
    place = np.array(dataset.ImagePositionPatient, float)
    along, down = np.reshape(dataset.ImageOrientationPatient, (2, 3)).astype(float)
    for row, column in [(0, 0), (3, 17), (23, 19)]:
        world = place + column * spacing[1] * along + row * spacing[0] * down
        voxel = apply_affine(np.linalg.inv(affine), world * [-1, -1, 1])
        np.testing.assert_allclose(voxel, np.rint(voxel), atol=1e-3)
        assert array[tuple(np.rint(voxel).astype(int))] == dataset.pixel_array[row, column]
    assert sorted(array.ravel()) == sorted(voxels.ravel())


def test_dcm2niix_agrees_about_a_plain_series(tmp_path, dicom_series):
    tool = Path(sys.executable).with_name("dcm2niix")
    if not tool.exists():
        pytest.skip("needs dcm2niix")
    dicom_series(tmp_path / "raw", rotation=TILTED)
    subprocess.run([tool, "-b", "n", "-f", "x", "-o", tmp_path, tmp_path / "raw"], check=True, capture_output=True)
    theirs = nib.as_closest_canonical(nib.load(tmp_path / "x.nii"))
    array, affine = stacked(tmp_path / "raw")
    ours = nib.as_closest_canonical(nib.Nifti1Image(array, affine))
    np.testing.assert_array_equal(np.asarray(ours.dataobj), np.asarray(theirs.dataobj))
    np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-3)


# JPEG 2000 cannot be written this small; test_vendors.py has real slices of it.
@pytest.mark.parametrize("syntax", [JPEGLSLossless, RLELossless])
def test_lossless_compression_keeps_every_voxel(tmp_path, dicom_series, rewrite, syntax):
    voxels, affine = dicom_series(tmp_path)
    array, moved = stacked(rewrite(tmp_path, lambda _, dataset: dataset.compress(syntax)))
    np.testing.assert_array_equal(array, voxels)
    np.testing.assert_allclose(moved, affine, atol=1e-9)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_every_way_of_writing_elements_is_read(tmp_path, dicom_series, syntax):
    voxels, _ = dicom_series(tmp_path)
    for file in tmp_path.iterdir():
        old = pydicom.dcmread(file)
        # A data set that was read cannot be written in the other order of bytes; a copy can.
        dataset = Dataset()
        dataset.update({element.tag: element for element in old})
        dataset.file_meta = old.file_meta
        dataset.file_meta.TransferSyntaxUID = syntax
        if syntax == ExplicitVRBigEndian:
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
        dataset.save_as(file, enforce_file_format=True)
    np.testing.assert_array_equal(stacked(tmp_path)[0], voxels)


def test_slopes_of_single_slices_are_applied(tmp_path, dicom_series, rewrite):
    voxels, _ = dicom_series(tmp_path)

    def scale(number, dataset):
        dataset.RescaleSlope, dataset.RescaleIntercept = 1 + number / 10, -number

    array = stacked(rewrite(tmp_path, scale))[0]
    assert array.dtype == np.float32
    np.testing.assert_allclose(array, voxels * (1 + np.arange(22) / 10) - np.arange(22), rtol=1e-5)


def test_signed_voxels_keep_their_sign(tmp_path, dicom_series, rewrite):
    voxels, _ = dicom_series(tmp_path)

    def negate(number, dataset):
        dataset.PixelRepresentation = 1
        dataset.PixelData = (-np.frombuffer(dataset.PixelData, np.int16)).tobytes()

    np.testing.assert_array_equal(stacked(rewrite(tmp_path, negate))[0], -voxels.astype(np.int16))


def test_frames_of_one_file_are_placed_and_scaled_each_by_itself(tmp_path, dicom_series):
    voxels, affine = dicom_series(tmp_path / "single")
    order = np.random.default_rng(1).permutation(22)
    slices = [pydicom.dcmread(file) for file in sorted((tmp_path / "single").iterdir())]
    enhanced = slices[0]
    enhanced.file_meta.MediaStorageSOPClassUID = enhanced.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    shared = {
        "PlaneOrientationSequence": {"ImageOrientationPatient": enhanced.ImageOrientationPatient},
        "PixelMeasuresSequence": {"PixelSpacing": enhanced.PixelSpacing},
        "PixelValueTransformationSequence": {"RescaleSlope": 2, "RescaleIntercept": 1},
    }
    enhanced.SharedFunctionalGroupsSequence = [groups(shared)]
    own = [{"PlanePositionSequence": {"ImagePositionPatient": slices[index].ImagePositionPatient}} for index in order]
    # One frame has a slope of its own.
    own[5]["PixelValueTransformationSequence"] = {"RescaleSlope": 3, "RescaleIntercept": 0}
    enhanced.PerFrameFunctionalGroupsSequence = [groups(frame) for frame in own]
    for keyword in ("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing"):
        delattr(enhanced, keyword)
    enhanced.NumberOfFrames = 22
    enhanced.PixelData = np.ascontiguousarray(voxels[:, :, order].T).tobytes()
    (tmp_path / "multi").mkdir()
    enhanced.save_as(tmp_path / "multi" / "1")
    array, moved = stacked(tmp_path / "multi")
    expected = voxels * 2.0 + 1
    expected[:, :, order[5]] = voxels[:, :, order[5]] * 3.0
    np.testing.assert_array_equal(array, expected)
    np.testing.assert_allclose(moved, affine, atol=1e-9)


def groups(macros):
    group = Dataset()
    for name, elements in macros.items():
        macro = Dataset()
        macro.update({keyword: macro_value for keyword, macro_value in elements.items()})
        setattr(group, name, [macro])
    return group


def test_rounded_positions_are_evened_out(tmp_path, dicom_series, rewrite):
    voxels, affine = dicom_series(tmp_path)
    # dcm2niix 1.0.20260724 takes 5.8 mm for the distance of these slices and fails.
    array, moved = stacked(rewrite(tmp_path, lambda number, dataset: shift(dataset, [0, 0, 0.3 * (number % 2)])))
    np.testing.assert_array_equal(array, voxels)
    np.testing.assert_allclose(moved[:3, :3], affine[:3, :3], atol=0.03)
    np.testing.assert_allclose(moved[:3, 3], affine[:3, 3], atol=0.3)


def shift(dataset, by):
    dataset.ImagePositionPatient = list(np.add(dataset.ImagePositionPatient, by))


def drop(keyword, at=None):
    def change(number, dataset):
        if at in (None, number):
            delattr(dataset, keyword)

    return change


def put(keyword, value, at=None):
    def change(number, dataset):
        if at in (None, number):
            setattr(dataset, keyword, value)

    return change


def detector_spacing(_, dataset):
    dataset.ImagerPixelSpacing = dataset.PixelSpacing
    del dataset.PixelSpacing


def huge(_, dataset):
    dataset.Rows = dataset.Columns = 61750


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("without a pixel spacing", detector_spacing),
        ("without a pixel spacing", put("PixelSpacing", [5])),
        ("pixel spacing of 0", put("PixelSpacing", [0, 5])),
        ("differ in pixel spacing", put("PixelSpacing", [4, 5], at=6)),
        ("differ in size", put("Rows", 12, at=6)),
        ("without an orientation", drop("ImageOrientationPatient", at=6)),
        ("differ in orientation", put("ImageOrientationPatient", [0, 1, 0, -1, 0, 0], at=6)),
        ("not made of two perpendicular", put("ImageOrientationPatient", [1, 0, 0, 0, 0.5, 0])),
        ("have no position", drop("ImagePositionPatient", at=6)),
        ("do not lie evenly: one is 2.* mm off", lambda number, dataset: shift(dataset, [0, 0, 2.5 * (number == 6)])),
        ("colour or inverted", put("PhotometricInterpretation", "MONOCHROME1")),
        ("1 of 22 files .* cannot be decoded", put("PixelData", b"\0" * 100, at=6)),
        ("1 of 22 files .* cannot be decoded", drop("PixelData", at=6)),
        ("22 of 22 files .* cannot be decoded", put("BitsAllocated", 12)),
        ("22 of 22 files .* cannot be decoded", put("NumberOfFrames", 2)),
        ("promises 83887375000 voxels", huge),
    ],
)
def test_slices_that_make_no_volume_are_excluded_with_the_element_to_blame(
    tmp_path, dicom_series, rewrite, reason, change
):
    dicom_series(tmp_path)
    rewrite(tmp_path, change)
    with pytest.raises(Excluded, match=reason):
        stacked(tmp_path)


def test_a_single_slice_is_no_volume(tmp_path, dicom_series):
    dicom_series(tmp_path, skip=range(1, 22))
    with pytest.raises(Excluded, match="single slice"):
        stacked(tmp_path)


@pytest.mark.parametrize("syntax", [JPEGLSLossless, RLELossless])
@pytest.mark.filterwarnings("ignore:End of file")
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_compressed_slice_that_was_cut_short_is_found(tmp_path, dicom_series, rewrite, syntax, share):
    dicom_series(tmp_path)
    rewrite(tmp_path, lambda _, dataset: dataset.compress(syntax))
    file = sorted(tmp_path.iterdir())[4]
    start = file.read_bytes().index(b"\xe0\x7f\x10\x00")
    file.write_bytes(file.read_bytes()[: int(start + share * (file.stat().st_size - start))])
    with pytest.raises(Excluded, match="1 of 22 files"):
        stacked(tmp_path)
