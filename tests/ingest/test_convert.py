"""Whatever form an exam comes in, its voxels stay at their place; whatever is wrong with it becomes a reason."""

import errno
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
MEASURED = ("shape", "spacing_mm", "saturated", "negative", "not_finite", "notes", "voxels_digest")
SAGITTAL = np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]])


@pytest.mark.parametrize("rotation", [np.eye(3), TILTED, SAGITTAL], ids=["axial", "tilted", "sagittal"])
def test_dicom_keeps_voxels_and_places(tmp_path, dicom_series, convert, same_image, rotation):
    expected = dicom_series(tmp_path / "raw" / "T2", rotation=rotation)
    sidecar, image = convert(tmp_path / "raw")
    same_image(image, *expected)
    assert sidecar["status"] == "included"
    assert set(sidecar) == {*FACTS, *MEASURED, "status", "reason"}
    assert (sidecar["not_finite"], sidecar["negative"], sidecar["notes"]) == (0, 0, "")
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


def test_an_exam_without_a_source_is_excluded(tmp_path, cohort, excluded):
    excluded("missing", tmp_path / "nowhere")
    cohort_file = cohort(tmp_path / "cohorts", "dicom", {("a1", "0"): "x"})
    links = tmp_path / "links.tsv"
    io.write_text("subject\tsession\tsource\nb2\t0\t/x\n", links)
    document = io.read_yaml(cohort_file)
    io.write_yaml({**document, "links": str(links)}, cohort_file)
    convert_exam(cohort_file, "a1", "0", "", tmp_path / "i.nii.gz", tmp_path / "i.json")
    assert "no row in the link table" in io.read_json(tmp_path / "i.json")["reason"]


def test_metaimage_keeps_voxels_and_places(tmp_path, voxels, convert, same_image, metaimage):
    metaimage(tmp_path / "raw")
    sidecar, image = convert(tmp_path / "raw", "brats2015")
    affine = nib.affines.from_matvec(np.diag([-5, -5, 5.5]), [0, 239, 10])
    same_image(image, voxels.astype(np.int16), affine)
    assert sidecar["status"] == "included"


def test_faulty_metaimage_is_excluded(tmp_path, excluded, metaimage, voxels):
    file = metaimage(tmp_path / "raw")
    file.write_bytes(file.read_bytes()[:-200])
    excluded("damaged", tmp_path / "raw", "brats2015")
    file.unlink()
    excluded("holds 0 images called MR_T2, not 1", tmp_path / "raw", "brats2015")
    metaimage(tmp_path / "colour", np.stack([voxels.T.astype(np.uint8)] * 3, -1), vector=True)
    excluded("not one volume of 3 dimensions with a number", tmp_path / "colour", "brats2015")


def test_a_metaimage_that_promises_too_much_is_refused_unread(tmp_path, excluded, metaimage):
    file = metaimage(tmp_path / "raw", compressed=False)
    file.write_bytes(file.read_bytes().replace(b"DimSize = 20 24 22", b"DimSize = 20000 24000 22000"))
    excluded("promises 10560000000000 voxels", tmp_path / "raw", "brats2015")


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "holder", "name", "layout"),
    [
        (MemoryError(), nib.Nifti1Image, "from_bytes", "nifti"),
        (OSError(errno.EIO, "disk"), nib.Nifti1Image, "from_bytes", "nifti"),
        (MemoryError(), pydicom, "dcmread", "dicom"),
        (OSError(errno.EIO, "disk"), pydicom, "dcmread", "dicom"),
        (MemoryError(), pydicom.Dataset, "get", "dicom"),
        (RuntimeError("Failed to allocate memory for image."), sitk.ImageFileReader, "Execute", "brats2015"),
    ],
)
def test_a_fault_of_the_machine_excludes_no_exam(
    tmp_path, voxels, dicom_series, nifti, metaimage, cohort, monkeypatch, error, holder, name, layout
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
