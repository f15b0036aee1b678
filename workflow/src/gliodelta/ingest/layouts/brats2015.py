"""BRATS-2015: skull-stripped MetaImages, ``{HGG,LGG}/brats_tcia_pat171_0200/VSD.Brain.XX.O.MR_T2.<n>/VSD....mha``.

The numbers in a folder's name are the patient and the day of the exam (Menze et al., IEEE TMI 2015).
"""

import re
from collections import Counter
from pathlib import Path

import numpy as np

from gliodelta.ingest.layouts import Exam, Found, Translated, refuse_huge
from gliodelta.status import Excluded

DEFAULTS = {"role": "external", "skull_stripped": True}
PUBLISHED = {"labels": ("sub", "ses_diff", "t2_label")}
# The published table (Di Noto et al. 2022, arXiv 2210.09698, public code): pairs of each patient, and labels.
PAIRS = (1, 5, 1, 5, 3, 5, 5, 2, 5, 5, 4, 4, 1, 4, 1)
LABELS = {"progression": 34, "response": 5, "stable": 12}
_EXAM = re.compile(r"(brats_[a-z0-9]+)_pat0*(\d+)_(\d+)")
_T2 = "*MR_T2*.mha"


def read_exam(source):
    """Reads the exam's T2 MetaImage; see the contract of `gliodelta.ingest.layouts`."""
    import SimpleITK as sitk

    files = [source] if source.is_file() else _images(source)
    if len(files) != 1:
        raise Excluded(f"the exam's folder holds {len(files)} images called MR_T2, not 1")
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(files[0]))
    try:
        reader.ReadImageInformation()
        refuse_huge(reader.GetSize())
        image = reader.Execute()
    except RuntimeError as error:
        # SimpleITK has one type of error, also for std::bad_alloc and "Failed to allocate memory for image".
        if "alloc" in str(error):
            raise
        raise Excluded("the MetaImage cannot be read; it is damaged") from None
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise Excluded("the MetaImage is not one volume of 3 dimensions with a number for each voxel")
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    # MetaImages count left and posterior positive, NIfTI right and anterior.
    array = sitk.GetArrayFromImage(image).T
    return Exam(array, np.diag([-1, -1, 1, 1]) @ affine, {"candidates": 1, "found": 1, "chosen": "the only T2 image"})


def _images(folder):
    """The exam's T2 images; not what macOS writes beside each file on foreign disks, such as ``._VSD...mha``."""
    return [file for file in sorted(folder.rglob(_T2)) if not file.name.startswith(".")]


def find_exams(folder):
    """Finds exams by the names of their folders; see the contract of `gliodelta.ingest.layouts`."""
    found, left_out = [], Counter()
    for place in sorted(Path(folder).rglob("brats_*")):
        name = _EXAM.fullmatch(place.name)
        if name and place.is_dir():
            if _images(place):
                found.append(Found(f"{name[2]}_{name[1]}", int(name[3]), place))
            else:
                left_out["exams whose folder holds no image called MR_T2"] += 1
    return found, left_out


def read_labels(rows, found):
    """Translates the published table, whose rows read ``sub-171_brats_tcia,ses-0200_vs_ses-0387,progression,1``.

    See the contract of `gliodelta.ingest.layouts`.
    """
    entries = [(line, _label(row)) for line, row in rows]
    labels = Counter(entry["label"] for _, entry in entries)
    pairs = Counter(entry["patient"] for _, entry in entries)
    if sorted(pairs.values()) == sorted(PAIRS) and labels == LABELS:
        whole = "The table of labels is the whole published one: 51 pairs of 15 patients."
        return Translated(entries, sentences=(whole,), whole=(sum(PAIRS), len(PAIRS)))
    part = (
        f"The table of labels has {len(entries)} pairs of {len(pairs)} patients and is not the published one, which "
        f"has {sum(PAIRS)} of {len(PAIRS)}."
    )
    return Translated(entries, sentences=(part,))


def _label(row):
    number, collection = row["sub"].removeprefix("sub-").split("_", 1)
    prior, current = row["ses_diff"].replace("ses-", "").split("_vs_")
    return {
        "patient": f"{int(number)}_{collection}",
        "prior_date": str(int(prior)),
        "current_date": str(int(current)),
        "reader": "published",
        "label": row["t2_label"],
    }
