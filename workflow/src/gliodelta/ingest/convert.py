"""One raw exam becomes one BIDS T2w image, or a reason why it cannot."""

import os

import numpy as np

from gliodelta import io, plugins
from gliodelta.ingest import LAYOUTS
from gliodelta.ingest.series import MIN_COVERAGE_MM
from gliodelta.sheets import read_cohort, source_path
from gliodelta.status import Excluded, is_machine_fault, reporting

# The allow-list: nothing else that a layout says about an exam gets into its sidecar.
FACTS = (
    "series",
    "candidates",
    "found",
    "chosen",
    "echo_time_ms",
    "repetition_time_ms",
    "field_strength_t",
    "manufacturer",
    "slices",
)
# Clinical T2 has voxels of 0.3 to 7 mm; sizes beyond these are a lost or mistaken unit.
MIN_SPACING_MM, MAX_SPACING_MM = 0.1, 12


def convert_exam(cohort_file, subject, session, simulated, image, sidecar):
    """Converts an exam, however its cohort lies on disk.

    The voxels are stored as they are, only with their axes flipped and permuted to be the closest to right, anterior,
    superior; the affine says the rest. Free text of the source's header is left behind.

    Args:
        cohort_file: the cohort's YAML.
        subject, session: the exam.
        simulated: folder of the simulated subject, empty for a real cohort.
        image: NIfTI to write; one zero voxel when the exam is excluded.
        sidecar: JSON to write: status, reason, and for an included exam `FACTS`, shape and spacing_mm.
    """
    with reporting(sidecar, images=[image]) as facts:
        layout = plugins.load(LAYOUTS, read_cohort(cohort_file)["layout"])
        exam = layout.read_exam(_source(cohort_file, subject, session, simulated))
        array, affine = _closest_to_ras(exam)
        spacing = _check(array, affine)
        io.write_image(array, affine, image)
        facts.update({name: exam.facts.get(name) for name in FACTS})
        facts["shape"] = list(array.shape)
        facts["spacing_mm"] = [round(float(size), 4) for size in spacing]


def _source(cohort_file, subject, session, simulated):
    try:
        source = source_path(cohort_file, subject, session, simulated)
    except LookupError:
        raise Excluded("the exam has no row in the link table and no source in exams.tsv") from None
    try:
        source.stat()
    except OSError as error:
        if is_machine_fault(error):
            raise
    # False also for what is missing.
    if not os.access(source, os.R_OK):
        raise Excluded("the exam's folder or file is missing or may not be read")
    return source


def _closest_to_ras(exam):
    import nibabel as nib

    array = exam.array
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 3 or array.dtype.kind not in "biuf":
        raise Excluded(f"the image has {array.ndim} dimensions of {array.dtype.name} voxels, not 3 of numbers")
    if not np.isfinite(exam.affine).all() or abs(np.linalg.det(exam.affine)) < MIN_SPACING_MM**3:
        raise Excluded("the image's orientation matrix is not invertible")
    orientation = nib.io_orientation(exam.affine)
    affine = exam.affine @ nib.orientations.inv_ornt_aff(orientation, array.shape)
    return nib.apply_orientation(array, orientation), affine


def _check(array, affine):
    """Returns the voxel size in mm of an image that can be worked with."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if spacing.min() < MIN_SPACING_MM or spacing.max() > MAX_SPACING_MM:
        raise Excluded(f"the voxels measure {_sizes(spacing)} mm, which no clinical T2 does")
    if (spacing * array.shape).min() < MIN_COVERAGE_MM:
        raise Excluded(f"the image covers {_sizes(spacing * array.shape)} mm, less than a head in one direction")
    if not np.isfinite(array).all():
        raise Excluded("the image has voxels that are not finite")
    if array.min() == array.max():
        raise Excluded("all voxels of the image are equal")
    return spacing


def _sizes(lengths):
    return " x ".join(f"{length:.4g}" for length in lengths)
