"""How exams lie on disk; a file of this folder is a layout, which the key `layout` of a cohort's YAML names.

A layout has two functions:

    read_exam(source)   -> Exam of the folder or file `source`, which exists; raises `gliodelta.status.Excluded` for
                           every fault of the data, with a reason that holds no path, name or other raw text
    find_exams(folder)  -> (list of Found, Counter of what was left out and why) for the command `draft`; an empty list
                           when nothing lies in the folder in this layout

`convert_exam` checks and reorients what `read_exam` returns, and keeps of its facts those on its allow-list only.
"""

from datetime import date
from pathlib import Path
from typing import Any, NamedTuple


class Exam(NamedTuple):
    """A T2-weighted image as it was stored.

    Attributes:
        array: numpy array of three dimensions, or of four when the last has length 1.
        affine: 4x4 numpy array, voxel to world in mm (RAS+).
        facts: dict of technical facts about the image, keys as in `gliodelta.ingest.convert.FACTS`.
    """

    array: Any
    affine: Any
    facts: dict


class Found(NamedTuple):
    """An exam that `find_exams` met.

    Attributes:
        patient: the raw name or number of the patient, for pseudonymisation only.
        day: day of the exam on a scale on which only differences within a patient count.
        source: the exam's folder or file.
        dated: False when the days of this exam are unknown, so that `day` is a mere rank.
    """

    patient: str
    day: int
    source: Path
    dated: bool = True


def day_of(text):
    """Returns the day number of a date, yyyymmdd or yyyy-mm-dd; None when `text` is no date."""
    try:
        return date.fromisoformat(str(text).strip()).toordinal()
    except ValueError:
        return None
