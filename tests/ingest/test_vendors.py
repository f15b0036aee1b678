"""Real slices of GE, Hitachi, Philips and Siemens, plain, compressed and multi-frame (icometrix/dicom2nifti).

Places come from DICOM's equation (PS3.3, C.7.6.2.1.1), voxels from SimpleITK's decoders (GDCM), which the package does
not use for DICOM.
"""

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from nibabel.affines import apply_affine

from gliodelta.ingest import choice
from gliodelta.ingest.appearance import Appearance
from gliodelta.ingest.headers import read_headers
from gliodelta.ingest.stack import stack
from gliodelta.status import Excluded

REASONS = {
    "failing/slicecount/001": "FLAIR",
    "ge/anatomical/001": "T1 or other gradient echo",
    "ge/anatomical/001_single_slice": "T1 or other gradient echo",
    "generic/anatomical/002_non_isotropic": "derived images",
    "generic/compressed_j2k/001": "FLAIR",
    "generic/compressed_jpegls/001": "FLAIR",
    "generic/compressed_rle/001": "FLAIR",
    "hitachi/anatomical/001": "proton density",
    "philips/anatomical/001": "FLAIR",
    "philips_enhanced/anatomical/001": "T1 or other gradient echo",
    "siemens/anatomical/001": "FLAIR",
}
SINGLE, ENHANCED = "ge/anatomical/001_single_slice", "philips_enhanced/anatomical/001"
STACKS = sorted(set(REASONS) - {SINGLE, ENHANCED})
T2 = {"EchoTime": 100, "RepetitionTime": 4000, "InversionTime": None, "ScanningSequence": "SE", "SequenceVariant": "SK"}
T2 |= {"ImageType": ["ORIGINAL", "PRIMARY", "M"], "SeriesDescription": "", "ProtocolName": ""}


def files_of(shared, folder):
    return sorted((shared / "dicom" / folder).glob("*.dcm"))


def check(array, affine, position, orientation, spacing, pixels):
    """Asserts that all `pixels` [rows, columns] of a slice are in the volume, at their places in the world."""
    rows, columns = np.indices(pixels.shape).reshape(2, -1)
    along, down = np.reshape(orientation, (2, 3)).astype(float)
    step = np.array(spacing, float)
    world = np.array(position, float) + np.outer(columns * step[1], along) + np.outer(rows * step[0], down)
    voxel = apply_affine(np.linalg.inv(affine), world * [-1, -1, 1])
    np.testing.assert_allclose(voxel, np.rint(voxel), atol=0.05)
    found = array[tuple(np.rint(voxel).astype(int).T)]
    np.testing.assert_allclose(found, pixels.ravel(), rtol=1e-4)


@pytest.mark.parametrize("folder", REASONS)
def test_no_folder_holds_a_t2_and_each_reason_says_what_it_holds(shared, excluded, folder):
    excluded(f"no T2 series among 1: 1 {REASONS[folder]}$", shared / "dicom" / folder)


@pytest.mark.parametrize("folder", STACKS)
def test_each_voxel_of_each_vendor_lands_at_its_place(shared, folder):
    files = files_of(shared, folder)
    array, affine = stack(read_headers(files))
    assert array.shape[2] == len(files)
    for file in files:
        dataset = pydicom.dcmread(file)
        pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(file)))[0]
        place = dataset.ImagePositionPatient, dataset.ImageOrientationPatient, dataset.PixelSpacing
        check(array, affine, *place, pixels)


def test_each_frame_of_an_enhanced_image_lands_at_its_place(shared):
    (file,) = files_of(shared, ENHANCED)
    array, affine = stack(read_headers([file]))
    dataset = pydicom.dcmread(file)
    frames = sitk.GetArrayFromImage(sitk.ReadImage(str(file))).astype(float)
    assert array.shape[2] == len(frames) == 8
    for frame, own in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        orientation = own.PlaneOrientationSequence[0].ImageOrientationPatient
        # GDCM reads no rescaling of single frames.
        scale = own.PixelValueTransformationSequence[0]
        pixels = dataset.pixel_array[frame] * float(scale.RescaleSlope) + float(scale.RescaleIntercept)
        spacing = own.PixelMeasuresSequence[0].PixelSpacing
        check(array, affine, own.PlanePositionSequence[0].ImagePositionPatient, orientation, spacing, pixels)


def test_a_single_slice_is_no_volume(shared):
    with pytest.raises(Excluded, match="single slice"):
        stack(read_headers(files_of(shared, SINGLE)))


@pytest.mark.parametrize("folder", sorted({*STACKS} - {"failing/slicecount/001"}))
def test_a_head_made_of_a_vendors_slices_is_converted(shared, tmp_path, convert, monkeypatch, folder):
    # The same real slices again and again, until they cover a head, with the timing of a T2. What they show is a FLAIR.
    monkeypatch.setattr(choice, "look", lambda *_: Appearance(None, None, ""))
    templates = [pydicom.dcmread(file) for file in files_of(shared, folder)]
    (tmp_path / "raw").mkdir()
    along, down = np.reshape(templates[0].ImageOrientationPatient, (2, 3)).astype(float)
    first, places = np.array(templates[0].ImagePositionPatient, float), {}
    for dataset in templates:
        # The Hitachi folder's field of view of 150 mm is a joint's.
        dataset.PixelSpacing = [3.5, 3.5] if dataset.Rows == 64 else dataset.PixelSpacing
    for number in range(20):
        dataset = templates[number % len(templates)]
        dataset.update({keyword: value for keyword, value in T2.items()})
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number + 1}"
        places[number] = first + number * 6.5 * np.cross(along, down)
        dataset.ImagePositionPatient = [f"{value:.10g}" for value in places[number]]
        dataset.save_as(tmp_path / "raw" / f"{number}")
    sidecar, image = convert(tmp_path / "raw")
    assert sidecar["status"] == "included", sidecar["reason"]
    assert sidecar["slices"] == 20
    for number, place in places.items():
        pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "raw" / f"{number}")))[0]
        orientation, spacing = templates[0].ImageOrientationPatient, templates[0].PixelSpacing
        check(np.asarray(image.dataobj), image.affine, place, orientation, spacing, pixels)


@pytest.mark.parametrize("syntax", ["j2k", "jpegls", "rle"])
@pytest.mark.parametrize("share", [0.2, 0.9])
@pytest.mark.filterwarnings("ignore:End of file")
def test_a_compressed_slice_that_was_cut_short_is_found(shared, tmp_path, syntax, share):
    files = files_of(shared, f"generic/compressed_{syntax}/001")
    data = files[1].read_bytes()
    (tmp_path / "cut").write_bytes(data[: int(share * len(data))])
    with pytest.raises(Excluded, match="1 of 4 files"):
        stack(read_headers([files[0], tmp_path / "cut", *files[2:]]))


@pytest.mark.parametrize("folder", ["siemens/anatomical/001", "philips/anatomical/001"])
def test_a_vendors_header_is_judged_by_its_timing(shared, tmp_path, edit, excluded, folder):
    # Now only the number of slices is wrong.
    edit(shared / "dicom" / folder, tmp_path / "raw", **T2)
    excluded("T2 of less than 80 mm of the head", tmp_path / "raw")


@pytest.mark.parametrize("study", [1, 2])
def test_a_real_patient_is_converted_from_nifti(shared, convert, study):
    file = shared / "longitudinal_t2" / "patient01" / f"study{study}_T2W.nii.gz"
    sidecar, image = convert(file, "nifti")
    expected = nib.as_closest_canonical(nib.load(file))
    assert sidecar["status"] == "included"
    np.testing.assert_array_equal(np.asarray(image.dataobj), np.asarray(expected.dataobj))
    np.testing.assert_allclose(image.affine, expected.affine, atol=1e-4)
