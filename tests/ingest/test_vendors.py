"""Real slices of GE, Hitachi, Philips and Siemens, plain, compressed and multi-frame (icometrix/dicom2nifti)."""

import nibabel as nib
import numpy as np
import pydicom
import pytest

from gliodelta.ingest.layouts.dicom import convert_series

REASONS = {
    "failing/slicecount/001": "1 FLAIR",
    "ge/anatomical/001": "1 T1 or other gradient echo",
    "ge/anatomical/001_single_slice": "1 T1 or other gradient echo",
    "generic/anatomical/002_non_isotropic": "1 derived images",
    "generic/compressed_j2k/001": "1 FLAIR",
    "generic/compressed_jpegls/001": "1 FLAIR",
    "generic/compressed_rle/001": "1 FLAIR",
    "hitachi/anatomical/001": "1 proton density",
    "philips/anatomical/001": "1 FLAIR",
    "philips_enhanced/anatomical/001": "1 T1 or other gradient echo",
    "siemens/anatomical/001": "1 FLAIR",
}
# Folders of single-frame files with one rescale slope, which the test can read by itself.
PLAIN = sorted(set(REASONS) - {"philips_enhanced/anatomical/001", "generic/anatomical/002_non_isotropic"})


@pytest.mark.parametrize("folder", REASONS)
def test_no_folder_holds_a_t2_and_each_reason_says_what_it_holds(shared, convert, folder):
    sidecar, _ = convert(shared / "dicom" / folder)
    assert sidecar == {"status": "excluded", "reason": f"no T2 series among 1: {REASONS[folder]}"}


@pytest.mark.parametrize("folder", PLAIN)
def test_each_voxel_of_each_vendor_lands_at_its_place(shared, folder):
    files = sorted((shared / "dicom" / folder).glob("*.dcm"))
    array, affine = convert_series(files)
    assert array.size == sum(pydicom.dcmread(file).pixel_array.size for file in files)
    values = nib.apply_orientation(array, nib.io_orientation(affine))
    places = affine @ nib.orientations.inv_ornt_aff(nib.io_orientation(affine), array.shape)
    for file in files:
        dataset = pydicom.dcmread(file)
        pixels = dataset.pixel_array * float(dataset.get("RescaleSlope", 1)) + float(dataset.get("RescaleIntercept", 0))
        rows, columns = np.array(np.unravel_index(np.linspace(0, pixels.size - 1, 50).astype(int), pixels.shape))
        along, down = np.reshape(dataset.ImageOrientationPatient, (2, 3)).astype(float)
        step = np.array(dataset.PixelSpacing, float)
        world = np.array(dataset.ImagePositionPatient, float) + np.outer(columns * step[1], along)
        world = (world + np.outer(rows * step[0], down)) * [-1, -1, 1]
        voxel = nib.affines.apply_affine(np.linalg.inv(places), world)
        np.testing.assert_allclose(voxel, np.rint(voxel), atol=0.05)
        np.testing.assert_allclose(values[tuple(np.rint(voxel).astype(int).T)], pixels[rows, columns], rtol=1e-4)


@pytest.mark.parametrize(
    "folder", ["siemens/anatomical/001", "generic/compressed_jpegls/001", "philips/anatomical/001"]
)
def test_a_vendors_header_is_judged_by_its_timing(shared, tmp_path, edit, convert, folder):
    # The same slices with the timing of a T2: now only their number is wrong.
    t2 = {"EchoTime": 100, "RepetitionTime": 4000, "InversionTime": None, "ScanningSequence": "SE"}
    edit(shared / "dicom" / folder, tmp_path / "raw", **t2)
    sidecar, _ = convert(tmp_path / "raw")
    assert sidecar["reason"] == "no T2 series among 1: 1 T2 of less than 80 mm of the head"


@pytest.mark.parametrize("study", [1, 2])
def test_a_real_patient_is_converted_from_nifti(shared, convert, study):
    file = shared / "longitudinal_t2" / "patient01" / f"study{study}_T2W.nii.gz"
    sidecar, image = convert(file, "nifti")
    expected = nib.as_closest_canonical(nib.load(file))
    assert sidecar["status"] == "included"
    np.testing.assert_array_equal(np.asarray(image.dataobj), np.asarray(expected.dataobj))
    np.testing.assert_allclose(image.affine, expected.affine, atol=1e-4)
