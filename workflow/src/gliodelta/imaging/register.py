"""Finds where the prior exam of a pair lies in the current one: one transform, checked, by the first able engine."""

from gliodelta import io, plugins, status
from gliodelta.imaging import engines

ENGINES = "gliodelta.imaging.registration"
FAILURE = "it found no transform"
# Two exams of one adult head differ by what the scanners' gradients are off, 2 to 3 %.
MOST_STRETCH_PERCENT = 15
# Heads are turned by up to 30 degrees in either exam.
MOST_DEGREES = 60
# How far apart (mm) the middles of the two brains may end up: a lost third of the head moves its middle by 25.
MOST_APART_MM = 50
# Least share of the current brain that the prior exam must show.
LEAST_SHOWN = 0.4
# Interpolation alone may take this much off the correlation of exams that lay on each other before.
INTERPOLATION_LOSS = 0.01
# 100,000 points know a correlation to 0.003, in a fiftieth of the time of resampling the exam.
POINTS = 100_000


def register_pair(pair, prior, current, backends, min_similarity, transform, sidecar):
    """Registers the prior exam of a pair to the current one and writes the transform.

    Args:
        pair: the pair's id, ``{prior}to{current}``.
        prior, current: dicts with paths: `image` (bias-corrected), `mask` (brain) and `sidecar` of the image.
        backends: plug-ins of `gliodelta.imaging.registration`; the first whose transform passes the checks gives the
            answer.
        min_similarity: least correlation of the registered exams inside the brain.
        transform: text file to write, the 4x4 matrix from world mm of the current exam to world mm of the prior one.
        sidecar: JSON to write: status, reason; `engine` that gave the answer and `tried`, the engines that failed with
            their reasons; `similarity_before` and `similarity_after`, see `similarity`; the numbers of
            `transforms.motion`, measured at the middle of the current brain.
    """
    with status.reporting(sidecar, images=(transform,), after=(prior["sidecar"], current["sidecar"])) as facts:
        if not precedes(pair):
            raise status.Excluded("prior must precede current")
        facts.check()
        matrix, found = _register(_read(current), _read(prior), backends, min_similarity)
        _write(matrix, transform)
        facts |= found


def precedes(pair):
    """Whether the prior session of the pair `{prior}to{current}` is earlier than the current one, as numbers."""
    prior, current = pair.split("to")
    return int(prior) < int(current)


def _register(current, prior, backends, min_similarity):
    """The matrix of the first backend that passes `_check`, and its facts.

    Raises:
        Excluded: none does.
    """
    import numpy as np

    arguments = [part for parts in zip(current, prior, strict=True) for part in parts]
    before, tried = similarity(current, prior, np.eye(4)), []
    # A backend named twice fails twice.
    for name in dict.fromkeys(backends):
        try:
            matrix = engines.call(FAILURE, plugins.load(ENGINES, name).register, *arguments)
            facts = _check(matrix, current, prior, before, min_similarity)
        except status.Excluded as failure:
            tried.append({"engine": name, "reason": str(failure)})
        else:
            return matrix, {"engine": name, "tried": tried, **facts}
    causes = "; ".join(f"{trial['engine']}: {trial['reason']}" for trial in tried)
    raise status.Excluded(
        f"no registration brings the two exams together ({causes}); check that both show the brain of one patient "
        "in the same contrast, and that the brain masks are right"
    )


def _check(matrix, current, prior, before, min_similarity):
    """What is known of a transform, for the sidecar.

    Raises:
        Excluded: it cannot be right; the text says what is wrong with it, in a clause.
    """
    import numpy as np

    from gliodelta.imaging import transforms

    middles = [transforms.apply(affine, _sample(mask).mean(axis=0)) for _, affine, mask in (current, prior)]
    if np.linalg.det(matrix[:3, :3]) <= 0:
        raise status.Excluded("it mirrors or flattens the head")
    motion = transforms.motion(matrix, middles[0])
    apart = np.linalg.norm(transforms.apply(matrix, middles[0]) - middles[1])
    after = similarity(current, prior, matrix)
    limits = (
        (
            motion["stretch_percent"] > MOST_STRETCH_PERCENT,
            f"it stretches the head by {motion['stretch_percent']:.0f} %",
        ),
        (motion["rotation_degrees"] > MOST_DEGREES, f"it turns the head by {motion['rotation_degrees']:.0f} degrees"),
        (apart > MOST_APART_MM, f"it leaves the brains {apart:.0f} mm apart"),
        (not after >= min_similarity, f"the exams correlate by {after:.2f}, less than {min_similarity}"),
        (after < before - INTERPOLATION_LOSS, f"the exams correlate by {after:.2f}, less than before, {before:.2f}"),
    )
    for wrong, reason in limits:
        if wrong:
            raise status.Excluded(reason)
    return {"similarity_before": before, "similarity_after": after, **motion}


def similarity(current, prior, matrix):
    """Returns the Pearson correlation of two exams inside the current brain, as far as the prior exam shows it.

    Args:
        current, prior: (image, affine, mask).
        matrix: 4x4, world mm of the current exam to world mm of the prior one.

    Returns:
        -1 to 1, rounded; 0 where less than `LEAST_SHOWN` of the brain is shown or one exam is constant: nothing is
        alike then.
    """
    import numpy as np
    from scipy import ndimage

    (fixed, affine, mask), (moving, moving_affine, _) = current, prior
    points = _sample(mask)
    voxels = (np.linalg.inv(moving_affine) @ matrix @ affine @ np.column_stack([points, np.ones(len(points))]).T)[:3]
    shown = ((voxels >= -0.5) & (voxels <= np.array(moving.shape)[:, None] - 0.5)).all(axis=0)
    first = fixed[tuple(points[shown].T)].astype(np.float64)
    second = ndimage.map_coordinates(moving, voxels[:, shown], np.float64, order=1, mode="nearest")
    if shown.mean() < LEAST_SHOWN or not first.std() or not second.std():
        return 0.0
    return round(float(np.corrcoef(first, second)[0, 1]), 4)


def _sample(mask):
    """Voxel indices, [n, 3], of about `POINTS` voxels of a mask, evenly picked."""
    import numpy as np

    places = np.flatnonzero(mask)
    return np.column_stack(np.unravel_index(places[:: max(1, len(places) // POINTS)], mask.shape))


def _read(exam):
    """(image, affine, mask) of an exam: float32, 4x4, bool."""
    import numpy as np

    image = io.read_image(exam["image"])
    mask = np.asarray(io.read_image(exam["mask"]).dataobj) > 0
    return np.asarray(image.dataobj, np.float32), image.affine, mask


def _write(matrix, transform):
    import numpy as np

    with io.atomic(transform) as temporary:
        np.savetxt(temporary, matrix, fmt="%.9f", header="current world mm (RAS+) -> prior world mm (RAS+)")
