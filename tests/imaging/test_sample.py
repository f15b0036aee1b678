import hashlib

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from gliodelta import io
from gliodelta.imaging.sample import grid_affine, sample_maps, to_grid, to_shape

SPACING, SHAPE = (2.0, 2.0, 4.0), (48, 60, 24)
BALL_MM, RADIUS_MM = np.array([15.0, -10.0, 12.0]), 14


def ball_in_box(affine, shape):
    """A brain that is a box of 0.5, in whose world a ball of 2 lies: (pair, affine)."""
    world = np.moveaxis(np.indices(shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    brain = (np.abs(world) < [40, 50, 38]).all(axis=-1)
    ball = np.linalg.norm(world - BALL_MM, axis=-1) < RADIUS_MM
    return np.stack([0.5 * brain, brain * np.where(ball, 2, 0.5)], axis=-1).astype(np.float32), affine


ORDERS = {
    "fine slices": (np.array([[1, 0, 0, -60], [0, 1, 0, -70], [0, 0, 3, -57], [0, 0, 0, 1.0]]), (120, 140, 39)),
    "turned": (np.array([[0, -1, 0, 60], [0, 0, 3, -72], [1, 0, 0, -60], [0, 0, 0, 1.0]]), (120, 120, 49)),
}


@pytest.mark.parametrize("order", ORDERS)
def test_content_keeps_its_place_and_size_in_mm(order):
    pair, affine = ball_in_box(*ORDERS[order])
    sampled = to_grid(pair, affine, SPACING, SHAPE)
    assert sampled.shape == (2, *SHAPE)
    target = grid_affine(pair.any(axis=-1), affine, SPACING, SHAPE)
    ball = np.argwhere(sampled[1] > 1.25)
    centre = target[:3, :3] @ ball.mean(axis=0) + target[:3, 3]
    assert np.linalg.norm(centre - BALL_MM) < 1
    assert len(ball) * np.prod(SPACING) == pytest.approx(4 / 3 * np.pi * RADIUS_MM**3, rel=0.1)


def test_axes_run_right_front_top_and_the_brain_is_in_the_middle():
    pair, affine = ball_in_box(*ORDERS["turned"])
    sampled = to_grid(pair, affine, SPACING, SHAPE)
    for axis in range(3):
        inside = np.flatnonzero(sampled[0].max(axis=tuple({0, 1, 2} - {axis})) > 0.25)
        assert abs(inside.mean() - (SHAPE[axis] - 1) / 2) <= 0.5
    ball, middle = np.argwhere(sampled[1] > 1.25).mean(axis=0), (np.array(SHAPE) - 1) / 2
    assert (np.sign(ball - middle) == np.sign(BALL_MM)).all()


def test_moving_the_scanner_changes_nothing():
    pair, affine = ball_in_box(*ORDERS["fine slices"])
    moved = affine.copy()
    moved[:3, 3] += [13.7, -200, 55]
    first, second = (to_grid(pair, place, SPACING, SHAPE) for place in (affine, moved))
    np.testing.assert_allclose(first, second, atol=1e-4)


def test_a_coarser_grid_averages_instead_of_picking():
    noise = np.random.default_rng(0).normal(1, 1, (90, 90, 90, 2)).astype(np.float32)
    sampled = to_grid(noise, np.diag([1.0, 1, 1, 1]), (3, 3, 3), (16, 16, 16))
    assert sampled.std() < 0.3 and sampled.mean() == pytest.approx(1, abs=0.05)


RAS = np.eye(4)


def content(*shape, seed=0):
    """A pair of noise that is nowhere 0, far from the edges of its image."""
    inside = np.random.default_rng(seed).uniform(1, 2, (*shape, 2)).astype(np.float32)
    return np.pad(inside, [(7, 4)] * 3 + [(0, 0)]), inside


def test_resizing_to_half_the_size_averages_blocks_of_the_padded_content():
    pair, inside = content(10, 12, 14)
    padded = np.pad(inside, [(3, 3)] * 3 + [(0, 0)])
    blocks = padded.reshape(8, 2, 9, 2, 10, 2, 2).mean(axis=(1, 3, 5))
    np.testing.assert_allclose(to_shape(pair, RAS, (8, 9, 10)), np.moveaxis(blocks, -1, 0), rtol=1e-5)


def test_resizing_to_its_own_and_to_twice_its_size_repeats_voxels():
    pair, inside = content(4, 5, 6)
    padded = np.moveaxis(np.pad(inside, [(3, 3)] * 3 + [(0, 0)]), -1, 0)
    np.testing.assert_array_equal(to_shape(pair, RAS, (10, 11, 12)), padded)
    twice = padded.repeat(2, axis=1).repeat(2, axis=2).repeat(2, axis=3)
    np.testing.assert_allclose(to_shape(pair, RAS, (20, 22, 24)), twice, rtol=1e-6)


@pytest.mark.parametrize("shape", [(7, 9, 5), (16, 30, 11), (31, 16, 23)])
def test_resizing_is_the_area_interpolation_of_the_published_code(shape):
    torch = pytest.importorskip("torch")
    pair, inside = content(9, 10, 17, seed=1)
    padded = torch.tensor(np.moveaxis(np.pad(inside, [(3, 3)] * 3 + [(0, 0)]), -1, 0))
    expected = torch.nn.functional.interpolate(padded[None], size=shape, mode="area")[0]
    np.testing.assert_allclose(to_shape(pair, RAS, shape), expected.numpy(), atol=1e-6)


@pytest.mark.parametrize("order", ORDERS)
def test_resized_content_fills_the_array_whatever_its_size_in_mm_and_way_it_lies(order):
    pair, affine = ball_in_box(*ORDERS[order])
    resized = to_shape(pair, affine, SHAPE)
    wider = affine.copy()
    wider[:3, :3] *= 1.3
    np.testing.assert_array_equal(resized, to_shape(pair, wider, SHAPE))
    inside = np.argwhere(resized[0] > 0)
    # Three voxels of padding are at most 4.6 voxels here, of 60 that were 39.
    assert (inside.min(axis=0) <= 4).all() and (inside.max(axis=0) >= np.subtract(SHAPE, 5)).all()
    ball, middle = np.argwhere(resized[1] > 1.25).mean(axis=0), (np.array(SHAPE) - 1) / 2
    assert (np.sign(ball - middle) == np.sign(BALL_MM)).all()


@pytest.fixture
def cohort(tmp_path):
    rows, images = [], []
    for subject, prior, current, include in (
        ("b1", "0", "96", "yes"),
        ("a1", "0", "50", "yes"),
        ("a1", "50", "90", "no"),
    ):
        pair, affine = ball_in_box(*ORDERS["fine slices"])
        images.append(tmp_path / f"sub-{subject}_pair-{prior}to{current}_pair.nii.gz")
        io.write_image(pair, affine, images[-1])
        rows.append({"subject": subject, "prior": prior, "current": current, "include": include})
    io.write_image(np.zeros((1, 1, 1)), np.eye(4), images[-1])
    io.write_table(pd.DataFrame(rows), tmp_path / "maps.tsv")
    return tmp_path, images


def test_the_cache_holds_the_included_pairs_as_half_floats(cohort):
    folder, images = cohort
    sample_maps(folder / "maps.tsv", images, SPACING, SHAPE, False, folder / "grid.safetensors", folder / "grid.sha256")
    cache = load_file(folder / "grid.safetensors")
    expected = hashlib.sha256((folder / "grid.safetensors").read_bytes()).hexdigest()
    assert (folder / "grid.sha256").read_text() == f"{expected}  grid.safetensors\n"
    assert list(cache) == ["a1/0/50", "b1/0/96"]
    image = io.read_image(images[0])
    expected = to_grid(np.asarray(image.dataobj), image.affine, SPACING, SHAPE).astype(np.float16)
    assert cache["b1/0/96"].dtype == np.float16 and (cache["b1/0/96"] == expected).all()


def test_the_cache_of_resized_pairs_holds_them_resized(cohort):
    folder, images = cohort
    sample_maps(folder / "maps.tsv", images, SPACING, SHAPE, True, folder / "grid.safetensors")
    image = io.read_image(images[1])
    expected = to_shape(np.asarray(image.dataobj), image.affine, SHAPE).astype(np.float16)
    assert (load_file(folder / "grid.safetensors")["a1/0/50"] == expected).all()


def test_the_order_of_rows_and_files_does_not_change_a_byte(cohort):
    folder, images = cohort
    sample_maps(folder / "maps.tsv", images, SPACING, SHAPE, False, folder / "first")
    io.write_table(io.read_table(folder / "maps.tsv").iloc[::-1], folder / "maps.tsv")
    sample_maps(folder / "maps.tsv", images[::-1], SPACING, SHAPE, False, folder / "second")
    assert (folder / "first").read_bytes() == (folder / "second").read_bytes()


def test_no_included_pair_makes_an_empty_cache(cohort):
    folder, images = cohort
    table = io.read_table(folder / "maps.tsv").assign(include="no")
    io.write_table(table, folder / "maps.tsv")
    sample_maps(folder / "maps.tsv", images, SPACING, SHAPE, False, folder / "grid.safetensors")
    assert load_file(folder / "grid.safetensors") == {}
