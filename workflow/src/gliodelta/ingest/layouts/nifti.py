"""One T2w NIfTI for each exam: a file, or a folder with one; a BIDS tree, or any folder of files."""

import csv
import math
import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from gliodelta.ingest.appearance import look
from gliodelta.ingest.layouts import Exam, Found, day_of, refuse_huge
from gliodelta.ingest.volume import check_affine, check_kind, numbers
from gliodelta.status import Excluded, is_machine_fault

# T2 at the start of a word of a file name, but neither T2-FLAIR, T2* or a T2 map, nor a segmentation.
_T2 = re.compile(r"(?<![a-z0-9])t2.*\.nii(\.gz)?$", re.IGNORECASE)
_OTHER = re.compile(r"flair|t2.?(star|\*|map|s(?![a-z0-9]))|mask|seg", re.IGNORECASE)
# Of NIfTI's code for the scanner's own coordinates.
_SCANNER = 1
# Bytes read at a time, so that a header which promises more than its file has costs no more than this.
_CHUNK = 2**24
_BIDS = re.compile(r"sub-([A-Za-z0-9]+)_(?:ses-([A-Za-z0-9]+)_)?(?:.*_)?T2w\.nii(\.gz)?")


def read_exam(source):
    """Reads the exam's only T2w image; see the contract of `gliodelta.ingest.layouts`."""
    files = [source] if source.is_file() else _t2_files(source)
    if len(files) != 1:
        count = f"{len(files)} T2 images: ambiguous" if files else "no T2 image"
        raise Excluded(f"the exam's folder holds {count}; let the exam's source be one NIfTI file")
    exam = read_volume(files[0])
    seen = look(numbers(exam.array), exam.affine)
    if seen.head and seen.fluid == "dark":
        raise Excluded(f"fluid is dark in the image, as on FLAIR or T1, whatever its name says ({seen.words})")
    return exam


def read_volume(path):
    """Reads any NIfTI-1 or NIfTI-2 image into an `Exam`, whatever it shows.

    Raises:
        Excluded: the file is damaged or no NIfTI, or does not say where the image lies.
    """
    try:
        exam = _read(path)
    except Excluded:
        raise
    except Exception as error:  # Damaged files raise anything at all, from the decompressor up to the header's reader.
        if is_machine_fault(error):
            raise
        raise Excluded("the NIfTI file cannot be read; it is damaged or no NIfTI") from None
    check_affine(exam.affine)
    return exam


def _read(path):
    """Reads a NIfTI-1 or NIfTI-2 file, its voxels only once the header has been believed."""
    import nibabel as nib
    from isal import igzip

    with open(path, "rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    with (igzip.open if compressed else open)(path, "rb") as file:
        block = file.read(nib.Nifti2Header.sizeof_hdr)
        second = any(block[:4] == nib.Nifti2Header.sizeof_hdr.to_bytes(4, order) for order in ("little", "big"))
        of_nifti = nib.Nifti2Image if second else nib.Nifti1Image
        header = of_nifti.header_class(block[: of_nifti.header_class.sizeof_hdr])
        shape = header.get_data_shape()
        check_kind(shape, header.get_data_dtype())
        refuse_huge(shape)
        size = int(header["vox_offset"]) + math.prod(map(int, shape)) * header.get_data_dtype().itemsize
        image = of_nifti.from_bytes(block + _exactly(file, size - len(block)))
    affine, note = place(header, shape)
    plain = header.get_slope_inter() in ((1, 0), (None, None))
    array = np.asanyarray(image.dataobj) if plain else np.asarray(image.dataobj, np.float32)
    facts = {"candidates": 1, "found": 1, "chosen": "the only T2 image", "notes": [note] if note else []}
    return Exam(array, affine, facts)


def _exactly(file, size):
    """Returns the next `size` bytes of a file; takes no memory for bytes that it does not have."""
    parts = []
    while size > 0 and (part := file.read(min(size, _CHUNK))):
        parts.append(part)
        size -= len(part)
    if size > 0:
        raise Excluded("the NIfTI file ends before its last voxel: it was cut short")
    return b"".join(parts)


def place(header, shape):
    """Returns where an image lies, by its sform and qform.

    Where both agree to a voxel the sform counts, as in nibabel and FSL. Where they do not, the one that says to be the
    scanner's (code 1) is believed, since the other leads to a template or another image; if none or both say so,
    left and right may be exchanged in one of them, and nobody can tell in which.

    Args:
        header: nibabel header of a NIfTI image.
        shape: the image's.

    Returns:
        (affine, note): 4x4 voxel to world in mm, and a sentence or None.

    Raises:
        Excluded: the header does not say it, or says it twice.
    """
    forms = _forms(header)
    if not forms:
        raise Excluded("the NIfTI header does not say where right and left are (no usable sform or qform)")
    affine = next(iter(forms.values()))[0]
    if len(forms) == 1 or _apart(*(form for form, _ in forms.values()), shape) <= 1:
        return affine, None
    scanners = [name for name, (_, code) in forms.items() if code == _SCANNER]
    if len(scanners) != 1:
        raise Excluded(
            "sform and qform of the NIfTI header place the image more than a voxel apart; set the wrong one's code to 0"
        )
    return forms[scanners[0]][0], f"sform and qform disagree, the {scanners[0]} is the scanner's and was taken"


def _forms(header):
    """Returns {name: (affine, code)} of sform and qform, those that are set and can be inverted."""
    found = {}
    for name, get in (("sform", header.get_sform), ("qform", header.get_qform)):
        try:
            affine, code = get(coded=True)
        except ValueError:  # A quaternion that is none.
            continue
        if code and np.isfinite(affine).all() and abs(np.linalg.det(affine)) > 0:
            found[name] = affine, int(code)
    return found


def _apart(sform, qform, shape):
    """Returns how far the two place the corners of an image from each other, at most, in voxels."""
    corners = np.array([*np.ndindex(2, 2, 2)]) * (np.array(shape[:3]) - 1)
    change = np.linalg.inv(sform) @ qform
    there = corners @ change[:3, :3].T + change[:3, 3]
    return np.linalg.norm(there - corners, axis=1).max()


def find_exams(folder):
    """Finds exams by BIDS names, else by folders; see the contract of `gliodelta.ingest.layouts`.

    In a BIDS tree, days come from session labels that are dates (yyyymmdd), else from acq_time in sessions.tsv.
    Anywhere else each folder with T2 images is a patient and each image an exam, ranked by name; where every folder
    has one image, and some share the folder above (patient/visit/T2.nii.gz), that one is the patient and they are
    exams, on days if their names are dates.
    """
    folder = Path(folder)
    files = _t2_files(folder)
    sessions = defaultdict(dict)
    for file in files:
        name = _BIDS.fullmatch(file.name)
        if name and "derivatives" not in file.relative_to(folder).parts:
            sessions[name[1]].setdefault(name[2] or "", []).append(file)
    if not sessions:
        by_visit = _by_visit(files, folder)
        for file in files:
            exam = file.parent if by_visit else file
            sessions[str(exam.parent.relative_to(folder.parent))][exam.name] = [file]
    return [exam for patient in sessions.items() for exam in _exams(*patient)], Counter()


def _by_visit(files, folder):
    """Whether files lie as patient/visit/T2.nii.gz: one in each folder, of which some share the one above."""
    visits = {file.parent for file in files}
    patients = {visit.parent for visit in visits}
    # The folder that is drafted, or one above it, is no patient.
    return len(patients) < len(visits) == len(files) and all(folder in patient.parents for patient in patients)


def _exams(patient, sessions):
    """Yields the exams of one patient, all dated or all ranked."""
    # An exam with several images is left to read_exam, which excludes it as ambiguous.
    sources = {label: files[0] if len(files) == 1 else files[0].parent for label, files in sorted(sessions.items())}
    days = {label: day_of(label) or _acquired(patient, label, source) for label, source in sources.items()}
    dated = all(days.values())
    for rank, (label, source) in enumerate(sources.items()):
        yield Found(patient, days[label] if dated else rank, source, dated)


def _t2_files(folder):
    files = (file for file in folder.rglob("*") if _T2.search(file.name) and not _OTHER.search(file.name))
    # Hidden files are what macOS puts beside each on other systems' disks.
    return sorted(file for file in files if file.is_file() and not file.name.startswith("."))


def _acquired(patient, label, source):
    """Returns the day in the acq_time of the patient's sessions.tsv, else None."""
    for folder in source.parents[:3]:
        table = folder / f"sub-{patient}_sessions.tsv"
        if table.is_file():
            with open(table, newline="", encoding="utf-8-sig") as file:
                for row in csv.DictReader(file, delimiter="\t"):
                    if row.get("session_id") == f"ses-{label}":
                        return day_of((row.get("acq_time") or "")[: len("yyyy-mm-dd")])
    return None
