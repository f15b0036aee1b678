"""How exams lie on disk; a file of this folder is a layout, which the key `layout` of a cohort's YAML names.

A layout has two functions:

    read_exam(source)   -> Exam of the folder or file `source`, which exists; raises `gliodelta.status.Excluded` for
                           every fault of the data, with a reason that holds no path, name or other raw text
    find_exams(folder)  -> (list of Found, Counter of what was left out and why) for the command `draft`; an empty list
                           when nothing lies in the folder in this layout

`convert_exam` checks and reorients what `read_exam` returns, and keeps of its facts those on its allow-list only.
"""

import math
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from gliodelta.status import Excluded

# 640 x 640 x 640; the largest clinical T2, 3-D at 0.4 mm, have 170 million. As float32 this is 1 GB.
MAX_VOXELS = 2**28


class Exam(NamedTuple):
    """A T2-weighted image as it was stored.

    Attributes:
        array: numpy array of three dimensions, or of four when the last has length 1.
        affine: 4x4 numpy array, voxel to world in mm (RAS+).
        facts: dict of technical facts about the image, keys as in `gliodelta.ingest.convert.FACTS`; under "notes" a
            list of sentences on what was odd about the image and how it was read all the same.
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


def refuse_huge(shape):
    """Raises `Excluded` when an image of this shape is larger than any exam's, before memory is taken for it."""
    voxels = math.prod(int(length) for length in shape)
    if not 0 < voxels <= MAX_VOXELS:
        raise Excluded(f"the image's header promises {voxels} voxels; an exam has up to {MAX_VOXELS}")


def day_of(text):
    """Returns the day number of a date, yyyymmdd or yyyy-mm-dd; None when `text` is no date."""
    try:
        return date.fromisoformat(str(text).strip()).toordinal()
    except ValueError:
        return None
