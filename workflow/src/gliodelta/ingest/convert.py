"""One raw exam becomes one BIDS T2w image, or a reason why it cannot."""

import contextlib
import logging
import os
import warnings

from gliodelta import io, plugins
from gliodelta.ingest import LAYOUTS, volume
from gliodelta.ingest.archives import unpacked
from gliodelta.sheets import find, read_cohort, source_path
from gliodelta.status import Excluded, is_machine_fault, reporting

# The allow-list: nothing else that a layout says about an exam gets into its sidecar.
FACTS = (
    "series",
    "candidates",
    "found",
    "chosen",
    "why",
    "echo_time_ms",
    "repetition_time_ms",
    "field_strength_t",
    "manufacturer",
    "slices",
)


def convert_exam(cohort_file, subject, session, simulated, image, sidecar):
    """Converts an exam, however its cohort lies on disk.

    The voxels are stored as they are, only with their axes flipped and permuted to be the closest to right, anterior,
    superior; the affine says the rest. Slanted axes are made perpendicular, and a few voxels that are not finite
    become 0. Free text of the source's header is left behind.

    Args:
        cohort_file: the cohort's YAML.
        subject, session: the exam.
        simulated: folder of the simulated subject, empty for a real cohort.
        image: NIfTI to write; one zero voxel when the exam is excluded.
        sidecar: JSON to write: status, reason, and for an included exam `FACTS`, shape, spacing_mm, not_finite (voxels
            set to 0), notes (sentences on what was odd and how it was read), and
            `gliodelta.ingest.volume.intensities`.
    """
    with reporting(sidecar, images=[image]) as facts:
        _check_modality(cohort_file, subject, session)
        layout = plugins.load(LAYOUTS, read_cohort(cohort_file)["layout"])
        with _quiet(), unpacked(_source(cohort_file, subject, session, simulated)) as source:
            array, affine, known = layout.read_exam(source)
        array = volume.numbers(array)
        volume.check_affine(affine)
        spacing = volume.check_size(array.shape, affine)
        array, holes = volume.without_holes(array, spacing)
        array, affine, slant = volume.perpendicular(array, affine)
        array, affine = volume.closest_to_ras(array, affine)
        spacing = volume.check_size(array.shape, affine)
        io.write_image(array, affine, image)
        facts.update({name: known.get(name) for name in FACTS}, **volume.intensities(array))
        facts["shape"] = list(array.shape)
        facts["spacing_mm"] = [round(float(size), 4) for size in spacing]
        facts["not_finite"] = holes
        facts["notes"] = "; ".join([*known.get("notes", []), *([slant] if slant else [])])


def _check_modality(cohort_file, subject, session):
    (row,) = find(read_cohort(cohort_file), "exams", subject=subject, session=session)
    if row["modality"].lower() not in ("t2w", "t2"):
        raise Excluded("exams.tsv gives the exam another modality than T2w, and nothing else is converted")


@contextlib.contextmanager
def _quiet():
    """Keeps back the warnings of readers, which quote headers, from the job's log."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


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
    if not (source.is_dir() or source.is_file()):
        raise Excluded("the exam's source is neither a folder nor a file")
    return source
