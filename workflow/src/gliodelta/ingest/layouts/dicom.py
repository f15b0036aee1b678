"""A folder of DICOM files for each exam, at any depth, with its T2 series and any others."""

import subprocess
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from gliodelta import io
from gliodelta.ingest.layouts import Exam, Found, day_of
from gliodelta.ingest.series import choose, describe, group, read_headers
from gliodelta.status import Excluded

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


def read_exam(source):
    """Finds the T2 series by its attributes and converts it; see the contract of `gliodelta.ingest.layouts`."""
    files = _files(source)
    if not files:
        raise Excluded("the exam's folder is empty")
    # What a file says that was cut short, or an index of files (DICOMDIR), is no image.
    headers = [header for header in read_headers(files) if "SOPClassUID" in header]
    if not headers:
        raise Excluded(f"no DICOM image could be read in {len(files)} files")
    found = group(headers)
    series, candidates = choose(found)
    array, affine = convert_series(series.files)
    # dcm2niix passes damaged files over and still succeeds.
    if array.size != series.voxels:
        raise Excluded(f"{array.size} voxels could be converted of {series.voxels} in {len(series.places)} slices")
    return Exam(array, affine, _facts(series, candidates, len(found)))


def convert_series(files):
    """Converts the files of one DICOM series with dcm2niix.

    Args:
        files: paths of DICOM files.

    Returns:
        (array, affine): voxels in the order in which dcm2niix stores them, and voxel to world in mm.

    Raises:
        Excluded: dcm2niix fails, or makes more or less than one volume of the series.
        RuntimeError: a signal ended dcm2niix, such as that of a machine out of memory.
    """
    import dcm2niix

    with tempfile.TemporaryDirectory() as folder:
        slices, made = Path(folder, "in"), Path(folder, "out")
        slices.mkdir()
        made.mkdir()
        for number, file in enumerate(files):
            (slices / f"{number:05d}").symlink_to(Path(file).resolve())
        # Ignore the user's defaults (-g i), no gzip (-z n: ten times faster), no JSON of header text (-b n). What it
        # prints and how it would name its output come from the header, so the former is dropped and the latter set.
        command = [dcm2niix.bin, "-g", "i", "-z", "n", "-b", "n", "-f", "exam", "-o", made, slices]
        code = subprocess.run(command, capture_output=True, check=False).returncode
        if code < 0:
            raise RuntimeError(f"dcm2niix was ended by signal {-code}")
        images = sorted(made.glob("*.nii"))
        if code or not images:
            raise Excluded(f"dcm2niix could not convert the T2 series of {len(files)} files (exit code {code})")
        if len(images) > 1:
            raise Excluded(f"dcm2niix makes {len(images)} images of the T2 series")
        image = io.read_image(images[0])
        return np.asanyarray(image.dataobj), image.affine


def _files(source):
    return sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]


def _facts(series, candidates, found):
    rank = "the only" if candidates == 1 else f"best of {candidates}"
    maker = str(series.headers[0].get("Manufacturer", "")).lower()
    number = series.value("SeriesNumber")
    return {
        "series": None if number is None else int(number),
        "candidates": candidates,
        "found": found,
        "chosen": f"{rank} T2 among {found} series: {describe(series)}",
        "echo_time_ms": series.echo_time,
        "repetition_time_ms": series.repetition_time,
        "field_strength_t": series.value("MagneticFieldStrength"),
        "manufacturer": next((vendor for start, vendor in VENDORS.items() if maker.startswith(start)), "other"),
        "slices": len(series.places),
    }


def find_exams(folder):
    """Finds exams by PatientID and StudyDate; see the contract of `gliodelta.ingest.layouts`.

    An exam's source is the deepest folder that holds all its files, which must hold no file of another exam.
    """
    exams, left_out = defaultdict(list), Counter()
    for header in read_headers(_files(Path(folder)), ("PatientID", "StudyDate")):
        key = str(header.get("PatientID", "")).strip(), day_of(header.get("StudyDate"))
        exams[key].append(header["path"])
    around = {key: [set(path.parents) for path in paths] for key, paths in exams.items()}
    owners = Counter(place for folders in around.values() for place in set.union(*folders))
    found = []
    for (patient, day), folders in around.items():
        source = max(set.intersection(*folders), key=lambda place: len(place.parts))
        if not patient or not day:
            left_out["DICOM files without PatientID or StudyDate"] += len(folders)
        elif owners[source] > 1:
            left_out["exams whose files lie among another exam's"] += 1
        else:
            found.append(Found(patient, day, source))
    return found, left_out
