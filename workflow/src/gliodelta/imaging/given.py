"""A difference map that is given, where others come from two exams: imaging is skipped."""

import os

from gliodelta import status
from gliodelta.ingest.layouts import nifti
from gliodelta.sheets import map_path
from gliodelta.status import Excluded, is_machine_fault

# Maps of another kind are no absolute differences: these are rounding errors of resampling.
LEAST = -1e-3


def adopt_map(cohort_file, subject, prior, current, title, outputs):
    """Writes for a given map what `difference.map_difference` writes for two exams, as far as there is any of it.

    The pair becomes (0, map): |current - prior| is then the map, and no other representation of it makes sense, which
    `study.Study` refuses. Nothing is known of registration and image quality, so that only the sheets can exclude it.

    Args:
        cohort_file: the cohort's YAML; its `map_links` says where the map lies.
        subject, prior, current: the pair.
        title: pseudonymous id of the pair, for the picture.
        outputs: dict with the paths to write: pair (NIfTI, float32 (X, Y, Z, 2)), absolute (NIfTI, the map), qc (JSON:
            status, reason, the comparators' feature_*) and picture (PNG, see `gliodelta.imaging.qc.draw`).
    """
    with status.reporting(outputs["qc"], images=[outputs[name] for name in ("pair", "absolute", "picture")]) as facts:
        facts |= _adopt(_source(cohort_file, subject, prior, current), title, outputs)


def _source(cohort_file, subject, prior, current):
    try:
        source = map_path(cohort_file, subject, prior, current)
        source.stat()
    except LookupError:
        raise Excluded("the pair has no row in the link table of maps") from None
    except OSError as error:
        if is_machine_fault(error):
            raise
        raise Excluded("the difference map's file is missing") from None
    if not os.access(source, os.R_OK):
        raise Excluded("the difference map's file may not be read")
    return source


def _adopt(source, title, outputs):
    import numpy as np

    from gliodelta import io
    from gliodelta.imaging import qc
    from gliodelta.imaging.difference import features

    found = nifti.read_volume(source)
    size = np.squeeze(np.asarray(found.array, np.float32))
    if size.ndim != 3 or not np.isfinite(size).all():
        raise Excluded("the difference map is not one volume of finite numbers")
    if size.min() < LEAST:
        raise Excluded("the difference map has negative numbers; absolute differences are expected")
    brain = size > 0
    if not brain.any():
        raise Excluded("the difference map is empty")
    pair = np.stack([np.zeros_like(size), size], axis=-1) * brain[..., None]
    io.write_image(pair, found.affine, outputs["pair"])
    io.write_image(pair[..., 1], found.affine, outputs["absolute"])
    qc.draw(pair, brain, found.affine, title, outputs["picture"])
    return features(size[brain])
