"""A template's mask carried to the exam: a second an exam, nothing learnt, nothing downloaded.

The template is made from the MNI152 grey and white matter maps that the nilearn wheel ships (`imaging.template`).
Registration is the robust affine of `imaging.registration.gauss_newton`.
"""

import numpy as np
from scipy import ndimage

from gliodelta.imaging import template
from gliodelta.imaging.registration import gauss_newton
from gliodelta.imaging.resample import resample

# Heads reach this far from the vertex to the skull base; what lies lower is face and neck.
HEAD_MM = 150
# Every second to fifth voxel is enough to place an outline.
GRID_MM = 2.5


def extract(data, affine):
    """Returns the template's mask on the exam; the contract is in this package's docstring."""
    steps = np.maximum(1, np.round(GRID_MM / np.linalg.norm(affine[:3, :3], axis=0))).astype(int)
    # The mean of a block hides noise and the scalp's thin bright lines, which a single voxel may hit or miss.
    smooth = ndimage.uniform_filter(data, steps)
    coarse, coarse_affine = smooth[tuple(slice(None, None, step) for step in steps)], affine @ np.diag([*steps, 1])
    head, mask, template_affine, near = template.head()
    # From the template: its points end at the skull, so that face, neck and scalp of the exam have no vote.
    upper = _upper_head(coarse, coarse_affine)
    matrix = gauss_newton.register(head, coarse, template_affine, coarse_affine, near, upper)
    return resample(mask.astype(np.float32), template_affine, np.linalg.inv(matrix), data.shape, affine) > 0.5


def _upper_head(data, affine):
    """The head down to `HEAD_MM` below its vertex: where the search begins."""
    found = data > template.otsu(data)
    labels, count = ndimage.label(ndimage.binary_opening(found))
    if not count:
        return found
    head = labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1
    indices = np.indices(data.shape, sparse=True)
    height = sum(axis * slope for axis, slope in zip(indices, affine[2, :3], strict=True))
    return head & (height > height[head].max() - HEAD_MM)
