"""The published recipe's z-score: mean and deviation over the brain's bounding box, with its zero background.

They change with the size of the box, and so do the differences (Di Noto et al. 2022, arXiv 2210.09698); for parity.
"""

import numpy as np

from gliodelta.imaging.pair import crop


def normalise(prior, current, mask):
    """Normalises a pair; the contract is in this package's docstring, but that the deviation is the box's."""
    images = [(image * mask).astype(np.float32) for image in (prior, current)]
    boxes, _ = crop(images, mask, np.eye(4))
    return tuple((image - box.mean()) / box.std() * mask for image, box in zip(images, boxes, strict=True))
