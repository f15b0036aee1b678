"""The contract of registration engines, over all files of the plug-in folder, and what the default one adds."""

import numpy as np
import phantom
import pytest

from gliodelta import plugins
from gliodelta.imaging.registration import gauss_newton
from gliodelta.imaging.resample import resample

ENGINES = plugins.names("gliodelta.imaging.registration")


def two_visits(seed, degrees, spacings, tumours=(None, None), **settings):
    """Two scans of one brain, `degrees` apart, and the true current -> prior world matrix."""
    rng = np.random.default_rng(seed)
    poses = phantom.pose(rng, degrees / 2), phantom.pose(rng, -degrees / 2)
    scans = [
        phantom.scan(pose, rng, spacing, tumour=tumour, **settings)
        for pose, spacing, tumour in zip(poses, spacings, tumours, strict=True)
    ]
    return scans, np.linalg.inv(poses[1]) @ poses[0]


def error(engine, scans, truth):
    (fixed, mask, affine), (moving, moving_mask, moving_affine) = scans
    found = engine.register(fixed, moving, affine, moving_affine, mask, moving_mask)
    return phantom.error_mm(found, truth, mask, affine)


@pytest.fixture(scope="module")
def coarse():
    return two_visits(0, 10, [(4, 4, 5), (4, 4, 5)])


@pytest.mark.parametrize("name", ENGINES)
def test_engine_finds_a_known_transform(name, coarse):
    scans, truth = coarse
    identity = phantom.error_mm(np.eye(4), truth, *scans[0][1:])
    # A quarter of these large voxels; the fine cases below ask for more.
    assert identity > 5 and error(plugins.load("gliodelta.imaging.registration", name), scans, truth) < 1


@pytest.mark.parametrize("name", ENGINES)
def test_engine_gives_the_same_matrix_twice(name, coarse):
    (fixed, mask, affine), (moving, moving_mask, moving_affine) = coarse[0]
    register = plugins.load("gliodelta.imaging.registration", name).register
    first, second = (register(fixed, moving, affine, moving_affine, mask, moving_mask) for _ in range(2))
    assert first.shape == (4, 4) and (first == second).all()


@pytest.mark.parametrize("name", ENGINES)
def test_engine_works_in_any_voxel_order(name, coarse):
    (fixed, mask, affine), (moving, moving_mask, moving_affine) = coarse[0]
    # Voxel (i, j, k) of the scan becomes voxel (Y - 1 - j, k, X - 1 - i); the world stays.
    turn = np.array([[0, -1, 0, fixed.shape[1] - 1], [0, 0, 1, 0], [-1, 0, 0, fixed.shape[0] - 1], [0, 0, 0, 1.0]])
    turned, turned_mask = (
        np.ascontiguousarray(np.transpose(volume, (1, 2, 0))[::-1, :, ::-1]) for volume in (fixed, mask)
    )
    assert turned[tuple((turn @ [3, 4, 5, 1])[:3].astype(int))] == fixed[3, 4, 5]
    found = plugins.load("gliodelta.imaging.registration", name).register(
        turned, moving, affine @ np.linalg.inv(turn), moving_affine, turned_mask, moving_mask
    )
    assert phantom.error_mm(found, coarse[1], mask, affine) < 1


@pytest.mark.parametrize(
    ("seed", "degrees", "spacings"),
    [
        (1, 8, [(1.2, 1.2, 4.0), (1.2, 1.2, 4.0)]),
        (2, 20, [(1.2, 1.2, 4.0), (1.2, 1.2, 5.5)]),
        (3, 30, [(1.5, 1.5, 5.0), (1.5, 1.5, 1.5)]),
        (4, 30, [(1.5, 1.5, 1.5), (1.5, 1.5, 5.0)]),
    ],
)
def test_gauss_newton_is_right_by_a_third_of_a_millimetre(seed, degrees, spacings):
    assert error(gauss_newton, *two_visits(seed, degrees, spacings)) < 0.3


@pytest.mark.parametrize("volume_ml", [10, 60])
def test_a_growing_tumour_does_not_pull(volume_ml):
    place = (30, -20, 20)
    tumours = phantom.lesion(place, volume_ml), phantom.lesion(place, 5)
    assert error(gauss_newton, *two_visits(5, 8, [(1.5, 1.5, 4.0)] * 2, tumours)) < 0.3


def test_a_cut_field_of_view_does_not_pull():
    (current, (prior, mask, affine)), truth = two_visits(6, 8, [(1.5, 1.5, 4.0)] * 2)
    lost = np.argwhere(mask)[:, 2].min() + 8
    moved = affine.copy()
    moved[:3, 3] += lost * affine[:3, 2]
    assert error(gauss_newton, (current, (prior[..., lost:], mask[..., lost:], moved)), truth) < 0.3


def test_gauss_newton_without_masks():
    ((fixed, mask, affine), (moving, _, moving_affine)), truth = two_visits(7, 8, [(1.5, 1.5, 4.0)] * 2)
    found = gauss_newton.register(fixed, moving, affine, moving_affine)
    assert phantom.error_mm(found, truth, mask, affine) < 0.5


def test_the_matrix_is_what_resample_takes(coarse):
    ((fixed, mask, affine), (moving, _, moving_affine)), truth = coarse
    shown = [resample(moving, moving_affine, matrix, fixed.shape, affine)[mask] for matrix in (np.eye(4), truth)]
    before, after = (np.corrcoef(image, fixed[mask])[0, 1] for image in shown)
    assert after > before + 0.2
