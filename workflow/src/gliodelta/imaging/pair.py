"""Both exams of a pair on one grid: that of the current exam, or one half-way between the two.

Every image is interpolated once, linearly. In the current exam's space only the prior exam is interpolated, and so a
little blurred; half-way, both are, alike, and swapping the exams gives the same grid (Reuter & Fischl 2011, "Avoiding
asymmetry-induced bias in longitudinal image processing").
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from gliodelta import io
from gliodelta.imaging.arrays import bounding_box
from gliodelta.imaging.engines import finite
from gliodelta.imaging.point_spread import BOX, interpolated
from gliodelta.imaging.resample import average, resample
from gliodelta.imaging.transforms import apply
from gliodelta.status import Excluded

CURRENT, HALF_WAY = "current", "half-way"
# Voxels of background kept around the brain, as in the published maps (Di Noto et al. 2022, arXiv 2210.09698).
PADDING = 3
# Two masks of one brain differ by a rim of some mm all around. Where one of them has a lump thicker than this that the
# other lacks, that one lost a tumour or a cavity at the brain's edge.
LUMP_MM = 8.0
# The brain's extent is looked up at points this far apart.
STEP_MM = 2.0


class Exam(NamedTuple):
    """An exam on a grid.

    Attributes:
        image: float32 (X, Y, Z).
        mask: bool (X, Y, Z), its brain.
        affine: 4x4, voxels to world mm.
        spread: variances of its point spread along the axes, in square voxels.
    """

    image: np.ndarray
    mask: np.ndarray
    affine: np.ndarray
    spread: tuple = (BOX, BOX, BOX)


def read(image, mask):
    """Reads an `Exam` from the files of its image and its brain mask; what is not finite outside the mask becomes 0.

    Raises:
        Excluded: the image is not finite inside the mask.
    """
    source, mask = io.read_image(image), np.asarray(io.read_image(mask).dataobj) > 0
    image = np.asarray(source.dataobj, np.float32)
    finite("an exam is not finite inside the brain", image[mask])
    return Exam(np.nan_to_num(image, posinf=0, neginf=0), mask, source.affine)


def coarse(exam, size_mm):
    """The exam as the means of blocks of about `size_mm`; axes with thicker voxels stay as they are."""
    image, affine = average(exam.image, exam.affine, size_mm)
    mask, _ = average(exam.mask, exam.affine, size_mm)
    return Exam(image, mask > 0.5, affine)


def unite(prior, current, matrix, space):
    """Brings both exams onto the pair's grid, a box around both brains.

    Args:
        prior, current: `Exam` each, on their own grids.
        matrix: 4x4, world mm of the current exam to world mm of the prior one.
        space: `CURRENT` for the voxels of the current exam, `HALF_WAY` for voxels turned and moved half the way, of the
            larger of both exams' spacings along each axis.

    Returns:
        (prior, current), `Exam` each, whose affine maps to world mm of the current exam in both spaces, so that results
        lie over the current exam's images.
    """
    back = np.linalg.inv(matrix)
    lattice = current.affine if space == CURRENT else _half_way(prior, current, matrix)
    points = np.vstack([_points(current), apply(back, _points(prior))])
    affine, shape = _box(lattice, points)
    return _carry(prior, matrix, affine, shape), _carry(current, np.eye(4), affine, shape)


def _carry(exam, matrix, affine, shape):
    """The exam on another grid, from whose world mm `matrix` leads to the exam's."""
    return Exam(
        resample(exam.image, exam.affine, matrix, shape, affine),
        resample(exam.mask, exam.affine, matrix, shape, affine) > 0.5,
        affine,
        interpolated(exam.spread, exam.affine, matrix, affine, shape),
    )


def _points(exam):
    """World coordinates [N, 3] of voxels of the brain, about `STEP_MM` apart."""
    steps = np.maximum(1, STEP_MM // np.linalg.norm(exam.affine[:3, :3], axis=0)).astype(int)
    places = np.argwhere(exam.mask[tuple(slice(None, None, step) for step in steps)]) * steps
    return apply(exam.affine, places)


def _box(lattice, points):
    """The part of a lattice of voxels that holds the points: its affine and shape."""
    voxels = apply(np.linalg.inv(lattice), points)
    margin = 1 + STEP_MM / np.linalg.norm(lattice[:3, :3], axis=0)
    low = np.floor(voxels.min(axis=0) - margin).astype(int)
    high = np.ceil(voxels.max(axis=0) + margin).astype(int)
    return _shifted(lattice, low), tuple(int(length) for length in high - low + 1)


def _shifted(affine, voxels):
    moved = affine.copy()
    moved[:3, 3] = apply(affine, voxels)
    return moved


def _half_way(prior, current, matrix):
    """The lattice between those of both exams, in world mm of the current one.

    Its directions are half-way between theirs, its voxels as large as the larger of theirs, and near the brain's centre
    one lies in the middle between the nearest voxel of each: exams that did not move stay as they are.
    """
    back = np.linalg.inv(matrix)
    found = current.affine, _like(current.affine, back @ prior.affine)
    spacings = [np.linalg.norm(affine[:3, :3], axis=0) for affine in found]
    # The rotation nearest to the sum of two is half-way between them.
    left, _, right = np.linalg.svd(sum(_rotation(affine) for affine in found))
    lattice = np.eye(4)
    lattice[:3, :3] = left @ right * np.maximum(*spacings)
    middle = (_points(current).mean(axis=0) + apply(back, _points(prior)).mean(axis=0)) / 2
    nearest = [apply(affine, np.rint(apply(np.linalg.inv(affine), middle))) for affine in found]
    lattice[:3, 3] = np.mean(nearest, axis=0)
    return lattice


def _rotation(affine):
    left, _, right = np.linalg.svd(affine[:3, :3])
    return left @ right


def _like(reference, affine):
    """`affine` with its voxel axes reordered and turned round so that each runs along the same one of `reference`."""
    from nibabel.orientations import io_orientation

    axes, signs = io_orientation(np.linalg.inv(reference) @ affine).T
    turned = affine.copy()
    turned[:3, axes.astype(int)] = affine[:3, :3] * signs
    return turned


def shown(exam):
    """Where an exam shows anything, bool.

    Beyond its field of view, and in the background of a skull-stripped image, an exam is 0 outside its mask.
    """
    return exam.mask | (exam.image != 0)


def common_brain(prior, current):
    """Finds the brain that both exams show.

    That is what both masks hold, and the lumps thicker than `LUMP_MM` that only one of them does: two masks of one
    brain differ by a thin rim, while a lump is a tumour or a resection cavity at the edge that one mask lost.

    Args:
        prior, current: `Exam` each, on one grid.

    Returns:
        bool array.

    Raises:
        Excluded: there is none.
    """
    differ = (prior.mask ^ current.mask) & shown(prior) & shown(current)
    voxels = np.maximum(1, np.rint(LUMP_MM / np.linalg.norm(current.affine[:3, :3], axis=0))).astype(int)
    lumps = ndimage.grey_opening(differ.view(np.uint8), tuple(voxels)) > 0
    common = (prior.mask & current.mask) | lumps
    if not common.any():
        raise Excluded("the prior exam does not show the brain of the current one")
    return common


def crop(images, mask, affine):
    """Crops arrays to the bounding box of `mask` and pads them with `PADDING` zeros a side.

    Args:
        images: arrays whose first three axes are those of `mask`.
        mask: bool, not empty.
        affine: 4x4, voxels to world mm.

    Returns:
        The cropped arrays and their affine, in which each voxel keeps its place in the world.
    """
    box = bounding_box(mask)
    margins = [(PADDING, PADDING)] * 3
    cropped = [np.pad(image[box], margins + [(0, 0)] * (image.ndim - 3)) for image in images]
    return cropped, _shifted(affine, np.array([part.start for part in box]) - PADDING)
