import nibabel as nib
import numpy as np
import pytest

from gliodelta.imaging.resample import resample


def ramp(shape):
    return np.add.reduce(np.meshgrid(*map(np.arange, shape), indexing="ij")).astype(np.float32)


def test_identity_returns_the_image():
    image = np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32)
    affine = np.diag([1.0, 2, 3, 1])
    assert (resample(image, affine, np.eye(4), image.shape, affine) == image).all()


def test_linear_images_are_interpolated_exactly_in_world_coordinates():
    affine = np.array([[0, 2, 0, 5], [-1, 0, 0, 9], [0, 0, 3, -4], [0, 0, 0, 1.0]])
    fixed_affine = np.diag([0.5, 0.5, 0.5, 1]) @ affine
    fixed_affine[:3, 3] = affine[:3, 3] + affine[:3, :3] @ [2, 2, 2]
    found = resample(ramp((9, 10, 11)), affine, np.eye(4), (4, 4, 4), fixed_affine)
    np.testing.assert_allclose(found, 6 + ramp((4, 4, 4)) / 2, atol=1e-5)


def test_the_matrix_leads_from_the_fixed_to_the_moving_world():
    image = np.zeros((9, 9, 9), np.float32)
    image[5, 4, 4] = 1
    shift = np.eye(4)
    shift[0, 3] = 3
    found = resample(image, np.eye(4), shift, image.shape, np.eye(4))
    assert np.argwhere(found).tolist() == [[2, 4, 4]]


def test_outside_the_field_of_view_is_zero_and_masks_stay_masks():
    mask = np.ones((4, 4, 4), bool)
    far = np.eye(4)
    far[2, 3] = 2.3
    found = resample(mask, np.eye(4), far, (4, 4, 4), np.eye(4), order=0)
    assert set(np.unique(found)) == {0, 1} and found[..., 3].max() == 0 and found[..., 0].min() == 1


@pytest.mark.parametrize("start", [(0, 0, 0), (2, -1, 3), (-4, 5, 0), (9, 0, 0), (0, 0, -9)])
def test_voxels_that_fall_onto_voxels_are_copied_as_interpolation_would(start):
    image = np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32)
    copied, interpolated = (
        resample(image, np.eye(4), nib.affines.from_matvec(np.eye(3), np.add(start, off)), (8, 4, 6), np.eye(4))
        for off in (0, 1e-5)
    )
    np.testing.assert_allclose(copied, interpolated, atol=1e-3)
