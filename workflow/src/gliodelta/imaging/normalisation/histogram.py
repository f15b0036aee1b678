"""Histogram matching: the prior exam's percentiles are moved to those of the current one, then both are z-scored.

The piecewise linear map of Nyul et al. 2000, "New variants of a method of MRI scale standardization", within the pair.
A change takes part in it: a tumour that grew has its share of the bright voxels.
"""

import numpy as np

from gliodelta.imaging.normalisation import zscore

PERCENTILES = np.arange(101)


def normalise(prior, current, mask):
    """Normalises a pair; the contract is in this package's docstring."""
    landmarks = [np.percentile(image[mask], PERCENTILES) for image in (prior, current)]
    matched = np.interp(prior, *landmarks)
    scores = zscore.standardise(current, mask)
    values = current[mask].astype(np.float64)
    return ((matched - values.mean()) / values.std() * mask).astype(np.float32), scores
