"""Each exam by itself: minus its mean over the common brain, over its standard deviation there."""

import numpy as np


def normalise(prior, current, mask):
    """Normalises a pair; the contract is in this package's docstring."""
    return standardise(prior, mask), standardise(current, mask)


def standardise(image, mask):
    """Returns the z-scores of `image` inside `mask` as float32, 0 outside; mean and deviation are those inside."""
    values = image[mask].astype(np.float64)
    scores = np.zeros(image.shape, np.float32)
    scores[mask] = (values - values.mean()) / values.std()
    return scores
