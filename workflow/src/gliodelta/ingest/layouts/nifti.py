"""One T2w NIfTI for each exam: a file, or a folder with one; a BIDS tree, or any folder of files."""

import csv
import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from gliodelta import io
from gliodelta.ingest.layouts import Exam, Found, day_of
from gliodelta.status import Excluded, is_machine_fault

# T2 at the start of a word of a file name, but neither T2-FLAIR, T2* or a T2 map, nor a segmentation.
_T2 = re.compile(r"(?<![a-z0-9])t2.*\.nii(\.gz)?$", re.IGNORECASE)
_OTHER = re.compile(r"flair|t2.?(star|\*|map|s(?![a-z]))|mask|seg", re.IGNORECASE)
_BIDS = re.compile(r"sub-([A-Za-z0-9]+)_(?:ses-([A-Za-z0-9]+)_)?(?:.*_)?T2w\.nii(\.gz)?")


def read_exam(source):
    """Reads the exam's only T2w image; see the contract of `gliodelta.ingest.layouts`."""
    files = [source] if source.is_file() else _t2_files(source)
    if len(files) != 1:
        count = f"{len(files)} T2 images: ambiguous" if files else "no T2 image"
        raise Excluded(f"the exam's folder holds {count}; let the exam's source be one NIfTI file")
    try:
        image = io.read_image(files[0])
        array = np.asanyarray(image.dataobj)
    except Exception as error:  # Damaged files raise anything at all, from the decompressor up to the header's reader.
        if is_machine_fault(error):
            raise
        raise Excluded("the NIfTI file cannot be read; it is damaged or no NIfTI-1") from None
    if not image.header["sform_code"] and not image.header["qform_code"]:
        raise Excluded("the NIfTI header does not say where right and left are (sform and qform codes are 0)")
    return Exam(array, image.affine, {"candidates": 1, "found": 1, "chosen": "the only T2 image"})


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
    return sorted(file for file in files if file.is_file())


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
