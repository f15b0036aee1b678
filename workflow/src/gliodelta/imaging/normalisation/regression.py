"""Robust linear matching: the line between both exams that what has not changed lies on.

Both exams are standardised by mean and deviation of the same voxels, which count by Tukey's weights (Beaton & Tukey
1974) of their difference, so that a tumour that grew or was taken out has no vote. This is the geometric mean
regression (reduced major axis), which treats both exams alike: swapping them changes the sign of the difference only.
"""

import numpy as np

from gliodelta.imaging.arrays import tukey

STEPS = 10
# A tenth of a per cent of a standard deviation is less than any map shows.
TOLERANCE = 1e-3
# Exams may be equal but for a gain: what differs by this share of a deviation is then rounding.
TINY = 1e-6
# The line is known from far fewer voxels than a brain has.
VOXELS = 200_000


def normalise(prior, current, mask):
    """Normalises a pair; the contract is in this package's docstring."""
    values = [image[mask].astype(np.float64) for image in (prior, current)]
    sample = [part[:: max(1, part.size // VOXELS)] for part in values]
    scales = _robust_scales(sample)
    # The unit is the deviation of the whole current brain, not of the part that has not changed.
    unit = np.std(values[1]) / scales[1][1]
    scores = np.zeros((2, *mask.shape), np.float32)
    for score, part, (middle, deviation) in zip(scores, values, scales, strict=True):
        score[mask] = (part - middle) / deviation / unit
    return tuple(scores)


def _robust_scales(values):
    """Weighted mean and deviation of each of two arrays, the weights those of their standardised difference."""
    weights, before = np.ones(len(values[0])), np.zeros((2, 2))
    for _ in range(STEPS):
        scales = [_moments(part, weights) for part in values]
        if np.abs(np.subtract(scales, before)).max() < TOLERANCE * scales[1][1]:
            break
        first, second = ((part - middle) / deviation for part, (middle, deviation) in zip(values, scales, strict=True))
        size = np.abs(second - first)
        weights = tukey(size, TINY)
        before = scales
    return scales


def _moments(values, weights):
    middle = np.average(values, weights=weights)
    return middle, np.sqrt(np.average(np.square(values - middle), weights=weights))
