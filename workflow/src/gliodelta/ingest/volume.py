"""What is checked and mended of an image, whatever it was read from: arrays with their affines, no files."""

import hashlib

import numpy as np

from gliodelta.ingest.layouts import refuse_huge
from gliodelta.ingest.series import MIN_COVERAGE_MM
from gliodelta.status import Excluded

# Clinical T2 has voxels of 0.3 to 7 mm; sizes beyond these are a lost or mistaken unit.
MIN_SPACING_MM, MAX_SPACING_MM = 0.1, 12
# A ball of 10 mm, the smallest lesion that RANO measures: a hole of less can hide or feign none.
MAX_HOLE_ML = 0.5
# Cosine between axes. 0.001 moves the last of 200 mm of slices by 0.2 mm, less than registration can tell.
MAX_SHEAR = 1e-3


def check_kind(shape, dtype):
    """Raises `Excluded` unless an image of this shape and numpy type is one volume of numbers."""
    volumes = int(np.prod(shape[3:]))
    if len(shape) < 3 or volumes != 1:
        found = f"{volumes} volumes" if len(shape) > 3 else f"{len(shape)} dimensions"
        raise Excluded(f"the image has {found}, not one of 3 dimensions; let the exam's source be a single T2 volume")
    if dtype.kind not in "biuf":
        raise Excluded("the image's voxels are colours or complex numbers, not measured intensities")


def numbers(array):
    """Returns an image's voxels as [x, y, z] in the machine's byte order: up to 32 bits as they are, else float32.

    Raises:
        Excluded: see `check_kind`.
    """
    check_kind(array.shape, array.dtype)
    small = array.dtype.kind in "iu" and array.dtype.itemsize <= 4
    with np.errstate(over="ignore"):
        array = array.astype(array.dtype.newbyteorder("=") if small else np.float32, copy=False)
    return array.reshape(array.shape[:3], order="F")


def closest_to_ras(array, affine):
    """Flips and permutes the axes to be the closest to right, anterior, superior; each voxel stays at its place.

    Args:
        array: [x, y, z].
        affine: 4x4, voxel to world in mm (RAS+).

    Returns:
        (array, affine): the array in Fortran order, which is that of the file.
    """
    import nibabel as nib

    orientation = nib.io_orientation(affine)
    affine = affine @ nib.orientations.inv_ornt_aff(orientation, array.shape)
    return np.asfortranarray(nib.apply_orientation(array, orientation)), affine


def check_affine(affine):
    """Raises `Excluded` unless the affine has an inverse."""
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < MIN_SPACING_MM**3:
        raise Excluded("the image's orientation matrix is not invertible")


def check_size(shape, affine):
    """Returns the voxel size in mm of an image that may be a head."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if spacing.min() < MIN_SPACING_MM or spacing.max() > MAX_SPACING_MM:
        raise Excluded(f"the voxels measure {_sizes(spacing)} mm, which no clinical T2 does")
    if (spacing * shape).min() < MIN_COVERAGE_MM:
        raise Excluded(f"the image covers {_sizes(spacing * shape)} mm, less than a head in one direction")
    return spacing


def _sizes(lengths):
    return " x ".join(f"{length:.4g}" for length in lengths)


def perpendicular(array, affine):
    """Resamples an image with slanted axes (gantry tilt, sheared sform) to perpendicular ones.

    Few tools know sheared axes, and the qform of NIfTI cannot say them. The last axis of slices becomes their normal:
    each slice keeps its plane and is moved within it, by linear interpolation, so nothing is mixed between slices.

    Args:
        array: [x, y, z], slices along the last axis.
        affine: 4x4, voxel to world in mm.

    Returns:
        (array, affine, sentence): float32 on a grid that holds all of the image, zero where it says nothing, and what
        was done; all as they came, and None, when the axes are perpendicular.
    """
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    shear = np.abs(axes.T @ axes - np.eye(3)).max()
    if shear <= MAX_SHEAR:
        return array, affine, None
    from scipy.ndimage import affine_transform

    rotation, upper = np.linalg.qr(affine[:3, :3])
    # QR leaves the signs open: the new axes point where the old ones do.
    upright = rotation * np.diag(upper)
    to_upright = np.linalg.inv(upright) @ affine[:3, :3]
    corners = to_upright @ (np.array([*np.ndindex(2, 2, 2)]) * (np.array(array.shape) - 1)).T
    # A thousandth of a voxel is rounding.
    start = np.floor(corners.min(1) + 1e-3)
    shape = (np.ceil(corners.max(1) - 1e-3) - start + 1).astype(int)
    # Axes that almost coincide would take gigabytes.
    refuse_huge(tuple(map(int, shape)))
    back = np.linalg.inv(to_upright)
    # Of the modes, this one alone keeps voxels of the border that rounding puts outside.
    options = {"order": 1, "mode": "grid-constant"}
    moved = affine_transform(array.astype(np.float32), back, back @ start, tuple(shape), **options)
    grid = np.eye(4)
    grid[:3] = np.column_stack([upright, affine[:3, 3] + upright @ start])
    degrees = np.degrees(np.arcsin(min(shear, 1)))
    return moved, grid, f"axes {degrees:.1f} degrees from perpendicular, resampled to perpendicular ones"


def without_holes(array, spacing):
    """Sets voxels that are not finite to 0, the value outside the head.

    Args:
        array: [x, y, z].
        spacing: voxel size in mm.

    Returns:
        (array, how many were not finite).

    Raises:
        Excluded: they take more than `MAX_HOLE_ML`, or nothing else is left but one value.
    """
    holes = ~np.isfinite(array) if array.dtype.kind == "f" else np.zeros((), bool)
    count = int(holes.sum())
    volume = count * float(np.prod(spacing)) / 1000
    if volume > MAX_HOLE_ML:
        raise Excluded(f"{volume:.3g} ml of the image are not finite, more than {MAX_HOLE_ML} ml")
    if count:
        array = np.where(holes, np.float32(0), array)
    if array.min() == array.max():
        raise Excluded("all voxels of the image are equal")
    return array, count


def intensities(array):
    """Returns facts about an image's voxels: what quality control asks and no header says.

    Args:
        array: [x, y, z], finite.

    Returns:
        dict: saturated, the share of voxels at the image's maximum (0..1); negative, the share below 0; voxels_digest,
        equal for images of equal voxels whatever their type and place.
    """
    return {
        "saturated": _share(array == array.max()),
        "negative": _share(array < 0),
        "voxels_digest": _digest(array),
    }


def _share(found):
    return float(f"{np.count_nonzero(found) / found.size:.4g}")


def _digest(array):
    found = hashlib.sha256(repr(array.shape).encode())
    for plane in array.T:
        found.update(np.ascontiguousarray(plane, "<f4"))
    return found.hexdigest()[:16]
