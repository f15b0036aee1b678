"""A T2-like brain of known pose for the tests: MNI152 tissue maps, seen by a clinical 2-D scan."""

import functools
from pathlib import Path

import numpy as np
from scipy import ndimage


@functools.cache
def tissue():
    """T2-like brain at 1 mm: (image, mask, affine); WM .45, GM .62, CSF 1, background 0."""
    import nibabel as nib
    import nilearn

    folder = Path(nilearn.__file__).parent / "datasets" / "data"
    grey, white = (nib.load(folder / f"mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz") for kind in ("gm", "wm"))
    affine = grey.affine
    grey, white = (np.asarray(image.dataobj, np.float32) for image in (grey, white))
    grey, white = grey / grey.max(), white / white.max()
    mask = ndimage.binary_fill_holes(ndimage.binary_closing(grey + white > 0.3, iterations=6))
    csf = np.clip(1 - grey - white, 0, 1)
    return (0.45 * white + 0.62 * grey + csf) * mask, mask, affine


def pose(rng, degrees, mm=10, scale=0.02):
    """A random 12-parameter transform, turning by `degrees` about a random axis."""
    from scipy.spatial.transform import Rotation

    axis = rng.normal(size=3)
    matrix = np.eye(4)
    turn = Rotation.from_rotvec(np.radians(degrees) * axis / np.linalg.norm(axis)).as_matrix()
    matrix[:3, :3] = turn @ (np.eye(3) + rng.normal(0, scale / 2, (3, 3)))
    matrix[:3, 3] = rng.uniform(-mm, mm, 3)
    return matrix


def lesion(centre_mm, volume_ml):
    """A smooth ball of `volume_ml` as a function of world points: 1 inside, 0 outside."""
    radius = (volume_ml * 1000 * 3 / 4 / np.pi) ** (1 / 3)
    return lambda world: 1 / (1 + np.exp(np.linalg.norm(world - centre_mm, axis=-1) - radius))


def scan(world_to_anatomy, rng, spacing=(1.2, 1.2, 4.0), noise=0.03, gain=0.3, tumour=None, centre=(0, -18, 8)):
    """Shows the brain in another pose.

    Args:
        world_to_anatomy: 4x4, scanner world mm to MNI world mm.
        rng: numpy Generator for noise and gain.
        spacing: voxel size in mm; a voxel shows the mean of its slice.
        noise: standard deviation of the Rician noise (CSF is 1).
        gain: peak of the smooth log-gain.
        tumour: function from `lesion`, in anatomy coordinates.

    Returns:
        (image, mask, affine): float32, bool, 4x4.
    """
    image, mask, affine = tissue()
    spacing = np.array(spacing, float)
    shape = np.ceil(np.array([190, 220, 180]) / spacing).astype(int)
    middle = (np.linalg.inv(world_to_anatomy) @ [*centre, 1])[:3]
    grid = np.diag([*spacing, 1.0])
    grid[:3, 3] = middle - spacing * (shape - 1) / 2
    # The mean over the slice: at three depths where slices are thick.
    depths = (-1 / 3, 0, 1 / 3) if spacing[2] > 2 else (0,)
    to_anatomy, to_voxels = (world_to_anatomy @ grid).astype(np.float32), np.linalg.inv(affine)
    voxels = np.moveaxis(np.indices(shape, dtype=np.float32), 0, -1)
    scanned = 0
    for depth in depths:
        turned = to_voxels @ to_anatomy
        shift = turned[:3, :3] @ [0, 0, depth] + turned[:3, 3]
        part = ndimage.affine_transform(image, turned[:3, :3], shift, tuple(shape), order=1)
        if tumour is not None:
            anatomy = (voxels + np.float32([0, 0, depth])) @ to_anatomy[:3, :3].T + to_anatomy[:3, 3]
            part += tumour(anatomy) * (1.1 - part) * (part > 0)
        scanned = scanned + part / len(depths)
    inside = ndimage.affine_transform(mask.astype(np.float32), turned[:3, :3], turned[:3, 3], tuple(shape), order=1)
    unit = (voxels / shape.astype(np.float32) - 0.5) * 2
    field = np.exp(gain * np.cos(unit @ rng.uniform(-1.5, 1.5, 3).astype(np.float32) + rng.uniform(0, 6)))
    first, second = noise * rng.standard_normal((2, *shape), np.float32)
    return (300 * np.hypot(scanned * field + first, second)).astype(np.float32), inside > 0.5, grid


def error_mm(found, truth, mask, affine):
    """Mean distance in mm between where two transforms put the points of the brain."""
    points = np.argwhere(mask)[::50] @ affine[:3, :3].T + affine[:3, 3]
    difference = found - truth
    return np.linalg.norm(points @ difference[:3, :3].T + difference[:3, 3], axis=1).mean()
