"""Affine transforms as 4x4 matrices in world mm: how large a motion is, and how to go half of the way."""

import numpy as np


def apply(matrix, points):
    """Returns points, [n, 3] in mm, moved by a 4x4 matrix."""
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def half_way(matrix):
    """Returns the affine that, applied twice, is `matrix`: it carries two exams to the space midway between them.

    With ``half = half_way(matrix)`` and `matrix` from the current to the prior world, a point x of the midway space
    is shown by the current exam at ``inv(half) @ x`` and by the prior exam at ``half @ x``; swapping the exams inverts
    `matrix` and therefore `half`, so that the midway space stays.

    Args:
        matrix: 4x4 affine that mirrors nothing and turns by less than 180 degrees.

    Raises:
        numpy.linalg.LinAlgError: such a matrix it is not, and no real square root of it is the one in the middle.
    """
    from scipy import linalg

    # Eigenvalues on the negative half axis: a mirror, or half a turn, which could go either way.
    values = np.linalg.eigvals(matrix)
    if ((values.real <= 0) & np.isclose(values.imag, 0)).any():
        raise np.linalg.LinAlgError("a transform that mirrors, flattens or turns by 180 degrees has no half way")
    return np.real(linalg.sqrtm(matrix))


def motion(matrix, centre):
    """Describes a transform in words that people use.

    Args:
        matrix: 4x4 affine, world mm.
        centre: the point, 3 numbers in mm, whose shift counts: far from the head a small turn is a long way.

    Returns:
        dict: `translation_mm` of the centre, `rotation_degrees` about its own axis (0 to 180), `stretch_percent`, the
        largest change of length along any direction: scale and shear together, 0 for a rigid motion. All rounded.
    """
    left, stretches, right = np.linalg.svd(matrix[:3, :3])
    # The nearest rotation; its trace is 1 + 2 cos(angle).
    cosine = (np.trace(left @ right) - 1) / 2
    return {
        "translation_mm": round(float(np.linalg.norm(apply(matrix, centre) - centre)), 2),
        "rotation_degrees": round(float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))), 2),
        "stretch_percent": round(float(100 * np.abs(stretches - 1).max()), 2),
    }
