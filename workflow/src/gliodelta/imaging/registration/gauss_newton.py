"""Robust Gauss-Newton affine between two T2-weighted exams: NumPy and SciPy, a CPU second for a clinical pair.

Finds the 12 affine parameters and a gain for which ``exp(gain(x, v)) * v`` with ``v = moving(matrix @ x)`` comes
nearest to ``fixed(x)`` at the points x of the fixed brain. Least squares by the inverse compositional form (Baker &
Matthews 2004, "Lucas-Kanade 20 years on"): the image gradient is taken in the fixed image, once a level. Tukey's
weights (Beaton & Tukey 1974) take the vote from what has really changed, such as a tumour that grew. The log of the
gain is a cubic polynomial of the place, which absorbs what a coil or a rest of the bias field does, plus a quadratic
one of the brightness, which absorbs another echo time or scanner software. Same kind of contrast only.
"""

import itertools

import numpy as np
from scipy import ndimage

from gliodelta.imaging.arrays import tukey
from gliodelta.imaging.resample import average
from gliodelta.imaging.transforms import apply, half_way

# Squares and cubes of the coordinates in the gain, beside 1 and the coordinates themselves. Without the cubes the error
# under an eight-coil field is up to twice as large; without the terms of brightness it is 0.5 mm after a gamma of 0.55.
TERMS = [[*term] for power in (2, 3) for term in itertools.combinations_with_replacement(range(3), power)]
GAIN_TERMS = 4 + len(TERMS) + 2
# Largest log of the gain: a factor of 20 is no gain any more, and keeps a lost search finite.
MOST_GAIN = 3
# Resolutions in mm, coarse to fine. 2 mm suffices for a mean error of about 0.1 mm; 1.2 mm gains 0.02 mm for 7 times
# the time.
LEVELS_MM = (8, 4, 2)
# Gauss-Newton stops when no point moves by more; it takes 3 to 9 steps a level as a rule.
TOLERANCE_MM = 0.005
MAX_STEPS = 30
# Rotations (degrees, about each axis) that the coarsest level starts from: heads lie up to 30 degrees apart, and
# Gauss-Newton finds its way from about 15.
START_DEGREES = (-20, 0, 20)
START_STEPS = 6
# Half a voxel of smoothing at each level hides the voxel grid from the linear interpolation.
SMOOTHING = 0.5
# Variances in square voxels: what a voxel averages (a box), and what linear interpolation adds, the mean of d (1 - d)
# over offsets d. The sharper image is smoothed to match, axis by axis: else the brain's rim pulls inwards, by a mean
# error of 0.3 mm on the phantom with equal voxels.
BOX, INTERPOLATION = 1 / 12, 1 / 6


def register(fixed, moving, fixed_affine, moving_affine, fixed_mask=None, moving_mask=None):
    """Finds the affine transform from `fixed` to `moving`; the contract is in this package's docstring.

    Returns:
        4x4 float64, world mm of `fixed` to world mm of `moving`.
    """
    ours, theirs = _levels(fixed, fixed_affine, fixed_mask), _levels(moving, moving_affine, moving_mask)
    there = _search(ours, theirs, GAIN_TERMS)
    # The way back at the finest level, and the middle of both: what blurs one exam more than the other pulls the two
    # ways apart. The error of clinical pairs halves, and swapped exams get the inverse.
    back, *_ = _align(*_level(theirs[-1], ours[-1]), (np.linalg.inv(there), np.zeros(GAIN_TERMS)), MAX_STEPS)
    return there @ half_way(np.linalg.inv(back @ there))


def fit(fixed, moving, fixed_affine, moving_affine, fixed_mask, moving_mask, gain_terms=GAIN_TERMS):
    """Finds the affine transform one way only, for a `fixed` template, which is no exam and whose mask alone is known.

    Args:
        fixed, moving, fixed_affine, moving_affine, fixed_mask, moving_mask: as for `register`.
        gain_terms: how many terms of the gain are fitted, the first of: 4 linear, 6 quadratic and 10 cubic ones of the
            place, 2 of brightness. A template needs few: a free gain explains a wrong pose away.

    Returns:
        4x4 float64, world mm of `fixed` to world mm of `moving`.
    """
    ours, theirs = _levels(fixed, fixed_affine, fixed_mask), _levels(moving, moving_affine, moving_mask)
    return _search(ours, theirs, gain_terms)


def _search(fixed, moving, gain_terms):
    """Coarse to fine, from the best of several poses."""
    levels = [_level(ours, theirs) for ours, theirs in zip(fixed, moving, strict=True)]
    starts = _starts(_centre(fixed[-1]), _centre(moving[-1]), gain_terms)
    matrix, gain, _ = min((_align(*levels[0], start, START_STEPS) for start in starts), key=lambda found: found[2])
    for level in levels:
        matrix, gain, _ = _align(*level, (matrix, gain), MAX_STEPS)
    return matrix


class _Points:
    """The fixed brain's points at one level: where they are, what they show, how that changes with the parameters."""

    def __init__(self, image, affine, mask, centre):
        inside = mask > 0.5
        self.world = apply(affine, np.argwhere(inside))
        # Coordinates of about -1..1 keep the normal equations well conditioned.
        self.radius = np.abs(self.world - centre).max()
        self.centre = centre
        unit = (self.world - centre) / self.radius
        homogeneous = np.vstack([unit.T, np.ones(len(unit))])
        places = np.vstack([homogeneous, *(unit[:, term].prod(axis=1) for term in TERMS)])
        # Written anew at each step, but not allocated: the system takes longer to find memory than we to fill it.
        self.terms, self.jacobian, self.weighted = (
            np.zeros((rows, len(unit)), np.float32) for rows in (GAIN_TERMS, 12 + GAIN_TERMS, 12 + GAIN_TERMS)
        )
        self.terms[: len(places)] = places
        self.values = image[inside]
        gradient = np.linalg.inv(affine[:3, :3]).T @ [slope[inside] for slope in np.gradient(image)]
        self.jacobian[:12] = (gradient[:, None] * homogeneous).reshape(12, len(unit))

    def model(self, gain, values):
        """The moving image's `values` at the points times their gain, and the derivatives [12 + gain, points]."""
        # What the gain knows of brightness: 1 is the brain's median, and fluid on T2 about 2.
        brightness = np.clip(values, 0, 3) - 1
        self.terms[-2:] = brightness, brightness**2
        terms, jacobian = self.terms[: len(gain)], self.jacobian[: 12 + len(gain)]
        found = np.exp(np.clip(gain.astype(np.float32) @ terms, -MOST_GAIN, MOST_GAIN)) * values
        np.multiply(terms, found, out=jacobian[12:])
        return found, jacobian


def _align(points, image, affine, start, steps):
    """Gauss-Newton from `start`; returns the matrix, the gain's coefficients and the mean absolute residual."""
    matrix, gain = start
    to_voxels = np.linalg.inv(affine)
    for _ in range(steps):
        voxels = apply(to_voxels @ matrix, points.world)
        seen = ((voxels > -0.5) & (voxels < np.array(image.shape) - 0.5)).all(axis=1)
        values = ndimage.map_coordinates(image, voxels.T, order=1, mode="nearest")
        found, jacobian = points.model(gain, values)
        residual = found - points.values
        size = np.abs(residual)
        # A point out of the field of view counts as wholly missed, else moving everything out would be best.
        cost = np.where(seen, size, points.values).mean()
        weights = (seen * tukey(size, np.finfo(np.float32).tiny)).astype(np.float32)
        weighted = np.multiply(jacobian, weights, out=points.weighted[: len(jacobian)])
        normal = weighted @ jacobian.T
        ridge = 1e-6 * np.trace(normal) / len(normal) * np.eye(len(normal))
        update = np.linalg.solve(normal + ridge, weighted @ residual).astype(np.float64)
        shift = update[:12].reshape(3, 4)
        matrix = matrix @ np.linalg.inv(_affine_of(shift, points))
        gain = gain - update[12:]
        if np.abs(shift).sum(axis=1).max() < TOLERANCE_MM:
            break
    return matrix, gain, cost


def _affine_of(shift, points):
    """The 4x4 matrix of the displacement ``shift @ [(x - centre) / radius, 1]``."""
    matrix = np.eye(4)
    matrix[:3, :3] += shift[:, :3] / points.radius
    matrix[:3, 3] = shift[:, 3] - shift[:, :3] @ points.centre / points.radius
    return matrix


def _starts(fixed_centre, moving_centre, gain_terms):
    """Rotations about the brain's centre, centres of mass matched, no gain."""
    from scipy.spatial.transform import Rotation

    for degrees in itertools.product(START_DEGREES, repeat=3):
        matrix = np.eye(4)
        matrix[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
        matrix[:3, 3] = moving_centre - matrix[:3, :3] @ fixed_centre
        yield matrix, np.zeros(gain_terms)


def _levels(image, affine, mask):
    """(image, affine, mask) at each of `LEVELS_MM`, coarse to fine; the image in units of its median in the mask."""
    image = np.asarray(image, np.float32)
    # Air is darker than the mean of a head image, tissue brighter.
    mask = image > image.mean() if mask is None else np.asarray(mask) > 0
    image, mask = image / (np.median(image[mask]) or 1), mask.astype(np.float32)
    levels = []
    # Each level is made of the next finer one.
    for size in reversed(LEVELS_MM):
        (image, coarse), (mask, _) = average(image, affine, size), average(mask, affine, size)
        affine = coarse
        levels.insert(0, (image, affine, mask))
    if not (mask > 0.5).any():
        raise np.linalg.LinAlgError("the mask is smaller than a voxel of the coarsest level")
    return levels


def _level(fixed, moving):
    """What `_align` takes of one level of both exams: points of the first, image and affine of the second."""
    (image, affine, mask), (target, target_affine, _) = fixed, moving
    image, target = _equally_sharp(image, affine, target, target_affine)
    return _Points(image, affine, mask, _centre(fixed)), target, target_affine


def _centre(level):
    _, affine, mask = level
    return apply(affine, np.argwhere(mask > 0.5).mean(axis=0))


def _equally_sharp(fixed, fixed_affine, moving, moving_affine):
    """Smooths both images by `SMOOTHING` and the sharper one by what the other, once interpolated, is blurred more."""
    axes, target_axes = fixed_affine[:3, :3], moving_affine[:3, :3]
    # Covariances of the point spread in mm; heads are turned too little between exams to matter here.
    excess = target_axes @ target_axes.T * (BOX + INTERPOLATION + SMOOTHING**2) - axes @ axes.T * (BOX + SMOOTHING**2)
    return _smooth(fixed, axes, excess), _smooth(moving, target_axes, -excess)


def _smooth(image, axes, excess):
    length = np.square(axes).sum(axis=0)
    lacking = np.maximum(0, np.einsum("ia,ij,ja->a", axes, excess, axes)) / length**2
    return ndimage.gaussian_filter(image, np.sqrt(SMOOTHING**2 + lacking), mode="nearest", truncate=3)
