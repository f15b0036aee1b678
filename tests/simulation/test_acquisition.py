"""A scan shows what was there, where the pose says, with the noise and field that were asked for."""

import numpy as np
import pytest

from gliodelta.schema import validate
from gliodelta.simulation.acquisition import ATLAS, Scan, Visit, acquire, coil_field, draw_scan, truth_masks
from gliodelta.simulation.geometry import Grid, box

GRID = box((-40, -40, -40), (40, 40, 40), 2)


def visit(signal, drift=(0, 0, 0)):
    """A visit without anatomy: only where things are matters."""
    coarse = box((-60, -60, -60), (60, 60, 60), 10)
    field = np.broadcast_to(np.array(drift, float), (*coarse.shape, 3)).copy()
    return Visit(GRID, {}, np.ones(GRID.shape), 1 - 2 * signal, 2 * signal - 1, field, coarse)


def blob(centre, radius=6):
    distance = np.sqrt(sum((axis - middle) ** 2 for axis, middle in zip(GRID.world(), centre, strict=True)))
    return (distance < radius).astype(np.float32)


def centre_of(mask, affine):
    return (affine @ [*np.argwhere(mask).mean(0), 1])[:3]


def settings(**changes):
    return validate({"pixel_mm": 2.0, "slice_mm": 4.0, **changes}, "simulation", "test")


def test_the_pose_carries_the_patient_to_the_scanner():
    scan = draw_scan(settings(rotation_degrees=15, translation_mm=10), "s01", "0000")
    assert np.allclose(scan.pose[:3, :3] @ scan.pose[:3, :3].T, np.eye(3)) and not np.allclose(
        scan.pose, np.eye(4), atol=0.05
    )
    found = centre_of(truth_masks(visit(blob((10, -8, 6))), scan)["tumour"], scan.grid.affine)
    assert found == pytest.approx((scan.pose @ [10, -8, 6, 1])[:3], abs=0.7)


def test_tissue_is_taken_from_where_the_drift_says():
    scan = Scan(np.eye(4), GRID)
    found = centre_of(truth_masks(visit(blob((10, 0, 0)), drift=(4, 0, -2)), scan)["brain"], GRID.affine)
    assert found == pytest.approx([6, 0, 2], abs=0.3)


def test_a_slice_is_the_mean_over_its_thickness():
    # Signal grows along z; a thick slice and its image moved by nothing have the same mean as their middles.
    ramp = np.broadcast_to(GRID.world()[2] + 100, GRID.shape).astype(np.float32)
    affine = np.diag([2.0, 2.0, 8.0, 1.0])
    affine[:3, 3] = (-20, -20, -20)
    image = acquire(visit(ramp), ramp, Scan(np.eye(4), Grid((21, 21, 6), affine)), np.random.default_rng(1), 0, 0)
    assert image[10, 10] == pytest.approx(100 + np.arange(-20, 21, 8), abs=1e-3)
    # A sheet of one voxel is thinned out, and not missed.
    sheet = (np.abs(GRID.world()[2] - 2) < 1).astype(np.float32) * np.ones(GRID.shape, np.float32)
    image = acquire(visit(sheet), sheet, Scan(np.eye(4), Grid((21, 21, 6), affine)), np.random.default_rng(1), 0, 0)
    assert 0.05 < image[10, 10].max() < 0.7


def test_noise_in_air_is_rayleigh():
    nothing = np.zeros(GRID.shape, np.float32)
    image = acquire(visit(nothing), nothing, Scan(np.eye(4), GRID), np.random.default_rng(1), 0.2, 0.05)
    assert image.mean() == pytest.approx(0.05 * np.sqrt(np.pi / 2), rel=0.02)
    assert image.std() == pytest.approx(0.05 * np.sqrt(2 - np.pi / 2), rel=0.02)


def test_the_coil_field_is_smooth_and_of_the_size_asked_for():
    field = np.log(coil_field(np.random.default_rng(1), (40, 50, 20), 0.2))
    assert field.std() == pytest.approx(0.2, rel=1e-3) and field.mean() == pytest.approx(0, abs=1e-3)
    # Two waves across the image at most: neighbours differ by less than one standard deviation.
    assert np.abs(np.diff(field, axis=0)).max() < 0.2


def test_exams_differ_in_grid_and_an_atlas_does_not():
    first, second = (draw_scan(settings(), "s01", session).grid for session in ("0000", "0100"))
    assert not np.allclose(first.spacing, second.spacing)
    assert first.spacing == pytest.approx([2, 2, 4], rel=0.11)
    atlas = [draw_scan(settings(voxel_jitter=0), "b01", session, ATLAS).grid for session in ("0000", "0100")]
    assert np.array_equal(atlas[0].affine, atlas[1].affine)
