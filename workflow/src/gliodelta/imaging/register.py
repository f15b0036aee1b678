"""Brings the prior exam of a pair onto the current exam's grid: one transform, one interpolation."""

from gliodelta import io, plugins, status
from gliodelta.imaging import engines
from gliodelta.imaging.resample import resample

ENGINES = "gliodelta.imaging.registration"
FAILURE = "the registration fails numerically on the pair"


def register_pair(pair, prior, current, engine, transform, registered, sidecar):
    """Registers the prior exam of a pair to the current one and resamples it once, linearly, onto the current grid.

    Args:
        pair: the pair's id, ``{prior}to{current}``.
        prior, current: dicts with paths: `image` (bias-corrected), `mask` (brain) and `sidecar` of the image.
        engine: a plug-in of `gliodelta.imaging.registration`.
        transform: text file to write, the 4x4 matrix from world mm of the current exam to world mm of the prior one.
        registered: NIfTI to write, the prior exam on the current grid, float32, 0 outside its field of view.
        sidecar: JSON to write: status, reason, engine, and `similarity_before` and `similarity_after`, the correlation
            of the two exams inside the current brain (-1 to 1) with scanner coordinates as they are and once
            registered.
    """
    outputs = (transform, registered)
    with status.reporting(sidecar, images=outputs, after=(prior["sidecar"], current["sidecar"])) as facts:
        if not precedes(pair):
            raise status.Excluded("prior must precede current")
        facts.check()
        facts["engine"] = engine
        facts |= _register(prior, current, engine, transform, registered)


def precedes(pair):
    """Whether the prior session of the pair `{prior}to{current}` is earlier than the current one, as numbers."""
    prior, current = pair.split("to")
    return int(prior) < int(current)


def _register(prior, current, engine, transform, registered):
    import numpy as np

    fixed, fixed_affine, fixed_mask = _read(current)
    moving, moving_affine, moving_mask = _read(prior)
    register = plugins.load(ENGINES, engine).register
    matrix = engines.call(FAILURE, register, fixed, moving, fixed_affine, moving_affine, fixed_mask, moving_mask)
    # No head is shrunk to nothing or mirrored between two exams.
    if np.linalg.det(matrix[:3, :3]) <= 0:
        raise status.Excluded(FAILURE)
    before, after = (resample(moving, moving_affine, step, fixed.shape, fixed_affine) for step in (np.eye(4), matrix))
    with io.atomic(transform) as temporary:
        np.savetxt(temporary, matrix, fmt="%.9f", header="current world mm (RAS+) -> prior world mm (RAS+)")
    io.write_image(after, fixed_affine, registered)
    return {
        "similarity_before": engines.finite(FAILURE, similarity(fixed, before, fixed_mask)),
        "similarity_after": engines.finite(FAILURE, similarity(fixed, after, fixed_mask)),
    }


def _read(exam):
    import numpy as np

    image = io.read_image(exam["image"])
    mask = np.asarray(io.read_image(exam["mask"]).dataobj) > 0
    return np.asarray(image.dataobj, np.float32), image.affine, mask


def similarity(first, second, mask):
    """Pearson correlation of two images inside a mask; 0 where one of them is constant, since nothing is then alike."""
    import numpy as np

    first, second = first[mask].astype(np.float64), second[mask].astype(np.float64)
    if not first.std() or not second.std():
        return 0.0
    return round(float(np.corrcoef(first, second)[0, 1]), 6)
