"""Exams in .zip archives, also in hostile and broken ones."""

import shutil
import struct
import zipfile

import numpy as np
import pytest

from gliodelta.ingest import archives
from gliodelta.ingest.archives import unpacked
from gliodelta.status import Excluded


def packed(archive, folder, names=lambda file: file.name, **options):
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, **options) as opened:
        for file in sorted(folder.iterdir()):
            opened.write(file, names(file))
    return archive


def test_a_zipped_series_is_converted(tmp_path, dicom_series, convert, same_image):
    expected = dicom_series(tmp_path / "raw")
    sidecar, image = convert(packed(tmp_path / "Élan de Noël.ZIP", tmp_path / "raw", lambda file: f"é è/{file.name}"))
    same_image(image, *expected)
    assert sidecar["status"] == "included"


def test_a_series_that_lies_partly_in_archives_is_converted_whole(tmp_path, dicom_series, convert, same_image):
    expected = dicom_series(tmp_path / "raw")
    exam = tmp_path / "exam"
    for part in range(3):
        (exam / f"part {part}").mkdir(parents=True)
    for number, file in enumerate(sorted((tmp_path / "raw").iterdir())):
        shutil.move(file, exam / f"part {number % 3}" / file.name)
    for part in (1, 2):
        packed(exam / f"{part}.zip", exam / f"part {part}")
        shutil.rmtree(exam / f"part {part}")
    same_image(convert(exam)[1], *expected)


@pytest.mark.parametrize("layout", ["nifti", "brats2015"])
def test_other_layouts_are_found_in_archives_too(tmp_path, nifti, metaimage, voxels, convert, layout):
    if layout == "nifti":
        nifti(tmp_path / "raw" / "x_T2w.nii.gz", voxels)
        nifti(tmp_path / "raw" / "x_T1w.nii.gz", voxels)
        archive = packed(tmp_path / "a.zip", tmp_path / "raw")
    else:
        archive = packed(tmp_path / "a.zip", metaimage(tmp_path / "raw").parent)
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("__MACOSX/._x_T2w.nii.gz", b"attributes")
        opened.writestr("__MACOSX/._VSD.Brain.XX.O.MR_T2.35535.mha", b"attributes")
    assert convert(archive, layout)[0]["status"] == "included"


def test_no_name_of_a_member_leads_out_of_the_folder(tmp_path):
    names = ["../../evil", "/tmp/evil", "..", "a/../../evil", "C:\\evil", "x" * 300, "same", "same/"]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        for name in names:
            opened.writestr(zipfile.ZipInfo(name), "" if name.endswith("/") else "evil")
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        opened.writestr(link, "/etc/passwd")
    before = set(tmp_path.rglob("*"))
    with unpacked(tmp_path / "a.zip") as folder:
        files = list(folder.rglob("*"))
        assert len(files) == len(names)
        assert all(file.parent == folder and file.is_file() and not file.is_symlink() for file in files)
    assert set(tmp_path.rglob("*")) == before
    assert not folder.exists()


def test_what_unpacks_to_more_than_an_exam_is_refused_before_it_does(tmp_path, excluded, monkeypatch):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("a", bytes(2**20))
        opened.writestr("b", bytes(2**20))
    monkeypatch.setattr(archives, "MAX_BYTES", 2**21 - 1)
    excluded("unpacks to more than", tmp_path / "a.zip")
    monkeypatch.setattr(archives, "MAX_BYTES", 2**21)
    excluded("no DICOM image could be read in 2 files", tmp_path / "a.zip")
    monkeypatch.setattr(archives, "MAX_FILES", 1)
    excluded("unpacks to more than", tmp_path / "a.zip")


def test_an_entry_that_hides_its_size_is_not_unpacked_further(tmp_path):
    # A bomb that says it holds 10 bytes: both of its headers are changed.
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("a", bytes(2**24))
    data = (tmp_path / "a.zip").read_bytes().replace(struct.pack("<I", 2**24), struct.pack("<I", 10))
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(Excluded, match="damaged"), unpacked(tmp_path / "a.zip"):
        pass


def test_broken_and_encrypted_archives_are_excluded(tmp_path, dicom_series, excluded):
    dicom_series(tmp_path / "raw")
    whole = packed(tmp_path / "a.zip", tmp_path / "raw").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    flipped = bytearray(whole)
    flipped[100:140] = np.random.default_rng(0).bytes(40)
    (tmp_path / "flipped.zip").write_bytes(flipped)
    (tmp_path / "text.zip").write_text("no archive")
    # Bit 0 of the flags, in the entry's own header and in the directory's, says that it is encrypted.
    locked = bytearray(whole)
    locked[6] |= 1
    locked[whole.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    for name in ("cut", "flipped", "text", "locked"):
        excluded("cannot be unpacked: it is damaged, cut short or encrypted", tmp_path / f"{name}.zip")


def test_a_full_disk_excludes_no_exam(tmp_path, dicom_series, convert, monkeypatch):
    dicom_series(tmp_path / "raw")
    packed(tmp_path / "a.zip", tmp_path / "raw")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="No space left"):
        convert(tmp_path / "a.zip")
