"""Numbers by which a registered pair is judged: do both exams show the same head, in place, undisturbed?

    brain_ml_prior      ml      volume of the prior exam's brain mask on this grid
    brain_ml_current    ml      volume of the current exam's
    mask_ratio          0..1    the smaller of the two over the larger
    mask_overlap        0..1    Dice coefficient of the two masks
    coverage            0..1    share of the brain that both exams show, the rim where two masks always differ left
                                aside; a cropped field of view lowers it
    sd_difference       z, 0..  standard deviation of current - prior inside the common brain
    structure           -1..1   median over places of the local correlation of sulci and ventricle walls: what differs
                                between two people everywhere, and after a true change in few places
    structure_worst     -1..1   its 5th percentile, which true change lowers, too: where to look, not what to exclude
    residual_mm         mm, 0.. mean distance in the brain by which an affine transform would still move the prior exam
    drift               z, 0..  robust spread of the slow part of current - prior: what is left of coil and scanner
    scale               0..     robust spread of the current exam over that of the prior one, 1 when equal
    sharpness           0..     spread of the current exam's fine detail over the prior one's, 1 when equal

z are standard deviations of brain intensity. A number is None where the images do not allow it. `ghosting` is a number
of one exam.
"""

import numpy as np
from scipy import ndimage

from gliodelta.imaging.arrays import tukey
from gliodelta.imaging.resample import average

# Working resolution within slices: sulci are 2 to 4 mm wide, and more voxels cost time and bring noise.
WORKING_MM = 2.0
# Standard deviations (mm) between which lie sulci and ventricle walls; below is noise, above coil and tumour.
FINE_MM, COARSE_MM = 1.5, 6.0
# Edge of the cube of a local correlation: a few gyri. A tumour of 60 ml, 48 mm across, touches few of them.
LOCAL_MM = 30.0
# Standard deviation that keeps only what changes over the whole head, and the resolution that holds it.
DRIFT_MM, SLOW_MM = 25.0, 6.0
# The brain's rim is where masks and interpolation differ, not exams.
RIM_MM = 4.0
# Where one mask lacks a lump thicker than this, its exam lacks that part of the head.
LUMP_MM = 12.0
# Resolution and steps of the residual motion's Gauss-Newton.
MOTION_MM, MOTION_STEPS = 3.0, 6
# Smallest residual (z) that weighs less, below any scanner's noise.
LEAST_NOISE = 1e-3
# Ghosts are large: this resolution shows them. The head is brighter than this share of the brain's median, or enclosed
# by what is; air begins this far from it, and fewer voxels of air say nothing.
GHOST_MM, HEAD_LEVEL, AIR_MM, LEAST_AIR = 3.0, 0.45, 8.0, 100
# The standard deviation of normal numbers over their median absolute deviation.
NORMAL = 1.4826


def measure(pair, mask, masks, affine):
    """Measures how well two registered exams fit together.

    Args:
        pair: float32 (X, Y, Z, 2) = (prior, current) in z units, 0 outside `mask`.
        mask: bool (X, Y, Z), the brain that both exams show.
        masks: the prior and the current exam's brain, bool (X, Y, Z), on the same grid, both whole.
        affine: 4x4, voxels to world mm.

    Returns:
        dict with the keys of the module's docstring, in that order, each a float or None.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    found = _volumes(mask, masks, spacing)
    found["sd_difference"] = float((pair[..., 1] - pair[..., 0])[mask].std())
    (prior, current), brain, affine = _reduce((pair[..., 0], pair[..., 1]), mask, affine, WORKING_MM)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    bands = [
        _blur(exam, brain, FINE_MM / spacing) - _blur(exam, brain, COARSE_MM / spacing) for exam in (prior, current)
    ]
    deep = _deep(brain, spacing)
    found |= _structure(*bands, deep, spacing)
    found["residual_mm"] = _residual(prior, current, deep, spacing)
    found["drift"] = _drift(current - prior, brain, affine)
    found["scale"] = _ratio(_spread(current[brain]), _spread(prior[brain]))
    found["sharpness"] = _ratio(*(_spread(band[deep]) for band in bands[::-1]))
    return {name: None if value is None or not np.isfinite(value) else round(value, 6) for name, value in found.items()}


def _volumes(mask, masks, spacing):
    prior, current = (int(brain.sum()) for brain in masks)
    either = masks[0] | masks[1]
    voxels = np.maximum(1, np.rint(LUMP_MM / spacing)).astype(int)
    lacking = ndimage.grey_opening((either & ~mask).view(np.uint8), tuple(voxels))
    voxel_ml = float(np.prod(spacing)) / 1000
    return {
        "brain_ml_prior": prior * voxel_ml,
        "brain_ml_current": current * voxel_ml,
        "mask_ratio": _ratio(min(prior, current), max(prior, current)),
        "mask_overlap": _ratio(2 * int((masks[0] & masks[1]).sum()), prior + current),
        "coverage": _ratio(int(either.sum()) - int(lacking.sum()), int(either.sum())),
    }


def _reduce(images, mask, affine, size_mm):
    """Means over the mask in blocks of about `size_mm`, 0 in blocks half outside; the blocks' mask and affine."""
    weight, reduced = average(mask.astype(np.float32), affine, size_mm)
    inside = weight > 0.5
    return [average(image, affine, size_mm)[0] / np.maximum(weight, 0.5) * inside for image in images], inside, reduced


def _blur(image, brain, sigma):
    """Gaussian mean over the brain's voxels only, 0 outside."""
    weight = ndimage.gaussian_filter(brain.astype(np.float32), sigma, truncate=3)
    return ndimage.gaussian_filter(image * brain, sigma, truncate=3) / np.maximum(weight, 1e-3) * brain


def _deep(brain, spacing):
    distance = ndimage.distance_transform_edt(brain, spacing)
    return distance > min(RIM_MM, distance.max() / 2)


def _structure(first, second, deep, spacing):
    """Local correlations over cubes, at the voxels of the inner brain."""
    size = np.maximum(1, np.rint(LOCAL_MM / spacing)).astype(int)

    def local(values):
        return ndimage.uniform_filter((values * deep).astype(np.float64), size, mode="constant")[deep]

    with np.errstate(invalid="ignore", divide="ignore"):
        values = local(first * second) / np.sqrt(local(first**2) * local(second**2))
    values = values[np.isfinite(values)]
    if not values.size:
        return {"structure": None, "structure_worst": None}
    return {"structure": float(np.median(values)), "structure_worst": float(np.percentile(values, 5))}


def _residual(prior, current, deep, spacing):
    """Gauss-Newton on an affine transform, gain and offset from where registration left the exams; mm."""
    sigma = np.maximum(MOTION_MM / spacing, 1) / 2
    fixed, moving = (ndimage.gaussian_filter(exam, sigma, truncate=3) for exam in (current, prior))
    places = np.argwhere(deep)
    places = places[(places % np.maximum(1, MOTION_MM // spacing) == 0).all(axis=1)]
    points = places * spacing
    unit = points - points.mean(axis=0)
    unit = np.column_stack([unit / max(np.abs(unit).max(), 1), np.ones(len(unit))])
    values, *slopes = (image[tuple(places.T)] for image in (fixed, *np.gradient(fixed, *spacing)))
    motion = (np.column_stack(slopes)[:, :, None] * unit[:, None]).reshape(len(unit), 12)
    # Coils differ between exams by a gain and an offset that vary over the head.
    jacobian = np.column_stack([motion, values[:, None] * unit, unit])
    shift = np.zeros((3, 4))
    for _ in range(MOTION_STEPS):
        seen = ndimage.map_coordinates(moving, ((points + unit @ shift.T) / spacing).T, order=1, mode="nearest")
        error = values - seen
        size = np.abs(error - np.median(error))
        weighted = jacobian * tukey(size, LEAST_NOISE)[:, None]
        normal = weighted.T @ jacobian
        ridge = 1e-6 * np.trace(normal) / len(normal) + np.finfo(np.float32).tiny
        shift += np.linalg.solve(normal + ridge * np.eye(len(normal)), weighted.T @ error)[:12].reshape(3, 4)
    return float(np.linalg.norm(unit @ shift.T, axis=1).mean())


def _drift(difference, brain, affine):
    (slow,), inside, affine = _reduce([difference], brain, affine, SLOW_MM)
    return _spread(_blur(slow, inside, DRIFT_MM / np.linalg.norm(affine[:3, :3], axis=0))[inside])


def ghosting(image, mask, affine):
    """Measures ghosts, copies of the head moved along the phase axis, by what the air beside the head shows of them.

    The air at the corners of a slice, which no line through the brain crosses, tells the noise. Compare the
    ghost-to-signal ratio of Giannelli et al. (2010), "Characterization of Nyquist ghost in EPI-fMRI acquisition
    sequences", J Appl Clin Med Phys 11:170.

    Args:
        image: float array (X, Y, Z), a head on its own grid.
        mask: bool, its brain.
        affine: 4x4, voxels to world mm.

    Returns:
        Mean signal of the air beside the brain above that of the corners, along the worse of the axes within slices,
        over the brain's median; about 0 without ghosts. None without such air, as in skull-stripped images.
    """
    across = int(np.argmax(np.linalg.norm(affine[:3, :3], axis=0)))
    (image, coarse), (brain, _) = (average(array, affine, GHOST_MM) for array in (image, mask))
    image, brain = np.moveaxis(image, across, 2), np.moveaxis(brain > 0.5, across, 2)
    shown = brain.any(axis=(0, 1))
    if not shown.any():
        return None
    image, brain = image[..., shown], brain[..., shown]
    level = np.median(image[brain])
    if level <= 0:
        return None
    image = image / level
    # Exactly 0 is not air but what somebody removed.
    air = _air(image, brain, np.delete(np.linalg.norm(coarse[:3, :3], axis=0), across)) & (image != 0)
    beside = [air & brain.any(axis=axis, keepdims=True) for axis in (0, 1)]
    corners = air & ~beside[0] & ~beside[1]
    levels = [float(image[part].mean()) for part in beside if part.sum() >= LEAST_AIR]
    if not levels or corners.sum() < LEAST_AIR:
        return None
    return round(max(levels) - float(image[corners].mean()), 6)


def _air(image, brain, spacing):
    """What lies outside the head, slice by slice; slices are along the last axis."""
    labels, _ = ndimage.label(brain | (image > HEAD_LEVEL))
    head = labels == np.bincount(labels[brain]).argmax()
    slices = [ndimage.binary_fill_holes(head[..., index]) for index in range(head.shape[2])]
    distances = [
        ndimage.distance_transform_edt(~part, spacing) if part.any() else np.full(part.shape, np.inf) for part in slices
    ]
    return np.stack(distances, axis=2) > AIR_MM


def _spread(values):
    """Standard deviation of the bulk of the values: of normal numbers, their standard deviation."""
    return NORMAL * float(np.median(np.abs(values - np.median(values)))) if values.size else None


def _ratio(part, whole):
    return part / whole if whole else None
