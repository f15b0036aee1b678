"""How exams lie on disk; a file of this folder is a layout, which the key `layout` of a cohort's YAML names.

A layout has two functions:

    read_exam(source)   -> Exam of the folder or file `source`, which exists; raises `gliodelta.status.Excluded` for
                           every fault of the data, with a reason that holds no path, name or other raw text
    find_exams(folder)  -> (list of Found, Counter of what was left out and why) for the command `draft`; an empty list
                           when nothing lies in the folder in this layout

and, where a cohort was published in it,

    DEFAULTS            dict of the keys of a drafted cohort's YAML that are not the usual ones
    NOTE                what whoever uses the cohort must know; `draft` writes it beside the sheets as README.md
    PUBLISHED           dict of kind of table (labels, weak) to what the names of the published one's columns begin with
    read_labels(rows, found), read_weak(rows, found)
                        -> Translated, from (line, dict of these columns) and the exams (Found) of the folder; raises
                           KeyError or ValueError for a row unlike the published ones
    find_maps(folder)   -> list of FoundMap, where difference maps are given instead of exams

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
        source: the exam's folder or file; None where only difference maps are given.
        dated: False when the days of this exam are unknown, so that `day` is a mere rank.
    """

    patient: str
    day: int
    source: Path | None
    dated: bool = True


class FoundMap(NamedTuple):
    """A difference map that `find_maps` met.

    Attributes:
        patient: as in `Found`.
        prior, current: days of its two exams.
        source: the map's file.
    """

    patient: str
    prior: int
    current: int
    source: Path


class Translated(NamedTuple):
    """A table that somebody brought along, in our own columns; dates are texts that `parse_day` reads.

    Attributes:
        entries: list of (line, dict of the columns in `gliodelta.ingest.site_tables.COLUMNS`).
        excluded: list of (line, dict of patient, prior_date, current_date, reason): pairs that are not to be used.
        events: list of (line, dict of patient, date, event).
        left_out: Counter of what could not be used, and why.
        sentences: list of sentences for whoever drafts, in numbers only.
        whole: (pairs, patients) of the published table, when this is all of it; else None.
    """

    entries: list
    excluded: tuple = ()
    events: tuple = ()
    left_out: Any = ()
    sentences: tuple = ()
    whole: Any = None


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
