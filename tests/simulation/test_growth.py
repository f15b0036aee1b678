"""Tumours grow as the Fisher-KPP equation says."""

import numpy as np
import pytest

from gliodelta.simulation.anatomy import make_head
from gliodelta.simulation.geometry import box
from gliodelta.simulation.growth import arrival_times, grow, ventricle_drift


def test_the_front_moves_at_the_speed_of_fisher_and_kolmogorov():
    diffusion, rate, cell = 0.3, 0.03, 0.5
    start = np.zeros(600, bool)
    start[:4] = True
    arrival = arrival_times(np.full(600, diffusion), rate, start, [cell], 600)
    near, far = 200, 500
    first, last = arrival[near], arrival[far]
    # Bramson (1983): x(t) = 2 sqrt(D r) t - 3/2 sqrt(D/r) log t.
    expected = 2 * np.sqrt(diffusion * rate) * (last - first) - 1.5 * np.sqrt(diffusion / rate) * np.log(last / first)
    assert (far - near) * cell == pytest.approx(expected, rel=0.01)


def test_nothing_crosses_a_cell_without_diffusion():
    diffusion = np.full((20, 20), 0.3)
    diffusion[10] = 0
    start = np.zeros((20, 20), bool)
    start[3, 3] = True
    arrival = arrival_times(diffusion, 0.03, start, [2, 2], 180)
    assert np.isfinite(arrival[:10]).sum() >= 180 and np.isinf(arrival[10:]).all()


def test_growth_is_faster_in_white_matter():
    diffusion = np.full((41, 21), 0.3)
    diffusion[:20] = 0.06
    start = np.zeros((41, 21), bool)
    start[20, 10] = True
    arrival = arrival_times(diffusion, 0.03, start, [2, 2], 700)
    assert arrival[8, 10] > 1.5 * arrival[32, 10]


def test_the_tumour_reaches_each_planned_volume_inside_the_brain(clinical):
    head = make_head(clinical.settings, "s01")
    tumour = grow(clinical.settings, clinical.plan, head)
    cavity = tumour.cavity > 0.5
    assert cavity.sum() * head.grid.voxel_ml > 1
    for exam in clinical.plan.exams:
        inside = tumour.depth(exam.volume_ml) > 0
        assert inside.sum() * head.grid.voxel_ml == pytest.approx(exam.volume_ml, rel=0.01)
        assert not inside[head.depth > 0].any() and not inside[cavity].any()


def test_drift_points_into_the_ventricles(clinical):
    head, coarse = make_head(clinical.settings, "s01"), box((-60, -60, -20), (60, 60, 60), 4)
    drift = ventricle_drift(head, coarse)
    assert np.linalg.norm(drift, axis=-1).max() == pytest.approx(1)
    # Beside the lateral ventricles (|x| of 35 to 50 mm, at their height) it points to the middle.
    x, y, z = coarse.world()
    beside = (np.abs(x) > 35) & (np.abs(x) < 50) & (np.abs(y + 20) < 25) & (np.abs(z - 15) < 8)
    inward = -(drift[..., 0] * np.sign(x))[beside]
    assert inward.mean() > 0.02 and (inward > -0.02).mean() > 0.95
