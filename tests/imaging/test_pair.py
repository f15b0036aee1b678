import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gliodelta.imaging.pair import LUMP_MM, PADDING, Exam, coarse, common_brain, crop, unite
from gliodelta.status import Excluded

AFFINE = np.array([[-2, 0, 0, 30], [0, 2, 0, -20], [0, 0, 3, 7], [0, 0, 0, 1.0]])
SHAPE = (20, 24, 16)


def box(low=(4, 6, 2), high=(16, 20, 14)):
    mask = np.zeros(SHAPE, bool)
    mask[tuple(slice(*ends) for ends in zip(low, high, strict=True))] = True
    return mask


def exam(seed=0, mask=None, affine=AFFINE):
    image = np.random.default_rng(seed).uniform(50, 100, SHAPE).astype(np.float32)
    return Exam(image, box() if mask is None else mask, affine)


def motion(degrees, mm):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(np.radians(degrees)).as_matrix()
    matrix[:3, 3] = mm
    return matrix


def world(affine, shape):
    return np.moveaxis(np.indices(shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]


def test_the_current_exam_keeps_its_voxels_in_its_own_space():
    prior, current = exam(0), exam(1)
    found = unite(prior, current, motion((3, -2, 4), (5, 6, -7)), "current")[1]
    places = np.rint(world(np.linalg.inv(AFFINE) @ found.affine, found.image.shape)).astype(int)
    inside = ((places >= 0) & (places < SHAPE)).all(axis=-1)
    np.testing.assert_allclose(found.image[inside], current.image[tuple(places[inside].T)], rtol=1e-5)
    assert found.mask.sum() == current.mask.sum() and not found.image[~inside].any()


def test_half_way_exams_that_did_not_move_stay_as_they_are():
    prior, current = unite(exam(0), exam(1), np.eye(4), "half-way")
    assert np.sort(prior.image[prior.mask]) == pytest.approx(np.sort(exam(0).image[box()]), rel=1e-5)
    assert np.sort(current.image[current.mask]) == pytest.approx(np.sort(exam(1).image[box()]), rel=1e-5)


def test_half_way_grids_of_a_pair_and_of_its_swap_are_the_same_points():
    matrix = motion((6, -4, 9), (12, -7, 5))
    straight = unite(exam(0), exam(1), matrix, "half-way")[0]
    swapped = unite(exam(1), exam(0), np.linalg.inv(matrix), "half-way")[0]
    step = np.linalg.inv(straight.affine) @ np.linalg.inv(matrix) @ swapped.affine
    np.testing.assert_allclose(step[:3, :3], np.eye(3), atol=1e-6)
    np.testing.assert_allclose(step[:3, 3], np.rint(step[:3, 3]), atol=1e-6)


def test_half_way_is_half_the_turn_whatever_the_order_of_the_voxels():
    matrix = motion((0, 0, 20), (0, 0, 0))
    # The prior exam's voxels run along other axes, and its slices are thicker.
    turned = np.array([[0, 0, -2, 18], [0, 2, 0, -20], [4, 0, 0, -30], [0, 0, 0, 1.0]])
    prior, current = unite(exam(0, affine=matrix @ turned), exam(1), matrix, "half-way")
    spacing = np.linalg.norm(current.affine[:3, :3], axis=0)
    np.testing.assert_allclose(spacing, [2, 2, 4])
    assert (prior.affine == current.affine).all()
    same = unite(exam(0, affine=turned), exam(1), np.eye(4), "half-way")[0].affine
    np.testing.assert_allclose(np.abs(same[:3, :3]), np.diag([2, 2, 4]), atol=1e-9)
    # Scanners' axes, 20 degrees of the head between them: 10 from either.
    still = unite(exam(0), exam(1), matrix, "half-way")[0].affine
    turn = still[:3, :3] / np.linalg.norm(still[:3, :3], axis=0) @ np.diag([-1, 1, 1])
    assert np.degrees(Rotation.from_matrix(turn).as_rotvec()) == pytest.approx([0, 0, -10], abs=1e-6)


@pytest.mark.parametrize("space", ["current", "half-way"])
def test_both_exams_are_seen_at_the_same_places(space):
    # Each exam shows its own world coordinate along one axis: linear interpolation keeps it.
    matrix = motion((5, 8, -6), (9, -4, 6))
    shown = [Exam(world(AFFINE, SHAPE)[..., axis].astype(np.float32), box(), AFFINE) for axis in (0, 1)]
    prior, current = unite(*shown, matrix, space)
    places = world(current.affine, current.image.shape)
    common = prior.mask & current.mask
    assert common.sum() > 500
    np.testing.assert_allclose(current.image[common], places[common][:, 1], atol=1e-3)
    moved = places @ matrix[:3, :3].T + matrix[:3, 3]
    np.testing.assert_allclose(prior.image[common], moved[common][:, 0], atol=1e-3)


def test_a_thin_rim_of_one_mask_is_left_out_and_a_thick_lump_stays():
    larger = box((4, 6, 2), (18, 20, 14))
    assert (common_brain(exam(0, larger), exam(1)) == box()).all()
    lump = box((4, 6, 2), (10, 20, 14))
    assert LUMP_MM < (10 - 4) * 2
    cut = box() & ~lump
    assert (common_brain(exam(0), exam(1, cut)) == box()).all()
    assert (common_brain(exam(0, cut), exam(1)) == box()).all()


def test_what_an_exam_does_not_show_is_no_common_brain():
    prior = exam(0)
    hidden = np.zeros(SHAPE, bool)
    hidden[:, :, 8:] = True
    prior = Exam(np.where(hidden, 0, prior.image), prior.mask & ~hidden, AFFINE)
    assert (common_brain(prior, exam(1)) == box() & ~hidden).all()


def test_fluid_that_is_zero_inside_both_masks_belongs_to_the_brain():
    current = exam(1)
    current.image[8:10, 8:10, 8:10] = 0
    assert (common_brain(exam(0), current) == box()).all()


def test_no_common_brain_is_a_fault_of_the_data():
    with pytest.raises(Excluded, match="does not show"):
        common_brain(Exam(np.zeros(SHAPE, np.float32), np.zeros(SHAPE, bool), AFFINE), exam(1))


def test_a_coarse_exam_keeps_its_place_and_mean():
    ramp = world(AFFINE, SHAPE)[..., 0].astype(np.float32)
    found = coarse(Exam(ramp, box(), AFFINE), 6)
    assert found.image.shape == (6, 8, 8)
    np.testing.assert_allclose(found.image, world(found.affine, found.image.shape)[..., 0], atol=1e-4)


def test_the_crop_moves_the_origin_and_pads_even_at_the_border():
    mask = box((0, 3, 10), (5, 9, 16))
    places = world(AFFINE, SHAPE)
    (cropped, again), affine = crop((places * mask[..., None], mask), mask, AFFINE)
    assert cropped.shape[:3] == again.shape == tuple(length + 2 * PADDING for length in (5, 6, 6))
    for voxel in ([3, 3, 3], [7, 8, 8]):
        assert cropped[tuple(voxel)].tolist() == (affine @ [*voxel, 1])[:3].tolist()
