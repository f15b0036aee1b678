"""The template's outline, bent until it follows the bright-to-dark edge between fluid and bone: nothing learnt.

An affine cannot follow the shape of every head. So the outline is a level set, the template's depth plus a smooth
shift, and the exam's voxels near it vote: inwards where they are dark like bone, outwards where they are bright like
brain. Averaged over an area that shrinks step by step, the votes are a region competition (Zhu & Yuille 1996,
doi:10.1109/34.537343) whose speed is smooth as in Sobolev active contours (Sundaramoorthi et al. 2007,
doi:10.1007/s11263-006-0635-2). A tumour or a bleeding at the edge is outvoted by what surrounds it.
"""

import numpy as np
from scipy import ndimage

from gliodelta.imaging import template
from gliodelta.imaging.arrays import largest_part
from gliodelta.imaging.resample import average, resample

# The shift is found on the template's grid at this size: an outline is smoother than that.
SHIFT_MM = 4
# Depth counts no more beyond.
REACH_MM = 25
# Of each stage: radius (standard deviation, mm) over which votes are averaged, half width (mm) of the band around the
# outline that votes, and how far (mm) the stage may move the outline outwards and inwards. Wide enough first for the 15
# mm that an affine is off by at worst. Late stages give little way inwards: what is dark and small is a lesion.
STAGES = ((35, 10, 15, 7), (20, 6, 5, 2), (12, 4, 3, 1))
# Steps a stage; the vote is a Newton step, shortened, as the band is not evenly filled.
STEPS, DAMPING = 4, 0.8
# Dents of the outline up to twice as wide (mm) are filled, above this height (mm, MNI).
DENT_MM, CONVEX_MM = 20, 0
# Share of the shift lost at each step, so that it returns to the affine's where there is no edge, such as at the neck.
RETURN = 0.1
# Below this share of the brightness of the brain around a voxel votes for bone, and fully at `SOFT` off it.
EDGE, SOFT = 0.78, 0.2
# Bright voxels vote for brain where they hang together with it, and not beyond this depth (mm): scalp, eyes, muscle.
LINKED_MM = 10
# Brain around: shading varies over centimetres. Deeper than this below the outline, so that there is no bone in it.
AROUND_MM, DEEP_MM = 15, 6
# The last word is the odds of each voxel: this depth below the outline counts 1, darkness as much against.
OUTLINE_MM, BONE = 3, 0.65
# Fluid brighter than this in a layer thinner than about 10 mm around the brain is none of it; a cavity is thicker.
FLUID, FLUID_VOTE, LAYER_STEPS = 1.35, 3, 2
# Where the mask ends, in mm below the outline: the best of -1 to 2 on two real visits (simulated heads prefer 1 to 2).
INSET_MM = -0.5
# Smoothing of the odds: single dark voxels are vessels. 1.5 mm costs two real visits .001 of Dice.
SMOOTH_MM = 2


def extract(data, affine, matrix):
    """Returns the template's mask bent to the exam; the contract is in this package's docstring."""
    coarse, coarse_affine = average(data, affine, template.EXAM_MM)
    outline, grid = _bent(coarse, coarse_affine, matrix)
    # `resample` puts 0 outside the template; shifted, 0 is as far outside the brain as can be.
    depth = resample(outline + 2 * REACH_MM, grid, matrix, coarse.shape, coarse_affine) - 2 * REACH_MM
    odds = _odds(coarse, depth, np.linalg.norm(coarse_affine[:3, :3], axis=0))
    lowest = odds.min()
    found = resample(odds - lowest, coarse_affine, np.eye(4), data.shape, affine) > -lowest
    return ndimage.binary_fill_holes(largest_part(found))


def _bent(exam, affine, matrix):
    """Depth (mm) below the outline that fits the exam, on the template's grid, and the grid's affine."""
    head = template.head()
    depth, grid = average(np.clip(head.depth, -REACH_MM, REACH_MM), head.affine, SHIFT_MM)
    back = np.linalg.inv(matrix)
    here = resample(exam, affine, back, depth.shape, grid)
    seen = (resample(np.ones_like(exam), affine, back, depth.shape, grid) > 0.99).astype(np.float32)
    shift = np.zeros_like(depth)
    for radius, width, outwards, inwards in STAGES:
        start, votes = shift, _votes(here, seen, depth + shift)
        for _ in range(STEPS):
            band = np.clip(1.5 - np.abs(depth + shift) / width, 0, 1) * seen
            # A small constant keeps what nothing voted on where it is.
            vote = _smooth(band * votes, radius) / (_smooth(band, radius) + 0.02)
            shift = shift + width * DAMPING * vote - RETURN * shift
            shift = np.clip(shift, start - inwards, start + outwards)
    return _filled(depth + shift, grid), grid


def _filled(depth, grid):
    """Fills dents: over the skull base a brain is convex, so that a dent is something dark that grew or bled there."""
    hull = template.signed_distance(template.signed_distance(depth > 0, SHIFT_MM) > -DENT_MM, SHIFT_MM) - DENT_MM
    height = np.arange(depth.shape[2]) * SHIFT_MM + grid[2, 3]
    return np.where(height > CONVEX_MM, np.maximum(depth, hull), depth)


def _votes(exam, seen, depth):
    """-1 (bone) to 1 (brain) for each voxel of the template's grid."""
    bright = _relative(exam, depth, np.full(3, SHIFT_MM), seen) / EDGE - 1
    votes = np.clip(bright * EDGE / SOFT, -1, 1)
    linked = largest_part(ndimage.binary_erosion(votes > 0) & (depth > -LINKED_MM))
    return np.where(ndimage.binary_dilation(linked), votes, -np.abs(votes))


def _relative(image, depth, zooms, seen=1.0):
    """Brightness relative to the brain around."""
    deep = (depth > DEEP_MM) * np.float32(seen)
    weight, total = (ndimage.gaussian_filter(part, AROUND_MM / zooms, truncate=2.5) for part in (deep, deep * image))
    return image / np.maximum(total / np.maximum(weight, 1e-3), 1e-6)


def _odds(image, depth, zooms):
    """Log odds of being brain, from the depth below the bent outline and from brightness."""
    bright = _relative(image, depth, zooms)
    fluid = bright > FLUID
    # What opening leaves is thick: ventricle, cavity, cyst. Beyond the image fluid may go on.
    core = ndimage.binary_erosion(fluid, iterations=LAYER_STEPS, border_value=1)
    layer = ~ndimage.binary_dilation(core, iterations=LAYER_STEPS + 1)
    odds = (depth - INSET_MM) / OUTLINE_MM + np.clip(bright / BONE - 1, -1, 1)
    odds -= FLUID_VOTE * np.clip((bright - FLUID) / 0.3, 0, 1) * layer
    return ndimage.gaussian_filter(odds, SMOOTH_MM / zooms)


def _smooth(image, radius):
    # Two and a half standard deviations: a vote's tail moves nothing.
    return ndimage.gaussian_filter(image, radius / SHIFT_MM, truncate=2.5)
