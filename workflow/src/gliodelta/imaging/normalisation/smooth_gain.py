"""Robust linear matching after what is left of both bias fields is taken out of their ratio.

Two bias-corrected exams still differ by a smooth gain, since each correction errs in its own way. Once the exams lie on
each other their ratio shows it: it is estimated from means of blocks, smoothed over a sixth of the brain, without the
blocks that differ most (Tukey's weights), and half of it goes to either exam, so that swapping them changes nothing but
the sign. The idea is the differential bias correction of Lewis & Fox 2004, "Correction of differential intensity
inhomogeneity in longitudinal MR images". `gliodelta.imaging.normalisation.regression` then does the rest.
"""

import numpy as np
from scipy import ndimage

from gliodelta.imaging.arrays import bounding_box, tukey
from gliodelta.imaging.normalisation import regression

# Standard deviation of the smoothing, as a share of the extent of the brain along each axis: about 25 mm, as a tumour
# of 60 ml has as its radius, and less than a coil's field changes over.
SMOOTHING = 1 / 6
# Blocks across a standard deviation: enough to draw a Gaussian.
BLOCKS = 4
STEPS = 4
# Far from the brain a Gaussian is 0, and its logarithm must not be.
NOTHING = np.finfo(np.float32).tiny


def normalise(prior, current, mask):
    """Normalises a pair; the contract is in this package's docstring."""
    half = np.exp(_log_gain(prior, current, mask) / 2)
    return regression.normalise(prior * half, current / half, mask)


def _log_gain(prior, current, mask):
    """Smooth natural logarithm of current / prior, on the grid of both."""
    sigma = np.array([SMOOTHING * (side.stop - side.start) for side in bounding_box(mask)])
    factors = np.maximum(1, sigma // BLOCKS).astype(int)
    share = _blocks(mask, factors)
    first, second = (_blocks(image * mask, factors) / np.maximum(share, 1e-3) for image in (prior, current))
    deep = share > 0.5

    def smooth(values):
        return ndimage.gaussian_filter(values, sigma / factors, truncate=3)

    log = np.log(second[deep].mean() / first[deep].mean())
    least = regression.TINY * np.sqrt(first[deep].mean() * second[deep].mean())
    weights = np.zeros(deep.shape)
    for _ in range(STEPS):
        size = np.abs(second * np.exp(-log / 2) - first * np.exp(log / 2))
        weights[deep] = tukey(size[deep], least)
        # The ratio of root mean squares treats both alike, and dark blocks, of noise, count little.
        earlier, later = (np.maximum(smooth(weights * exam**2), NOTHING) for exam in (first, second))
        log = np.log(later / earlier) / 2
    return _enlarge(log, factors, mask.shape)


def _blocks(image, factors):
    """Means of blocks of `factors` voxels; the last ones are filled up with zeros."""
    padded = np.pad(image.astype(np.float32), [(0, margin) for margin in -np.array(image.shape) % factors])
    shape = np.column_stack([np.array(padded.shape) // factors, factors])
    return padded.reshape(shape.ravel()).mean(axis=(1, 3, 5))


def _enlarge(blocks, factors, shape):
    """Linear interpolation between the middles of the blocks, axis by axis."""
    for size, factor, count in zip(shape, factors, blocks.shape, strict=True):
        places = (np.arange(size) + 0.5) / factor - 0.5
        weights = [np.interp(places, np.arange(count), block) for block in np.eye(count)]
        # The axis interpolated moves to the end; after three, all are in their places.
        blocks = np.tensordot(blocks, np.array(weights, np.float32), axes=(0, 0))
    return blocks
