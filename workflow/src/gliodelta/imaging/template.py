"""A T2-like head with a known brain outline, from the tissue maps of the MNI152 template in the nilearn wheel."""

import functools
import importlib.util
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from gliodelta import io
from gliodelta.imaging.arrays import largest_part
from gliodelta.imaging.registration import gauss_newton
from gliodelta.imaging.resample import average, resample
from gliodelta.status import Excluded

MAPS = "datasets/data/mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"
# mm. On a real head the fit from 3 mm maps failed in one of two visits; finer ones gain nothing.
STEP = 2
# T2 contrast relative to cerebrospinal fluid, and of the skin and fat around the skull.
WHITE, GREY, FLUID, SCALP = 0.45, 0.62, 1.0, 1.0
# Thickness in mm of fluid around the cortex, of skull, and of scalp, over the top and sides of an adult head.
FLUID_MM, SKULL_MM, SCALP_MM = 2, 7, 5
# Grid of the points that are registered: 2 mm takes four times as long for .003 of Dice in two real visits.
POINTS_MM = 4
# The exam is averaged to voxels of about this size; enough to place an outline.
EXAM_MM = 2.5
# Heads reach this far from the vertex to the skull base; what lies lower is face and neck.
HEAD_MM = 150
# A quadratic gain takes up shading; with cubic terms and those of brightness the fit lost its way in cropped heads.
GAIN_TERMS = 10
# Correlation of the aligned exam with the template inside its skull. Real heads .6 and more, simulated ones .47, bent
# twice as far, cropped or noisy .30; upside down .29, noise below 0. Less than the first is no head, less than
# the second is searched again from elsewhere.
FOUND, GOOD = 0.25, 0.35
# Above this height (mm, MNI) nothing but scalp and air surrounds the skull. They vote too: a template that has grown
# too large meets bright scalp where it expects air.
OPEN_MM, AIR_MM = 0, 17


class Head(NamedTuple):
    """The template: voxels of `STEP` mm in MNI space.

    `image` float32 [X, Y, Z], fluid is 1; `mask` bool, the brain with ventricles, sulci and the fluid around it;
    `affine` 4x4 in mm; `depth` float32, mm below the outline of the mask, negative outside.
    """

    image: np.ndarray
    mask: np.ndarray
    affine: np.ndarray
    depth: np.ndarray


@functools.cache
def head():
    """Makes the template; returns `Head`."""
    grey, affine = _map("gm")
    white, _ = _map("wm")
    brain = _closed(grey + white > 0.2)
    # The outline of the mask lies `FLUID_MM` outside the closed brain's.
    depth = signed_distance(brain, STEP) + FLUID_MM
    image = np.where(brain, WHITE * white + GREY * grey + FLUID * np.clip(1 - white - grey, 0, 1), 0)
    mask = depth >= 0
    image[mask & ~brain] = FLUID
    image[(depth < -SKULL_MM) & (depth >= -SKULL_MM - SCALP_MM)] = SCALP
    return Head(image.astype(np.float32), mask, affine, depth)


def align(data, affine, brain=None):
    """Finds where the template lies in an exam.

    Args:
        data: float32 [X, Y, Z], about RAS+.
        affine: 4x4, its voxels to world mm.
        brain: boolean mask, where the exam shows nothing but its brain.

    Returns:
        4x4 matrix, world mm of the exam to the template's.

    Raises:
        Excluded: no head is found.
    """
    image, points, points_affine = _points(brain is not None)
    coarse, coarse_affine = average(data, affine, EXAM_MM)
    if brain is not None:
        seeds = [average(brain.astype(np.float32), affine, EXAM_MM)[0] > 0.5]
    else:
        seeds = _seeds(coarse, coarse_affine)
    found, best = None, -1
    for seed in seeds:
        # From the template: what its points do not reach, the exam's face and neck, has no vote.
        try:
            back = gauss_newton.fit(image, coarse, points_affine, coarse_affine, points, seed, GAIN_TERMS)
            matrix = np.linalg.inv(back)
        except np.linalg.LinAlgError:
            continue
        fit = _fit(image, points, points_affine, coarse, coarse_affine, back)
        if fit > best:
            found, best = matrix, fit
        if best > GOOD:
            break
    # Inside a brain alone FLAIR and T1 look like T2's negative, and there is nothing else to take for a head.
    if best > FOUND or (brain is not None and found is not None):
        return found
    raise Excluded(
        "no head is found in the image: it does not show one, shows too little of it, or its header turns it wrongly"
    )


def fluid_contrast(data, affine, mask, matrix):
    """Tells how much brighter fluid is than white matter: positive on T2, negative on FLAIR and T1.

    Args:
        data: float32 [X, Y, Z].
        affine: 4x4.
        mask: boolean, the brain.
        matrix: 4x4 from `align`.

    Returns:
        (median of the ventricles - median of deep white matter) / their sum, or None where one of them is not in view.
    """
    template = head()
    coarse, coarse_affine = average(np.where(mask, data, 0), affine, EXAM_MM)
    here = resample(coarse, coarse_affine, np.linalg.inv(matrix), template.image.shape, template.affine)
    # Deeper than the insula's cistern; ventricles are narrow, so that the fullest voxels are the safest.
    fluid = here[(template.depth > 28) & (template.image > 0.85) & (here > 0)]
    white = here[(template.depth > 14) & (template.image < 0.47) & (template.image > 0) & (here > 0)]
    if min(len(fluid), len(white)) < 50:
        return None
    fluid, white = float(np.median(fluid)), float(np.median(white))
    return (fluid - white) / (fluid + white)


def otsu(image):
    """Returns Otsu's threshold of an image's intensities, those above the 99.5th percentile set to it."""
    top = np.percentile(image, 99.5)
    counts, edges = np.histogram(np.minimum(image, top), 256)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    mass = np.cumsum(counts * centres)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (mass / below - (mass[-1] - mass) / above) ** 2
    return centres[np.nanargmax(between)]


@functools.cache
def _points(stripped):
    """The template at `POINTS_MM`, the mask of the points that are registered, and their affine."""
    template = head()
    height = np.arange(template.depth.shape[2]) * STEP + template.affine[2, 3]
    near = (template.depth > -SKULL_MM) | ((template.depth > -AIR_MM) & (height > OPEN_MM))
    image, affine = average(template.image, template.affine, POINTS_MM)
    wanted = template.mask if stripped else near
    return image, average(wanted.astype(np.float32), template.affine, POINTS_MM)[0] > 0.5, affine


def _seeds(data, affine):
    """Where the search may begin, likeliest first: the head below its vertex, all that is bright, the middle."""
    yield upper_head(data, affine)
    yield data > otsu(data)
    offsets = np.indices(data.shape, sparse=True)
    zooms = np.linalg.norm(affine[:3, :3], axis=0)
    parts = zip(offsets, data.shape, zooms, strict=True)
    yield sum(((axis - length / 2) * zoom) ** 2 for axis, length, zoom in parts) < (HEAD_MM / 2) ** 2


def upper_head(data, affine):
    """Returns a boolean mask of the largest bright object, down to `HEAD_MM` below its top."""
    found = data > otsu(data)
    largest = largest_part(ndimage.binary_opening(found))
    if not largest.any():
        return found
    indices = np.indices(data.shape, sparse=True)
    height = sum(axis * slope for axis, slope in zip(indices, affine[2, :3], strict=True))
    return largest & (height > height[largest].max() - HEAD_MM)


def _fit(image, points, points_affine, data, affine, back):
    """Correlation of the aligned exam with the template at its points; -1 where the exam shows less than half."""
    here = resample(data, affine, back, image.shape, points_affine)
    seen = points & (resample(np.ones_like(data), affine, back, image.shape, points_affine) > 0.5)
    if seen.sum() < points.sum() / 2 or np.ptp(here[seen]) == 0:
        return -1
    return np.corrcoef(image[seen], here[seen])[0, 1]


def _map(tissue):
    # The package's folder without importing it, which takes two seconds.
    folder = Path(importlib.util.find_spec("nilearn").origin).parent
    image = io.read_image(folder / MAPS.format(tissue))
    data = np.asarray(image.dataobj)
    blocks, affine = average(data, image.affine, STEP)
    # Air around the maps gives the skull and scalp room.
    margin = -(-(FLUID_MM + SKULL_MM + SCALP_MM) // STEP) + 2
    affine[:3, 3] -= affine[:3, :3] @ np.full(3, margin)
    return np.pad(blocks / data.max(), margin), affine


def _closed(tissue):
    closed = ndimage.binary_closing(tissue, iterations=max(1, 8 // STEP))
    return ndimage.binary_fill_holes(closed)


def signed_distance(mask, step):
    """Distance in mm to the border of a mask of voxels of `step` mm, positive inside; an eighth of scipy's time."""
    import SimpleITK as sitk

    distance = sitk.SignedMaurerDistanceMap(sitk.GetImageFromArray(mask.astype(np.uint8)), squaredDistance=False)
    return -sitk.GetArrayFromImage(distance) * step
