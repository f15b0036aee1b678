"""A template's mask carried to the exam and fitted to its edge: two seconds an exam, nothing learnt or downloaded.

The template is made from the MNI152 grey and white matter maps that the nilearn wheel ships (`imaging.template`).
Registration is the robust affine of `imaging.registration.gauss_newton`. An affine cannot follow the shape of every
head, so that near the outline brightness has a say too: fluid and brain are bright, bone is dark.
"""

import numpy as np
from scipy import ndimage

from gliodelta.imaging import template
from gliodelta.imaging.registration import gauss_newton
from gliodelta.imaging.resample import resample
from gliodelta.status import Excluded

# Heads reach this far from the vertex to the skull base; what lies lower is face and neck.
HEAD_MM = 150
# Grid of the exam: every second to fifth voxel is enough to place an outline.
GRID_MM = 2.5
# Grid of the template's points: 2 mm takes four times as long for .003 of Dice in two real visits.
POINTS_MM = 4
# This depth below the carried outline counts as 1 in the log odds of being brain; beyond the reach it counts no more.
OUTLINE_MM, REACH_MM = 3, 12
# Below this share of the brightness of the brain around, a voxel is likelier bone; its vote is at most 1 either way.
EDGE = 0.65
# Brain around: shading varies over centimetres. Deeper than this below the outline, so that there is no bone in it.
AROUND_MM, DEEP_MM = 25, 4
# Smoothing of the odds: single dark voxels are vessels.
SMOOTH_MM = 1.5


def extract(data, affine):
    """Returns the template's mask on the exam; the contract is in this package's docstring."""
    coarse, coarse_affine = _thinned(data, affine, GRID_MM)
    matrix = _register(coarse, coarse_affine)
    _, mask, template_affine, _ = template.head()
    # `resample` puts 0 outside the template; shifted, 0 is as far outside the brain as can be.
    depth = resample(_depth(mask) + REACH_MM, template_affine, matrix, coarse.shape, coarse_affine) - REACH_MM
    odds = _odds(coarse, depth, np.linalg.norm(coarse_affine[:3, :3], axis=0))
    lowest = odds.min()
    return resample(odds - lowest, coarse_affine, np.eye(4), data.shape, affine) > -lowest


def _thinned(data, affine, spacing):
    """Means of blocks of about `spacing` mm, which hide noise and the scalp's thin bright lines, and their affine."""
    steps = np.maximum(1, np.round(spacing / np.linalg.norm(affine[:3, :3], axis=0))).astype(int)
    means = ndimage.uniform_filter(data, steps)[tuple(slice(None, None, step) for step in steps)]
    coarse = affine @ np.diag([*steps, 1.0])
    # A window of even length is centred half a voxel before its voxel.
    coarse[:3, 3] -= affine[:3, :3] @ (steps % 2 == 0) / 2
    return means, coarse


def _register(data, affine):
    """Returns the 4x4 matrix from the exam's world mm to the template's."""
    image, _, template_affine, near = template.head()
    head, head_affine = _thinned(image, template_affine, POINTS_MM)
    points, _ = _thinned(near.astype(np.float32), template_affine, POINTS_MM)
    upper = _upper_head(data, affine)
    # From the template: its points end at the skull, so that face, neck and scalp of the exam have no vote.
    try:
        return np.linalg.inv(gauss_newton.register(head, data, head_affine, affine, points > 0.5, upper))
    except np.linalg.LinAlgError:
        # The template was shrunk to nothing.
        raise Excluded("the template finds no head in the image") from None


def _depth(mask):
    """Depth in mm below the template's outline, negative outside, at most `REACH_MM`."""
    inside, outside = (ndimage.distance_transform_edt(part) * template.STEP for part in (mask, ~mask))
    return np.clip(inside - outside, -REACH_MM, REACH_MM).astype(np.float32)


def _odds(data, depth, zooms):
    """Log odds of being brain, from the depth below the carried outline and from brightness."""
    deep = (depth > DEEP_MM).astype(np.float32)
    weight, total = (ndimage.gaussian_filter(part, AROUND_MM / zooms) for part in (deep, deep * data))
    around = total / np.maximum(weight, 1e-3)
    bright = np.clip(data / np.maximum(EDGE * around, 1e-6) - 1, -1, 1)
    return ndimage.gaussian_filter(depth / OUTLINE_MM + bright, SMOOTH_MM / zooms)


def _upper_head(data, affine):
    """The head down to `HEAD_MM` below its vertex: where the search begins."""
    found = data > template.otsu(data)
    labels, count = ndimage.label(ndimage.binary_opening(found))
    if not count:
        return found
    head = labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1
    indices = np.indices(data.shape, sparse=True)
    height = sum(axis * slope for axis, slope in zip(indices, affine[2, :3], strict=True))
    return head & (height > height[head].max() - HEAD_MM)
