"""A head is a head: brain of human size, in fluid, bone and scalp, each patient's another."""

import numpy as np
import pytest
from scipy import ndimage

from gliodelta.schema import validate
from gliodelta.simulation.anatomy import TISSUES, make_head

SETTINGS = validate({"grid_mm": 3.0}, "simulation", "test")


@pytest.fixture(scope="module")
def head():
    return make_head(SETTINGS, "s01")


def test_the_brain_is_one_closed_body_of_human_size(head):
    brain = head.depth <= 0
    # Intracranial volume of adults: 1.1 to 1.9 litres.
    assert 1100 < brain.sum() * head.grid.voxel_ml < 1900
    assert ndimage.label(brain)[1] == 1
    assert (ndimage.binary_fill_holes(brain) == brain).all()


def test_fractions_are_fractions(head):
    total = sum(head.tissues.values())
    assert all(fraction.min() > -1e-5 for fraction in head.tissues.values())
    assert total.max() < 1 + 1e-5
    assert set(head.tissues) <= set(TISSUES)


def test_the_layers_lie_inside_out(head):
    # Along a ray from the middle of the brain to the vertex.
    x, y, _ = np.round(np.linalg.inv(head.grid.affine) @ [0, -15, 0, 1])[:3].astype(int)
    ray = slice(int(np.argmin(head.depth[x, y])), None)
    tissue = {name: fraction[x, y, ray] for name, fraction in head.tissues.items()}
    brain = tissue["white"] + tissue["grey"]
    assert np.flatnonzero(brain > 0.5).max() < np.argmax(tissue["bone"]) < np.argmax(tissue["fat"])
    assert all(fraction[-1] == 0 for fraction in tissue.values())


def test_patients_differ_and_a_patient_stays_the_same(head):
    again, other = make_head(SETTINGS, "s01"), make_head(SETTINGS, "s02")
    assert np.array_equal(again.texture, head.texture) and np.array_equal(again.depth, head.depth)
    brain, another = head.depth <= 0, other.depth <= 0
    assert 0.6 < 2 * (brain & another).sum() / (brain.sum() + another.sum()) < 0.97
