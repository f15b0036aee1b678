"""A T2-like head with a known brain mask, made from the tissue maps of the MNI152 template in the nilearn wheel."""

import functools
import importlib.util
from pathlib import Path

import numpy as np
from scipy import ndimage

from gliodelta import io

MAPS = "datasets/data/mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"
# mm. On a real head the fit from 3 mm maps failed in one of two visits; finer ones gain nothing.
STEP = 2
# T2 contrast relative to cerebrospinal fluid, and of the skin and fat around the skull.
WHITE, GREY, FLUID, SCALP = 0.45, 0.62, 1.0, 1.0
# Thickness in mm of fluid around the cortex, of skull, and of scalp, over the top and sides of an adult head.
FLUID_MM, SKULL_MM, SCALP_MM = 2, 7, 5


@functools.cache
def head():
    """Makes the head.

    Returns:
        Tuple of the image (float32 [X, Y, Z], voxels of `STEP` mm, fluid is 1), the brain mask (boolean, with
        ventricles, sulci and the fluid around the cortex), the 4x4 affine in mm (MNI space) and the mask of brain and
        skull (boolean).
    """
    grey, affine = _map("gm")
    white, _ = _map("wm")
    brain = _closed(grey + white > 0.2)
    distance = ndimage.distance_transform_edt(~brain) * STEP
    image = np.where(brain, WHITE * white + GREY * grey + FLUID * np.clip(1 - white - grey, 0, 1), 0)
    mask = distance <= FLUID_MM
    image[mask & ~brain] = FLUID
    scalp = (distance > FLUID_MM + SKULL_MM) & (distance <= FLUID_MM + SKULL_MM + SCALP_MM)
    image[scalp] = SCALP
    return image.astype(np.float32), mask, affine, distance <= FLUID_MM + SKULL_MM


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


def _map(tissue):
    # The package's folder without importing it, which takes two seconds.
    folder = Path(importlib.util.find_spec("nilearn").origin).parent
    image = io.read_image(folder / MAPS.format(tissue))
    data = image.get_fdata(dtype=np.float32)
    affine = image.affine @ np.diag([STEP, STEP, STEP, 1])
    affine[:3, 3] = image.affine[:3, :3] @ np.full(3, (STEP - 1) / 2) + image.affine[:3, 3]
    size = np.array(data.shape) // STEP
    blocks = data[tuple(slice(n * STEP) for n in size)].reshape(size[0], STEP, size[1], STEP, size[2], STEP)
    # Air around the maps gives the skull and scalp room.
    margin = -(-(FLUID_MM + SKULL_MM + SCALP_MM) // STEP) + 2
    padded = np.pad(blocks.mean(axis=(1, 3, 5)) / data.max(), margin)
    affine[:3, 3] -= affine[:3, :3] @ np.full(3, margin)
    return padded, affine


def _closed(tissue):
    closed = ndimage.binary_closing(tissue, iterations=max(1, 8 // STEP))
    return ndimage.binary_fill_holes(closed)
