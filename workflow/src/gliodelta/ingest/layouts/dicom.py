"""A folder of DICOM files for each exam, at any depth, with its T2 series and any others."""

import os
from collections import Counter, defaultdict
from pathlib import Path

from gliodelta.ingest.archives import unpacked
from gliodelta.ingest.choice import choose, prefer
from gliodelta.ingest.headers import group, read_headers
from gliodelta.ingest.layouts import Exam, Found, day_of
from gliodelta.ingest.series import describe
from gliodelta.ingest.stack import stack
from gliodelta.status import Excluded, is_machine_fault

# How the names of vendors begin in headers; whoever else built the scanner is "other".
VENDORS = {
    "siemens": "Siemens",
    "philips": "Philips",
    "ge ": "GE",
    "canon": "Canon",
    "toshiba": "Canon",
    "hitachi": "Hitachi",
    "fujifilm": "Fujifilm",
    "uih": "United Imaging",
    "united imaging": "United Imaging",
}

# The day of an exam is the first of these that a file of the study has.
DATES = ("StudyDate", "AcquisitionDate", "SeriesDate")
# What tells exams apart; read for the command `draft` only.
IDENTITY = ("SOPClassUID", "PatientID", "StudyInstanceUID", *DATES)


def read_exam(source):
    """Finds the T2 series by its attributes and converts it; see the contract of `gliodelta.ingest.layouts`."""
    files = _files(source, onerror=_refuse)
    if not files:
        raise Excluded("the exam's folder is empty")
    # A slice that may not be read would be missed in the middle of a series only.
    if not all(os.access(file, os.R_OK) for file in files):
        _refuse()
    # What a file says that was cut short, or an index of files (DICOMDIR), is no image.
    headers = [header for header in read_headers(files) if "SOPClassUID" in header]
    if not headers:
        raise Excluded(f"no DICOM image could be read in {len(files)} files")
    choice = choose(group(headers), lambda series: stack(series.headers))
    return Exam(*choice.image, _facts(choice))


def _files(source, onerror=None):
    if not source.is_dir():
        return [source]
    folders = os.walk(source, onerror=onerror)
    files = (Path(folder, name) for folder, _, names in folders for name in names)
    return sorted(file for file in files if file.is_file())


def _refuse(error=None):
    if error and is_machine_fault(error):
        raise error
    raise Excluded("some of the exam's files or folders may not be read; ask for the right to read them")


def _facts(choice):
    series = choice.series
    maker = str(series.headers[0].get("Manufacturer", "")).lower()
    return {
        "series": series.number,
        "candidates": choice.candidates,
        "found": choice.found,
        "chosen": describe(series),
        "why": choice.why,
        "echo_time_ms": series.echo_time,
        "repetition_time_ms": series.repetition_time,
        "field_strength_t": series.value("MagneticFieldStrength"),
        "manufacturer": next((vendor for start, vendor in VENDORS.items() if maker.startswith(start)), "other"),
        "slices": len(series.places),
    }


def find_exams(folder):
    """Finds exams by patient and day; see the contract of `gliodelta.ingest.layouts`.

    An exam is all that a patient had on one day, be it several studies. Its source is the deepest folder that holds all
    its files and none of another exam's; where there is none, such a folder of its T2 series alone.
    """
    left_out = Counter()
    exams = _by_day(_identities(folder, left_out))
    owners = Counter(place for paths in exams.values() for place in set.union(*map(_around, paths)))
    found = []
    for (patient, day), paths in exams.items():
        if not patient or not day:
            left_out["DICOM files without PatientID or a date"] += len(paths)
            continue
        source = _common(paths)
        if owners[source] > 1:
            preferred = prefer(group(read_headers(paths)))
            source = _common([header["path"] for header in preferred.headers]) if preferred else source
            left_out["exams' series other than the T2, since they lie among another exam's files"] += (
                owners[source] == 1
            )
        if owners[source] == 1:
            found.append(Found(patient, day, source))
        else:
            left_out["exams whose files lie among another exam's; give each exam a folder"] += 1
    return found, +left_out


def _identities(folder, left_out):
    """Returns the headers of all files in a folder and its archives; the "path" of an archive's files is its own."""
    files = _files(Path(folder))
    headers = read_headers([file for file in files if not _is_archive(file)], IDENTITY)
    for archive in filter(_is_archive, files):
        try:
            with unpacked(archive) as place:
                headers += [{**header, "path": archive} for header in read_headers(_files(place), IDENTITY)]
        except Excluded:
            left_out["archives that cannot be unpacked"] += 1
    return headers


def _is_archive(file):
    return file.suffix.lower() == ".zip"


def _around(path):
    """Returns the folders that a file lies in, and an archive itself."""
    return {*path.parents, *([path] if _is_archive(path) else [])}


def _by_day(headers):
    """Returns the paths of each exam, by patient and day; the day is None when no file of its study has a date."""
    # An index of files (DICOMDIR) belongs to no exam.
    headers = [header for header in headers if "SOPClassUID" in header]
    studies = defaultdict(list)
    for number, header in enumerate(headers):
        studies[header.get("PatientID"), header.get("StudyInstanceUID", number)].append(header)
    exams = defaultdict(list)
    for (patient, _), study in studies.items():
        for header in study:
            # Some anonymisers write one StudyInstanceUID into all exams, others drop dates of some files.
            day = _day([header], DATES[:1]) or _day(study, DATES[:1]) or _day([header], DATES) or _day(study, DATES)
            exams[str(patient or "").strip(), day].append(header["path"])
    return exams


def _day(headers, dates):
    days = (day_of(header.get(date)) for date in dates for header in headers)
    return next(filter(None, days), None)


def _common(paths):
    """Returns the deepest folder or archive that holds all files."""
    return max(set.intersection(*map(_around, paths)), key=lambda place: len(place.parts))
