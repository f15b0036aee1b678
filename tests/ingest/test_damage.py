"""Folders of DICOM as they come from archives, discs and shares: converted right, or excluded for a named reason."""

import os
import re
import shutil
import socket

import numpy as np
import pydicom
import pytest
from pydicom.fileset import FileSet
from scipy.spatial.transform import Rotation

from gliodelta.ingest.layouts import dicom

TILTED = Rotation.from_euler("xyz", [12, -7, 5], degrees=True).as_matrix()
CORONAL = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])


@pytest.fixture
def series(tmp_path, dicom_series):
    """A folder with one good T2 series, its voxels and affine."""
    folder = tmp_path / "raw"
    return folder, *dicom_series(folder)


def test_empty_foreign_and_cut_files_are_no_exam(tmp_path, series, excluded):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.dcm").write_text("no DICOM")
    (tmp_path / "text" / "b.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 100)
    (tmp_path / "text" / "c.dcm").write_bytes(b"")
    excluded("folder is empty", tmp_path / "empty")
    excluded("no DICOM image could be read in 3 files", tmp_path / "text")
    for file in series[0].iterdir():
        file.write_bytes(file.read_bytes()[:200])
    excluded("no DICOM image could be read in 22 files", series[0])


def test_foreign_files_among_the_slices_do_no_harm(series, convert, same_image):
    folder, *expected = series
    slices = sorted(folder.iterdir())
    (folder / "Bericht für Frau Müller.pdf").write_bytes(b"%PDF-1.4" + bytes(3000))
    (folder / "viewer.exe").write_bytes(b"MZ" + np.random.default_rng(0).bytes(5000))
    (folder / "1-005.cut").write_bytes(slices[5].read_bytes()[:300])
    (folder / "Thumbs.db").write_bytes(b"")
    (folder / "broken link").symlink_to(folder / "nowhere")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "folder loop").symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "pipe")
    here = os.getcwd()
    os.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listener:
        # Paths of sockets may have a hundred letters only.
        listener.bind("socket")
        os.chdir(here)
        sidecar, image = convert(folder)
    same_image(image, *expected)
    assert sidecar["slices"] == 22


def test_names_with_spaces_accents_and_odd_letters(tmp_path, series, convert, same_image):
    folder, *expected = series
    place = tmp_path / "Élodie Müller 佐藤" / "tête, T2 (1)"
    for number, file in enumerate(sorted(folder.iterdir())):
        target = place / f"sous dossier\n{number % 3}" / f"é'\"$ü {number}.dcm"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, target)
    undecodable = os.fsencode(place) + b"/caf\xe9"
    shutil.copy(target, undecodable)
    same_image(convert(place)[1], *expected)


def test_a_disc_with_a_dicomdir_is_converted(tmp_path, series, convert, same_image):
    folder, *expected = series
    disc = FileSet()
    for file in folder.iterdir():
        dataset = pydicom.dcmread(file)
        dataset.StudyTime, dataset.StudyID, dataset.AccessionNumber = "1200", "1", ""
        disc.add(dataset)
    disc.write(tmp_path / "disc")
    assert (tmp_path / "disc" / "DICOMDIR").is_file()
    sidecar, image = convert(tmp_path / "disc")
    same_image(image, *expected)
    assert sidecar["found"] == 1


def test_the_same_slices_twice_count_once(series, convert, same_image):
    folder, *expected = series
    shutil.copytree(folder, folder / "copy")
    same_image(convert(folder)[1], *expected)


def test_two_slices_at_one_place_are_excluded(series, excluded):
    file = sorted(series[0].iterdir())[5]
    dataset = pydicom.dcmread(file)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.save_as(series[0] / "again")
    excluded("several volumes", series[0])


def test_lost_and_damaged_slices_are_excluded(tmp_path, dicom_series, series, excluded):
    dicom_series(tmp_path / "lost", skip=[7])
    excluded("1 T2 with missing slices", tmp_path / "lost")
    file = sorted(series[0].iterdir())[5]
    file.write_bytes(file.read_bytes()[:-300])
    excluded("1 of 22 files of the T2 series cannot be decoded: damaged, cut short", series[0])


def test_a_damaged_series_leaves_the_place_to_the_next(tmp_path, dicom_series, convert, same_image):
    expected = dicom_series(tmp_path / "raw", number=1)
    dicom_series(tmp_path / "raw", number=2)
    for file in (tmp_path / "raw").glob("2-*"):
        file.write_bytes(file.read_bytes()[:-100])
    sidecar, image = convert(tmp_path / "raw")
    same_image(image, *expected)
    assert (sidecar["series"], sidecar["candidates"]) == (1, 2)


def test_directions_mixed_in_one_series_are_never_stacked(tmp_path, dicom_series, convert):
    uid = "1.2.826.0.1.3680043.8.498.5"
    dicom_series(tmp_path / "raw", number=1, SeriesInstanceUID=uid)
    dicom_series(tmp_path / "raw", number=2, SeriesInstanceUID=uid, rotation=CORONAL, EchoTime=101)
    sidecar, _ = convert(tmp_path / "raw")
    assert sidecar["status"] == "excluded" or sidecar["slices"] == 22


def test_two_series_in_one_folder_are_not_mixed(tmp_path, dicom_series, convert, same_image):
    expected = dicom_series(tmp_path / "raw", number=1)
    dicom_series(tmp_path / "raw", number=2, rotation=CORONAL)
    sidecar, image = convert(tmp_path / "raw")
    same_image(image, *expected)
    assert (sidecar["series"], sidecar["slices"], sidecar["candidates"]) == (1, 22, 2)


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"Modality": "PT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.128"}, "no T2 series among 1: 1 not MR"),
        ({"Modality": "CT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, "no T2 series among 1: 1 not MR"),
        ({"Modality": "OT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "no T2 series among 1: 1 not MR"),
        ({"DiffusionBValue": 1000}, "1 diffusion or other echo-planar"),
        ({"ScanningSequence": "EP"}, "1 diffusion or other echo-planar"),
        ({"PixelSpacing": None, "ImagerPixelSpacing": [5, 5]}, r"without a pixel spacing|no pixel spacing"),
        ({"PixelSpacing": [0, 0]}, "pixel spacing|voxel"),
        ({"PixelSpacing": [60, 60]}, "which no clinical T2 does|no T2 of"),
    ],
    ids=["pet", "ct", "capture", "diffusion", "epi", "detector", "zero", "large"],
)
def test_what_is_no_t2_gets_a_named_reason(tmp_path, dicom_series, excluded, elements, reason):
    dicom_series(tmp_path / "raw", **elements)
    excluded(reason, tmp_path / "raw")


def test_colour_images_get_a_named_reason(tmp_path, dicom_series, excluded, voxels):
    colour = np.repeat(voxels[:, :, 0].T.astype(np.uint8)[..., None], 3, -1).tobytes()
    image = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    dicom_series(tmp_path / "raw", **image, BitsAllocated=8, BitsStored=8, HighBit=7, PixelData=colour)
    excluded("colour", tmp_path / "raw")


@pytest.mark.parametrize(
    ("elements", "reason"), [({"ScanningSequence": "EP"}, "diffusion or other echo-planar"), ({}, "several volumes")]
)
def test_several_volumes_in_one_series_are_no_t2(tmp_path, dicom_series, excluded, elements, reason):
    for number in range(2):
        dicom_series(tmp_path / f"raw/{number}", **elements)
        for file in (tmp_path / f"raw/{number}").iterdir():
            dataset = pydicom.dcmread(file)
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.{number + 1}.1{file.name[-3:]}"
            dataset.save_as(file)
    excluded(reason, tmp_path / "raw")


def test_files_and_folders_that_may_not_be_read_are_told(tmp_path, series, excluded, monkeypatch):
    # The tests may run as a user who may read everything, so the system's answers are given by the test.
    access, walk = os.access, os.walk

    with monkeypatch.context() as patch:
        patch.setattr(dicom.os, "access", lambda path, mode: not str(path).endswith("021") and access(path, mode))
        excluded("may not be read; ask for the right", series[0])

    def closed(folder, onerror):
        onerror(PermissionError(13, "Permission denied", str(folder)))
        return walk(folder)

    monkeypatch.setattr(dicom.os, "walk", closed)
    excluded("may not be read; ask for the right", series[0])


def test_a_share_that_fails_within_the_folder_excludes_no_exam(series, convert, monkeypatch):
    def stale(folder, onerror):
        onerror(OSError(116, "Stale file handle"))

    monkeypatch.setattr(dicom.os, "walk", stale)
    with pytest.raises(OSError, match="Stale"):
        convert(series[0])


@pytest.mark.parametrize("layout", ["dicom", "nifti", "brats2015"])
def test_sources_that_are_no_files_are_excluded(tmp_path, excluded, layout):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    excluded("neither a folder nor a file", tmp_path / "pipe", layout)
    excluded("missing or may not be read", tmp_path / "loop", layout)
    excluded("missing or may not be read", tmp_path / "broken", layout)
    excluded("missing or may not be read", tmp_path / ("x" * 300), layout)


def test_no_reason_holds_a_path(tmp_path, series, convert):
    for fault in (b"", b"\0" * 400):
        for file in series[0].iterdir():
            file.write_bytes(file.read_bytes()[:-600] + fault)
        reason = convert(series[0])[0]["reason"]
        assert not re.search(r"[/\\]|raw|pytest", reason)
