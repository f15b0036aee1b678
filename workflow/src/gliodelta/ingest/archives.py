"""Exams in ``.zip`` archives: unpacked for as long as they are read."""

import contextlib
import itertools
import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from gliodelta.status import Excluded, is_machine_fault

# A whole study with diffusion and 3-D series measures 1 to 3 GB in some ten thousand files; what unpacks to much more
# is no exam, and would fill the disk for every other job.
MAX_BYTES, MAX_FILES = 8 * 2**30, 100_000
# Ends of names keep what layouts look for; with a number before them they fit into any file system.
_KEPT_OF_A_NAME = 50


@contextlib.contextmanager
def unpacked(source):
    """Yields what a layout can read of an exam's source.

    Args:
        source: folder or file.

    Yields:
        `source` when it holds no archive; else a temporary folder with the archives' files, and links to the others.

    Raises:
        Excluded: an archive is damaged, encrypted, or larger than an exam can be.
    """
    try:
        files = sorted(source.rglob("*")) if source.is_dir() else [source]
        files = [file for file in files if file.is_file()]
    except PermissionError:
        raise Excluded("a folder of the exam may not be read") from None
    archives = [file for file in files if file.suffix.lower() == ".zip"]
    if not archives:
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        # Numbers make names unique, and no name of an archive's member can lead out of the folder.
        places = (Path(folder, f"{number:06d}-") for number in itertools.count())
        for file in files:
            if file in archives:
                _unpack(file, places)
            else:
                _beside(next(places), file.name).symlink_to(file.resolve())
        yield Path(folder)


def _unpack(archive, places):
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir() and not _of_macos(member)]
            # zipfile never unpacks more bytes of a member than its entry says.
            if len(members) > MAX_FILES or sum(member.file_size for member in members) > MAX_BYTES:
                raise Excluded(
                    f"the exam's .zip unpacks to more than {MAX_FILES} files or {MAX_BYTES >> 30} GB; "
                    "let the exam's source hold this exam only"
                )
            for member in members:
                target = _beside(next(places), PurePosixPath(member.filename).name)
                with opened.open(member) as packed, open(target, "wb") as file:
                    shutil.copyfileobj(packed, file)
    except Excluded:
        raise
    except Exception as error:  # Damaged, encrypted and unknown archives raise many types, with names in their texts.
        if is_machine_fault(error):
            raise
        raise Excluded("the exam's .zip cannot be unpacked: it is damaged, cut short or encrypted") from None


def _beside(place, name):
    return place.with_name(place.name + name[-_KEPT_OF_A_NAME:])


def _of_macos(member):
    # Finder puts a second file of attributes beside each.
    return "__MACOSX" in member.filename
