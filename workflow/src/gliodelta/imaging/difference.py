"""The difference map of a pair: current minus prior, each z-scored inside the brain that both exams show."""

from gliodelta import io, status
from gliodelta.imaging import engines
from gliodelta.imaging.qc import draw

# Voxels of background kept around the brain, as in the published maps (Di Noto et al. 2022, arXiv 2210.09698).
PADDING = 3
# Bins of the comparators' histogram: |difference| beyond 4 standard deviations of brain intensity is rare and falls
# into the last.
BINS, LARGEST = 16, 4.0
FEATURES = ("feature_mean", "feature_p95", *(f"feature_hist{index:02d}" for index in range(BINS)))


def map_difference(title, current, prior, pair_image, difference_image, qc, picture):
    """Makes the difference map of a registered pair, its quality numbers and its picture.

    Args:
        title: pseudonymous id of the pair, for the picture.
        current: dict with the paths `image` (bias-corrected) and `mask` (brain) of the current exam.
        prior: dict with the paths `image` (prior exam on the current grid) and `sidecar` (of the registration).
        pair_image: NIfTI to write, 4-D float32 (X, Y, Z, 2) = (prior, current), z-scored, 0 outside the common brain,
            cropped to it.
        difference_image: NIfTI to write, float32 (X, Y, Z) = current - prior, in the same units.
        qc: JSON to write: status, reason, similarity_before, similarity_after, brain_ml (of the current exam), coverage
            (share of the brain that the prior exam shows), sd_difference, and the comparators' feature_* (see
            `features`).
        picture: PNG to write, see `gliodelta.imaging.qc.draw`.
    """
    outputs = (pair_image, difference_image, picture)
    with status.reporting(qc, images=outputs, after=(prior["sidecar"],)) as facts:
        facts.check()
        registration = io.read_json(prior["sidecar"])
        facts |= {name: registration[name] for name in ("similarity_before", "similarity_after")}
        title = f"{title} · correlation {facts['similarity_before']:.2f}, registered {facts['similarity_after']:.2f}"
        facts |= _map(title, current, prior, pair_image, difference_image, picture)


def _map(title, current, prior, pair_image, difference_image, picture):
    import numpy as np

    brain = io.read_image(current["mask"])
    affine, brain = brain.affine, np.asarray(brain.dataobj) > 0
    exams = [np.asarray(io.read_image(exam["image"]).dataobj, np.float32) for exam in (prior, current)]
    # Zero is what resampling leaves outside the prior exam's field of view, and all of a skull-stripped exam's
    # background.
    common = brain & (exams[0] != 0)
    if not common.any():
        raise status.Excluded("the prior exam does not show the brain of the current one")
    pair = np.stack([standardise(exam, common) for exam in exams], axis=-1)
    pair, origin = crop(pair, common, affine)
    mask, _ = crop(common, common, affine)
    difference = pair[..., 1] - pair[..., 0]
    io.write_image(pair, origin, pair_image)
    io.write_image(difference, origin, difference_image)
    draw(pair, mask, origin, title, picture)
    return {
        "brain_ml": round(float(brain.sum() * abs(np.linalg.det(affine[:3, :3])) / 1000), 3),
        "coverage": round(float(common.sum() / brain.sum()), 6),
        "sd_difference": round(float(difference[mask].std()), 6),
        **features(difference[mask]),
    }


def standardise(image, mask):
    """Returns the z-scores of `image` inside `mask`, 0 outside; mean and deviation are those inside the mask.

    The published maps took them over the crop with its background, so that they changed with the size of the crop.

    Raises:
        Excluded: the image is constant or not finite inside the mask.
    """
    import numpy as np

    values = image[mask].astype(np.float64)
    if not engines.finite("an exam is not finite inside the brain", values).std():
        raise status.Excluded("an exam is constant inside the brain")
    scores = np.zeros(image.shape, np.float32)
    scores[mask] = (values - values.mean()) / values.std()
    return scores


def crop(image, mask, affine):
    """Crops to the bounding box of `mask` and pads it with `PADDING` zeros a side.

    Args:
        image: array whose first three axes are those of `mask`, and which is 0 outside it.
        mask: bool, not empty.
        affine: 4x4, voxels to world mm.

    Returns:
        The cropped array and its affine, in which each voxel keeps its place in the world.
    """
    import numpy as np

    inside = np.argwhere(mask)
    low, high = inside.min(axis=0), inside.max(axis=0) + 1
    box = image[tuple(slice(*ends) for ends in zip(low, high, strict=True))]
    margins = [(PADDING, PADDING)] * 3 + [(0, 0)] * (image.ndim - 3)
    moved = affine.copy()
    moved[:3, 3] = affine[:3, :3] @ (low - PADDING) + affine[:3, 3]
    return np.pad(box, margins), moved


def features(differences):
    """What the trivial comparators see of a map: numbers of |difference| inside the brain, in z units.

    Args:
        differences: the brain's voxels, any order.

    Returns:
        dict with the keys `FEATURES`: mean, 95th percentile, and the shares of voxels in bins of 0.25 from 0 to 4; what
            is larger
        counts in the last. The shares sum to 1.
    """
    import numpy as np

    size = np.abs(differences.astype(np.float64))
    shares = np.histogram(np.minimum(size, LARGEST), bins=BINS, range=(0, LARGEST))[0] / size.size
    numbers = (size.mean(), np.percentile(size, 95), *shares)
    return {name: round(float(number), 6) for name, number in zip(FEATURES, numbers, strict=True)}
