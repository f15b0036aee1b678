import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from gliodelta.imaging.transforms import apply, half_way, motion

numbers = st.floats(-1, 1, allow_nan=False)


@st.composite
def affines(draw):
    """Rotations of up to 100 degrees with stretch, shear and shift, as between two exams and beyond."""
    matrix = np.eye(4)
    turn = Rotation.from_rotvec(np.radians(100 / np.sqrt(3)) * np.array([draw(numbers) for _ in range(3)])).as_matrix()
    matrix[:3, :3] = turn @ (np.eye(3) + 0.05 * np.reshape([draw(numbers) for _ in range(9)], (3, 3)))
    matrix[:3, 3] = [80 * draw(numbers) for _ in range(3)]
    return matrix


@settings(max_examples=50, deadline=None)
@given(affines())
def test_twice_half_the_way_is_the_way_and_the_way_back_has_the_inverse_half(matrix):
    half = half_way(matrix)
    np.testing.assert_allclose(half @ half, matrix, atol=1e-6)
    np.testing.assert_allclose(half_way(np.linalg.inv(matrix)), np.linalg.inv(half), atol=1e-6)


def test_half_a_turn_of_forty_degrees_is_twenty():
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("z", 40, degrees=True).as_matrix()
    assert motion(half_way(matrix), np.zeros(3))["rotation_degrees"] == 20


@pytest.mark.parametrize("diagonal", [(-1, 1, 1, 1), (-1, -1, 1, 1), (0, 1, 1, 1)])
def test_a_mirror_half_a_turn_and_a_plane_have_no_middle(diagonal):
    with pytest.raises(np.linalg.LinAlgError, match="no half way"):
        half_way(np.diag(diagonal).astype(float))


def test_motion_of_a_known_transform():
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("x", -30, degrees=True).as_matrix() @ np.diag([1, 1.04, 0.97])
    centre = np.array([10.0, 20, 30])
    # A turn about the head's own middle, which then moves 5 mm.
    matrix[:3, 3] = centre - matrix[:3, :3] @ centre + [3, 0, 4]
    assert motion(matrix, centre) == {"translation_mm": 5, "rotation_degrees": 30, "stretch_percent": 4}
    still = motion(np.eye(4), centre)
    assert set(still.values()) == {0}


def test_apply_moves_points_as_columns_are_moved():
    matrix = np.array([[0, -1, 0, 5], [1, 0, 0, 6], [0, 0, 2, 7], [0, 0, 0, 1.0]])
    assert apply(matrix, np.array([[1.0, 2, 3]])).tolist() == [[3, 7, 13]]
