"""Whatever form an exam comes in, its voxels stay at their place; whatever is wrong with it becomes a reason."""

import errno
import re
import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from gliodelta import io
from gliodelta.ingest.convert import FACTS, convert_exam
from gliodelta.sheets import read_cohort

TILTED = Rotation.from_euler("xyz", [12, -7, 5], degrees=True).as_matrix()
# Bytes of the NIfTI-1 header.
SCALE_SLOPE, QFORM_AND_SFORM_CODE = 112, 252
SAGITTAL = np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]])


def excluded(result, reason):
    sidecar, image = result
    assert sidecar["status"] == "excluded"
    assert re.search(reason, sidecar["reason"]), sidecar["reason"]
    return image.shape == (1, 1, 1)


@pytest.mark.parametrize("rotation", [np.eye(3), TILTED, SAGITTAL], ids=["axial", "tilted", "sagittal"])
def test_dicom_keeps_voxels_and_places(tmp_path, dicom_series, convert, same_image, rotation):
    expected = dicom_series(tmp_path / "raw" / "T2", rotation=rotation)
    sidecar, image = convert(tmp_path / "raw")
    same_image(image, *expected)
    assert sidecar["status"] == "included"
    assert set(sidecar) == {*FACTS, "status", "reason", "shape", "spacing_mm"}
    assert (sidecar["echo_time_ms"], sidecar["field_strength_t"], sidecar["manufacturer"]) == (100, 3, "Siemens")
    assert sorted(sidecar["spacing_mm"]) == [5, 5, 5.5]


def test_the_t2_is_found_among_other_series_in_one_folder(tmp_path, dicom_series, convert, same_image):
    raw = tmp_path / "raw"
    dicom_series(raw, number=1, EchoTime=10, RepetitionTime=500, SeriesDescription="T2 AX")
    expected = dicom_series(raw, number=7, rotation=TILTED, SeriesDescription="obl")
    dicom_series(raw, number=8, InversionTime=2500)
    (raw / "DICOMDIR").write_bytes(b"no image")
    sidecar, image = convert(raw)
    same_image(image, *expected)
    assert (sidecar["series"], sidecar["candidates"], sidecar["found"]) == (7, 1, 3)


def test_the_same_exam_gives_the_same_bytes(tmp_path, dicom_series, convert):
    dicom_series(tmp_path / "raw")
    first = convert(tmp_path / "raw")[1].to_bytes()
    assert convert(tmp_path / "raw")[1].to_bytes() == first


def test_dicom_that_is_missing_empty_unreadable_or_no_t2_is_excluded(tmp_path, dicom_series, convert):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.dcm").write_text("no DICOM")
    dicom_series(tmp_path / "t1", EchoTime=10, RepetitionTime=500)
    dicom_series(tmp_path / "cut")
    for file in (tmp_path / "cut").iterdir():
        file.write_bytes(file.read_bytes()[:200])
    assert excluded(convert(tmp_path / "nowhere"), "missing")
    assert excluded(convert(tmp_path / "empty"), "folder is empty")
    assert excluded(convert(tmp_path / "text"), "no DICOM image could be read in 1 files")
    assert excluded(convert(tmp_path / "cut"), "no DICOM image could be read in 22 files")
    assert excluded(convert(tmp_path / "t1"), "no T2 series among 1: 1 T1")


def test_two_equal_t2_series_are_excluded_as_ambiguous(tmp_path, dicom_series, convert):
    dicom_series(tmp_path / "raw", number=1)
    dicom_series(tmp_path / "raw", number=2)
    assert excluded(convert(tmp_path / "raw"), "ambiguous: 2 equally good T2 series")


def test_lost_and_damaged_slices_are_excluded(tmp_path, dicom_series, convert):
    dicom_series(tmp_path / "lost", skip=[7])
    dicom_series(tmp_path / "damaged")
    file = sorted((tmp_path / "damaged").iterdir())[5]
    file.write_bytes(file.read_bytes()[:-300])
    assert excluded(convert(tmp_path / "lost"), "1 T2 with missing slices")
    assert excluded(
        convert(tmp_path / "damaged"),
        "could not convert the T2 series of 22 files|could be converted of 10560 in 22 slices",
    )


def test_an_exam_without_a_source_is_excluded(tmp_path, cohort, convert):
    cohort_file = cohort(tmp_path / "cohorts", "dicom", {("a1", "0"): "x"})
    links = tmp_path / "links.tsv"
    io.write_text("subject\tsession\tsource\nb2\t0\t/x\n", links)
    document = io.read_yaml(cohort_file)
    io.write_yaml({**document, "links": str(links)}, cohort_file)
    convert_exam(cohort_file, "a1", "0", "", tmp_path / "i.nii.gz", tmp_path / "i.json")
    assert "no row in the link table" in io.read_json(tmp_path / "i.json")["reason"]


def nifti(path, array, affine=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array, np.diag([5, 5, 5.5, 1]) if affine is None else affine), path)
    return path


def patched(path, offset, value):
    data = bytearray(path.read_bytes())
    data[offset : offset + value.nbytes] = value.tobytes()
    path.write_bytes(bytes(data))
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_nifti_keeps_voxels_and_places(tmp_path, voxels, convert, same_image, suffix):
    affine = nib.affines.from_matvec(TILTED @ np.diag([-5, -5, 5.5]), [40, 50, -60])
    sidecar, image = convert(nifti(tmp_path / "raw" / f"x_T2w{suffix}", voxels, affine), "nifti")
    same_image(image, voxels, affine)
    assert sidecar["status"] == "included"


def test_a_fourth_dimension_of_one_is_dropped_and_scaling_applied(tmp_path, voxels, convert):
    file = nifti(tmp_path / "t2.nii", voxels[..., None].astype(np.int16))
    image = convert(patched(file, SCALE_SLOPE, np.float32(0.5)), "nifti")[1]
    assert image.shape == voxels.shape
    np.testing.assert_allclose(np.asarray(image.dataobj), voxels * 0.5)


def test_a_nifti_is_found_in_its_folder_unless_there_are_two(tmp_path, voxels, convert):
    raw = tmp_path / "raw"
    for name in ("T2w.nii.gz", "t2_flair.nii", "T2star.nii", "t2_tumour_mask.nii", "t1.nii"):
        nifti(raw / name, voxels)
    assert convert(raw, "nifti")[0]["status"] == "included"
    nifti(raw / "b_T2.nii", voxels)
    assert excluded(convert(raw, "nifti"), "2 T2 images: ambiguous")


def test_faulty_nifti_is_excluded(tmp_path, voxels, convert):
    odd = voxels.astype(np.float32)
    odd[3, 3, 3] = np.nan
    cases = {
        "4 dimensions": nifti(tmp_path / "a.nii", np.stack([voxels, voxels], -1)),
        "not finite": nifti(tmp_path / "b.nii", odd),
        "all voxels of the image are equal": nifti(tmp_path / "c.nii", np.ones_like(voxels)),
        "which no clinical T2 does": nifti(tmp_path / "d.nii", voxels, np.diag([25, 5, 5, 1])),
        "less than a head": nifti(tmp_path / "e.nii", voxels[:, :, :4]),
        "right and left": patched(nifti(tmp_path / "f.nii", voxels), QFORM_AND_SFORM_CODE, np.int32(0)),
    }
    whole = nifti(tmp_path / "g.nii.gz", voxels).read_bytes()
    cases["cannot be read"] = tmp_path / "h.nii.gz"
    cases["cannot be read"].write_bytes(whole[: len(whole) // 2])
    (tmp_path / "none").mkdir()
    cases["holds no T2 image"] = tmp_path / "none"
    for reason, source in cases.items():
        assert excluded(convert(source, "nifti"), reason)


@pytest.fixture
def metaimage(voxels):
    """A function that writes an exam in the layout of BRATS-2015 and returns its folder."""

    def write(folder, spacing=(5, 5, 5.5)):
        image = sitk.GetImageFromArray(voxels.T.astype(np.int16))
        image.SetSpacing(spacing)
        image.SetOrigin((0, -239, 10))
        file = folder / "VSD.Brain.XX.O.MR_T2.35535" / "VSD.Brain.XX.O.MR_T2.35535.mha"
        file.parent.mkdir(parents=True)
        sitk.WriteImage(image, str(file), useCompression=True)
        return file

    return write


def test_metaimage_keeps_voxels_and_places(tmp_path, voxels, convert, same_image, metaimage):
    metaimage(tmp_path / "raw")
    sidecar, image = convert(tmp_path / "raw", "brats2015")
    affine = nib.affines.from_matvec(np.diag([-5, -5, 5.5]), [0, 239, 10])
    same_image(image, voxels.astype(np.int16), affine)
    assert sidecar["status"] == "included"


def test_faulty_metaimage_is_excluded(tmp_path, convert, metaimage):
    file = metaimage(tmp_path / "raw")
    file.write_bytes(file.read_bytes()[:-200])
    assert excluded(convert(tmp_path / "raw", "brats2015"), "damaged")
    file.unlink()
    assert excluded(convert(tmp_path / "raw", "brats2015"), "holds 0 images called MR_T2, not 1")


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "holder", "name", "layout"),
    [
        (MemoryError(), io, "read_image", "nifti"),
        (OSError(errno.EIO, "disk"), io, "read_image", "nifti"),
        (MemoryError(), pydicom, "dcmread", "dicom"),
        (OSError(errno.EIO, "disk"), pydicom, "dcmread", "dicom"),
        (MemoryError(), pydicom.Dataset, "get", "dicom"),
        (RuntimeError("Failed to allocate memory for image."), sitk, "ReadImage", "brats2015"),
    ],
)
def test_a_fault_of_the_machine_excludes_no_exam(
    tmp_path, voxels, dicom_series, metaimage, cohort, monkeypatch, error, holder, name, layout
):
    sources = {
        "nifti": lambda: nifti(tmp_path / "t2.nii", voxels),
        "dicom": lambda: dicom_series(tmp_path / "raw") and tmp_path / "raw",
        "brats2015": lambda: metaimage(tmp_path / "raw").parent.parent,
    }
    exam = str(cohort(tmp_path, layout, {("a1", "0"): sources[layout]()})), "a1", "0", "", tmp_path / "i.nii.gz"
    read_cohort(exam[0])
    with monkeypatch.context() as patch, pytest.raises(type(error)):
        patch.setattr(holder, name, failing(error))
        convert_exam(*exam, tmp_path / "i.json")
    assert not (tmp_path / "i.json").exists()


def test_a_share_that_fails_is_no_missing_exam(tmp_path, cohort, monkeypatch):
    cohort_file, stat = cohort(tmp_path, "nifti", {("a1", "0"): tmp_path / "absent"}), Path.stat
    fail = failing(OSError(errno.ESTALE, "share"))
    monkeypatch.setattr(
        Path, "stat", lambda path, **options: (fail if path.name == "absent" else stat)(path, **options)
    )
    with pytest.raises(OSError, match="share"):
        convert_exam(cohort_file, "a1", "0", "", tmp_path / "i.nii.gz", tmp_path / "i.json")
    assert not (tmp_path / "i.json").exists()


def test_a_killed_dcm2niix_excludes_no_exam(tmp_path, dicom_series, convert, monkeypatch):
    dicom_series(tmp_path / "raw")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, -9))
    with pytest.raises(RuntimeError, match="ended by signal 9"):
        convert(tmp_path / "raw")
