"""The published difference maps (Di Noto et al. 2022, arXiv 2210.09698): maps are given, exams and imaging are not.

``sub-000058/ses-20090514_vs_ses-20090724/sub-000058_ses-20090514_vs_ses-20090724_difference_t2_volumes.nii.gz``
"""

import re
from collections import Counter
from pathlib import Path

from gliodelta.ingest.layouts import Found, FoundMap, Translated, day_of
from gliodelta.schema import InvalidInput
from gliodelta.status import Excluded

# The maps were made of skull-stripped exams.
DEFAULTS = {"skull_stripped": True}
NOTE = """\
Drafted from published difference maps (Di Noto et al. 2022, arXiv 2210.09698): |current - prior| of z-scored exams.

The exams themselves are not given. Imaging is skipped, nothing can be said about registration or image quality, and
only arms and recipes with the representation absolute-difference can be used. Labels are those on T2 by the published
consensus; unknown ones stay unknown. Surgery dates are not published; the authors left such exams out.
"""
_PAIR = ("ipp", "comparative_date", "exam_date")
_LABEL, _WEAK, _CONFIDENCE = "t2_label_A1", "t2_label_random_forest", "mean_t2_and_global"
PUBLISHED = {"labels": (*_PAIR, _LABEL), "weak": (*_PAIR, _WEAK, _CONFIDENCE)}
_MAP = re.compile(r"sub-(\d+)_ses-(\d{8})_vs_ses-(\d{8})_difference_t2_volumes\.nii(\.gz)?")
_LABELS = {0: "stable", 1: "progression", 2: "response", 3: "unknown"}


def read_exam(source):
    """Refuses; see the contract of `gliodelta.ingest.layouts`."""
    raise Excluded("the cohort has difference maps only; their exams are not given")


def find_exams(folder):
    """Finds the exams that maps were made of; see the contract of `gliodelta.ingest.layouts`."""
    maps = find_maps(folder)
    exams = sorted({(one.patient, day) for one in maps for day in (one.prior, one.current)})
    return [Found(patient, day, None) for patient, day in exams], Counter()


def find_maps(folder):
    """Finds the maps by their names; see the contract of `gliodelta.ingest.layouts`."""
    found = []
    for file in sorted(Path(folder).rglob("sub-*_difference_t2_volumes.nii*")):
        name = _MAP.fullmatch(file.name)
        days = [day_of(date) for date in name.groups()[1:3]] if name else [None]
        if all(days):
            found.append(FoundMap(_patient(name[1]), *days, file))
    return found


def read_labels(rows, found):
    """Translates the published table of human labels; see the contract of `gliodelta.ingest.layouts`."""
    words = {"reader": "published"}
    return Translated([(line, _pair(row) | words | {"label": _LABELS[float(row[_LABEL])]}) for line, row in rows])


def read_weak(rows, found):
    """Translates the published table of labels from reports; see the contract of `gliodelta.ingest.layouts`.

    The published confidence is the mean of two forests' probabilities of the label, on T2 and overall: the cuts of .75
    and .95 are on it.

    Raises:
        InvalidInput: a confidence is below .5 and so not that of the label; names the line.
    """
    return Translated([(line, _pair(row) | _weak(row, line)) for line, row in rows])


def _weak(row, line):
    label, confidence = float(row[_WEAK]), float(row[_CONFIDENCE])
    if label not in (0, 1, 2) or not 0 <= confidence <= 1:
        raise ValueError("no label or no probability")
    if confidence < 0.5:
        # Taken as it is, it would turn the label round.
        raise InvalidInput(
            f"the table of weak labels, line {line}: {_CONFIDENCE} is below 0.5, but it is the probability of the "
            f"label in {_WEAK}, the likelier one; delete the row, or write the other label and 1 - {_CONFIDENCE}"
        )
    unstable = confidence if label else 1 - confidence
    return {"p_unstable": f"{unstable:.6f}", "confidence": f"{confidence:.6f}"}


def _pair(row):
    return {
        "patient": _patient(row["ipp"]),
        "prior_date": _date(row["comparative_date"]),
        "current_date": _date(row["exam_date"]),
    }


def _patient(number):
    """The number as paths have it, six digits; spreadsheets take the zeros away and may add a ``.0``."""
    return f"{int(number.removesuffix('.0')):06d}"


def _date(text):
    return text.removesuffix(".0")
