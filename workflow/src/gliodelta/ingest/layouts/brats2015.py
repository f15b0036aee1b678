"""BRATS-2015: skull-stripped MetaImages, ``{HGG,LGG}/brats_tcia_pat171_0200/VSD.Brain.XX.O.MR_T2.<n>/VSD....mha``.

The numbers in a folder's name are the patient and the day of the exam (Menze et al., IEEE TMI 2015).
"""

import re
from collections import Counter
from pathlib import Path

import numpy as np

from gliodelta.ingest.layouts import Exam, Found, refuse_huge
from gliodelta.status import Excluded

_EXAM = re.compile(r"(brats_[a-z0-9]+)_pat0*(\d+)_(\d+)")


def read_exam(source):
    """Reads the exam's T2 MetaImage; see the contract of `gliodelta.ingest.layouts`."""
    import SimpleITK as sitk

    files = [source] if source.is_file() else sorted(source.rglob("*MR_T2*.mha"))
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


def find_exams(folder):
    """Finds exams by the names of their folders; see the contract of `gliodelta.ingest.layouts`."""
    found = []
    for place in sorted(Path(folder).rglob("brats_*")):
        name = _EXAM.fullmatch(place.name)
        if name and place.is_dir():
            found.append(Found(f"{name[2]}_{name[1]}", int(name[3]), place))
    return found, Counter()


def read_labels(rows):
    """Translates the published label table, whose rows read ``sub-171_brats_tcia,ses-0200_vs_ses-0387,progression,1``.

    Args:
        rows: dicts of the columns sub, ses_diff and t2_label.

    Yields:
        dicts of the columns patient, prior_date, current_date, reader and label.
    """
    for row in rows:
        number, collection = row["sub"].removeprefix("sub-").split("_", 1)
        prior, current = row["ses_diff"].replace("ses-", "").split("_vs_")
        yield {
            "patient": f"{int(number)}_{collection}",
            "prior_date": str(int(prior)),
            "current_date": str(int(current)),
            "reader": "published",
            "label": row["t2_label"],
        }
