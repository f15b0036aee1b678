import numpy as np
import pytest

from gliodelta.imaging.point_spread import BOX, SMOOTHING_MM, equalise, interpolated
from gliodelta.imaging.resample import resample

SHAPE = (31, 31, 31)
OWN = (BOX, BOX, BOX)


def shifted(*voxels):
    matrix = np.eye(4)
    matrix[:3, 3] = voxels
    return matrix


def variances(image):
    """Second central moments along the axes, in square voxels."""
    found = []
    for axis in range(3):
        line = image.sum(axis=tuple({0, 1, 2} - {axis})).astype(float)
        places = np.arange(line.size)
        middle = np.average(places, weights=line)
        found.append(np.average((places - middle) ** 2, weights=line))
    return np.array(found)


def impulse():
    image = np.zeros(SHAPE, np.float32)
    image[15, 15, 15] = 1
    return image


@pytest.mark.parametrize("shift", [(0, 0, 0), (0.5, 0, 0.1), (0.25, 0.5, 0.75)])
def test_interpolation_blurs_by_what_it_does_to_a_point(shift):
    seen = resample(impulse(), np.eye(4), shifted(*shift), SHAPE, np.eye(4))
    found = interpolated(OWN, np.eye(4), shifted(*shift), np.eye(4), SHAPE)
    np.testing.assert_allclose(found, BOX + variances(seen), atol=1e-6)


def test_thick_slices_are_blurred_along_their_axis_only():
    thick, fine = np.diag([1, 1, 4.0, 1]), np.eye(4)
    found = interpolated(OWN, thick, np.eye(4), fine, SHAPE)
    # Slices of four voxels' width; interpolation between them adds d (1 - d), which is 5/32 on average over quarters.
    np.testing.assert_allclose(found, [BOX, BOX, 16 * (BOX + 5 / 32)], rtol=0.05)
    swapped = np.array([[0, 0, 4, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]])
    np.testing.assert_allclose(interpolated(OWN, swapped, np.eye(4), fine, SHAPE), found[::-1], rtol=0.05)


def test_both_images_end_with_the_same_point_spread():
    everywhere, spacing = np.ones(SHAPE, bool), np.array([1.0, 1.0, 2.0])
    # On a grid a Gaussian of half a voxel is a few per cent narrower than it should be.
    spreads = [np.array([0.5, 0.5, 0.5]), np.array([0.5, 2.0, 0.1])]
    first, second = equalise([impulse(), impulse()], spreads, everywhere, spacing)
    widths = [variances(image) + spread for image, spread in zip((first, second), spreads, strict=True)]
    np.testing.assert_allclose(widths[0], widths[1], rtol=0.06)
    np.testing.assert_allclose(widths[0], np.array([0.5, 2.0, 0.5]) + (SMOOTHING_MM / spacing) ** 2, rtol=0.06)


def test_nothing_comes_in_from_beyond_the_field_of_view():
    shown = np.ones(SHAPE, bool)
    shown[:, :, 20:] = False
    flat = np.where(shown, 100, 0).astype(np.float32)
    found, _ = equalise([flat, flat], [np.full(3, 0.1), np.full(3, 1.0)], shown, np.ones(3))
    np.testing.assert_allclose(found[shown], 100, rtol=1e-5)
    assert not found[~shown].any()
