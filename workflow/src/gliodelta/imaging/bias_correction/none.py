"""No correction, for images that are corrected already or as a baseline."""

import numpy as np


def correct(data, affine, mask):
    """Returns the image as it is; the contract is in this package's docstring."""
    return np.asarray(data, np.float32)
