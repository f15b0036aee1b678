"""The difference map of a pair: current minus prior, their intensities brought to one scale inside the common brain."""

from gliodelta import io, plugins, status
from gliodelta.imaging import engines

NORMALISATIONS = "gliodelta.imaging.normalisation"
# Settings of sharpness.
EQUAL, OWN = "equal", "own"
# Voxels of 3 mm within slices still show how the slices are interpolated, in a fifth of the time.
SYMMETRY_MM = 3.0
# Bins of the comparators' histogram: |difference| beyond 4 standard deviations of brain intensity is rare and falls
# into the last.
BINS, LARGEST = 16, 4.0
FEATURES = ("feature_mean", "feature_p95", *(f"feature_hist{index:02d}" for index in range(BINS)))
# What qc.json does not repeat of the registration's sidecar, and what it repeats of each exam's.
NOT_REPEATED = {"status", "reason", "tried"}
REPEATED = {"saturated": "source", "voxels_digest": "source", "fluid_contrast": "mask_sidecar"}


def map_difference(title, prior, current, registration, settings, outputs):
    """Brings a registered pair onto one grid, one sharpness and one scale of intensity, and maps what differs.

    Args:
        title: pseudonymous id of the pair, for the picture.
        prior, current: dicts with paths of each exam: `image` (bias-corrected), `mask` (brain), `mask_sidecar`, and
            `source`, the sidecar of its conversion.
        registration: dict with the paths `transform` (4x4, world mm of current to world mm of prior) and `sidecar`.
        settings: dict of
            space: grid of all images, current or half-way, see `gliodelta.imaging.pair.unite`;
            sharpness: equal, see `gliodelta.imaging.point_spread.equalise`, or own, which leaves exams as they are;
            normalisation: a plug-in of `gliodelta.imaging.normalisation`.
        outputs: dict with the paths to write:
            prior: NIfTI, float32 (X, Y, Z), the prior exam on the pair's grid, in its own intensities and sharpness;
            pair: NIfTI, float32 (X, Y, Z, 2) = (prior, current), in standard deviations of brain intensity, 0 outside
                the common brain, cropped to it;
            signed: NIfTI, float32 (X, Y, Z) = current - prior, in the same units: positive is brighter now;
            absolute: NIfTI, its absolute value;
            qc: JSON: status, reason, the numbers of `gliodelta.imaging.quality.measure`, those of the registration,
                `symmetry` (see there), saturated_* and fluid_contrast_* of both exams, and the comparators' feature_*
                (see `features`);
            picture: PNG, see `gliodelta.imaging.qc.draw`.
    """
    images = [outputs[name] for name in ("prior", "pair", "signed", "absolute", "picture")]
    with status.reporting(outputs["qc"], images=images, after=(registration["sidecar"],)) as facts:
        facts.check()
        found = io.read_json(registration["sidecar"])
        facts |= {name: value for name, value in found.items() if name not in NOT_REPEATED}
        for visit, exam in (("prior", prior), ("current", current)):
            facts |= {f"{name}_{visit}": io.read_json(exam[file]).get(name) for name, file in REPEATED.items()}
        title = f"{title} · correlation {facts['similarity_before']:.2f}, registered {facts['similarity_after']:.2f}"
        facts |= _map(title, prior, current, registration["transform"], settings, outputs)


def _map(title, prior, current, transform, settings, outputs):
    import numpy as np

    from gliodelta.imaging import pair as pairs
    from gliodelta.imaging import qc, quality

    exams = [pairs.read(exam["image"], exam["mask"]) for exam in (prior, current)]
    matrix = np.loadtxt(transform)
    prior, current = pairs.unite(*exams, matrix, settings["space"])
    scores, common = normalised(prior, current, settings)
    measured = quality.measure(scores, common, (prior.mask, current.mask), current.affine)
    for visit, exam in zip(("prior", "current"), exams, strict=True):
        measured[f"ghosting_{visit}"] = quality.ghosting(exam.image, exam.mask, exam.affine)
    (native, scores, common), affine = pairs.crop((prior.image, scores, common), common, current.affine)
    difference = scores[..., 1] - scores[..., 0]
    images = {"prior": native, "pair": scores, "signed": difference, "absolute": np.abs(difference)}
    for name, image in images.items():
        io.write_image(image, affine, outputs[name])
    qc.draw(scores, common, affine, title, outputs["picture"])
    return {
        **measured,
        "symmetry": symmetry(*exams, matrix, settings),
        **features(difference[common]),
    }


def normalised(prior, current, settings):
    """Finds the common brain of two exams on one grid and brings them to one sharpness and one scale of intensity.

    Args:
        prior, current: `gliodelta.imaging.pair.Exam` each.
        settings: see `map_difference`.

    Returns:
        float32 (X, Y, Z, 2) = (prior, current) in z units, 0 outside the common brain; and that, bool (X, Y, Z).

    Raises:
        Excluded: there is no common brain, or an exam is constant inside it.
    """
    import numpy as np

    from gliodelta.imaging.pair import common_brain, shown
    from gliodelta.imaging.point_spread import equalise

    common = common_brain(prior, current)
    exams = (prior, current)
    if any(np.ptp(exam.image[common]) == 0 for exam in exams):
        raise status.Excluded("an exam is constant inside the brain")
    images = [exam.image for exam in exams]
    if settings["sharpness"] == EQUAL:
        spacing = np.linalg.norm(current.affine[:3, :3], axis=0)
        images = equalise(images, [exam.spread for exam in exams], shown(prior) & shown(current), spacing)
    normalise = plugins.load(NORMALISATIONS, settings["normalisation"]).normalise
    scores = np.stack(normalise(*images, common), axis=-1)
    return engines.finite("the normalisation fails numerically on the pair", scores), common


def symmetry(prior, current, matrix, settings):
    """Measures whether the map depends on which exam is called prior.

    Args:
        prior, current: `gliodelta.imaging.pair.Exam` each, on their own grids.
        matrix: 4x4, world mm of current to world mm of prior.
        settings: as for the map itself.

    Returns:
        Correlation (-1 to 1) inside the common brain of |difference| with that of the swapped pair, brought back onto
        the pair's grid: 1 but for interpolation. Both are made from exams averaged to voxels of about `SYMMETRY_MM`.
        None where nothing differs.
    """
    import numpy as np

    from gliodelta.imaging.pair import coarse, unite
    from gliodelta.imaging.resample import resample

    prior, current = (coarse(exam, SYMMETRY_MM) for exam in (prior, current))
    maps = []
    for earlier, later, way in ((prior, current, matrix), (current, prior, np.linalg.inv(matrix))):
        exams = unite(earlier, later, way, settings["space"])
        scores, common = normalised(*exams, settings)
        maps.append((np.abs(scores[..., 1] - scores[..., 0]), common, exams[0].affine))
    (straight, common, affine), (swapped, other, swapped_affine) = maps
    back = [resample(image, swapped_affine, matrix, common.shape, affine) for image in (swapped, other)]
    # Only where interpolation takes nothing from outside the brain.
    common &= back[1] > 0.999
    straight, swapped = straight[common], back[0][common]
    if not straight.size or not straight.std() or not swapped.std():
        return None
    return round(float(np.corrcoef(straight, swapped)[0, 1]), 6)


def features(differences):
    """What the trivial comparators see of a map: numbers of |difference| inside the brain, in z units.

    Args:
        differences: the brain's voxels, any order.

    Returns:
        dict with the keys `FEATURES`: mean, 95th percentile, and the shares of voxels in bins of 0.25 from 0 to 4; what
            is larger counts in the last. The shares sum to 1.
    """
    import numpy as np

    size = np.abs(differences.astype(np.float64))
    shares = np.histogram(np.minimum(size, LARGEST), bins=BINS, range=(0, LARGEST))[0] / size.size
    numbers = (size.mean(), np.percentile(size, 95), *shares)
    return {name: round(float(number), 6) for name, number in zip(FEATURES, numbers, strict=True)}
