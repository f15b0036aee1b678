"""WhiteStripe: each exam by the middle and the spread of its own normal white matter.

Shinohara et al. 2014, "Statistical normalization techniques for magnetic resonance imaging". On T2 most of the brain
is about as bright as white matter, so that the largest mode of the histogram marks it; the stripe is a tenth of the
brain's voxels around it. Scores are in deviations of the stripe, then brought to deviations of the current brain.
"""

import numpy as np
from scipy import ndimage

# Quantiles to either side of the mode, as published.
WIDTH = 0.05
BINS, SMOOTHING_BINS = 200, 5
# Vessels and noise beyond these percentiles would widen the bins.
RANGE = (1, 99)


def normalise(prior, current, mask):
    """Normalises a pair; the contract is in this package's docstring."""
    stripes = [_stripe(image[mask]) for image in (prior, current)]
    scale = stripes[1][1] / current[mask].std()
    return tuple(
        ((image - middle) / spread * scale * mask).astype(np.float32)
        for image, (middle, spread) in zip((prior, current), stripes, strict=True)
    )


def _stripe(values):
    """The middle of white matter and the standard deviation around it."""
    counts, edges = np.histogram(values, BINS, np.percentile(values, RANGE))
    peak = ndimage.gaussian_filter1d(counts.astype(float), SMOOTHING_BINS).argmax()
    middle = edges[peak : peak + 2].mean()
    rank = (values < middle).mean()
    low, high = np.quantile(values, np.clip((rank - WIDTH, rank + WIDTH), 0, 1))
    return middle, values[(values >= low) & (values <= high)].std()
