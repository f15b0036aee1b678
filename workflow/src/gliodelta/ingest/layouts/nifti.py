"""One T2w NIfTI for each exam: a file, or a folder with one; a BIDS tree, or any folder of files."""

import re
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path

import numpy as np

from gliodelta import io
from gliodelta.ingest.layouts import Exam, Found
from gliodelta.status import Excluded

# T2 as a word of a file name, but neither T2-FLAIR nor T2*.
_T2 = re.compile(r"(?<![a-z0-9])t2w?(?![a-z0-9*])", re.IGNORECASE)
_OTHER = re.compile(r"flair|t2star|t2.?\*|mask|seg|label", re.IGNORECASE)
_BIDS = re.compile(r"sub-([A-Za-z0-9]+)(?:_ses-([A-Za-z0-9]+))?_.*T2w\.nii(\.gz)?|sub-.*_T2w\.nii(\.gz)?")


def read_exam(source):
    """Reads the exam's only T2w image; see the contract of `gliodelta.ingest.layouts`."""
    files = [source] if source.is_file() else _t2_files(source)
    if len(files) != 1:
        count = f"{len(files)} T2 images: ambiguous" if files else "no T2 image"
        raise Excluded(f"the exam's folder holds {count}; let the exam's source be one NIfTI file")
    try:
        image = io.read_image(files[0])
        array = np.asanyarray(image.dataobj)
    except Exception:  # Damaged files raise anything at all, from the decompressor up to the header's reader.
        raise Excluded("the NIfTI file cannot be read; it is damaged or no NIfTI-1") from None
    if not image.header["sform_code"] and not image.header["qform_code"]:
        raise Excluded("the NIfTI header does not say where right and left are (sform and qform codes are 0)")
    return Exam(array, image.affine, {"candidates": 1, "found": 1, "chosen": "the only T2 image"})
