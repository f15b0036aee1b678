"""Simulated maps have the truth that their table states."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from scipy import ndimage

from gliodelta import io
from gliodelta.evidence.population import misregistration, simulate_population
from gliodelta.schema import validate
from gliodelta.simulation.geometry import box
from gliodelta.simulation.plan import PROGRESSION_RATIO, RESPONSE_RATIO

GRID = {"spacing_mm": [9, 9, 9], "shape": [16, 20, 16]}
SMALL = {"grid_mm": 5, "exams": [3, 3], "pairs": "all", "patients": 3, "interval_days": [200, 200]}
# Whatever makes two exams of an unchanged patient differ.
QUIET = {"noise": 0, "bias": 0, "drift_mm": 0, "progression": 0, "response": 0, "stable_factor": [1, 1]}


def simulate(folder, registration_mm, **settings):
    """Returns the table of a small population and its maps."""
    cache, table = folder / "maps.safetensors", folder / "maps.tsv"
    settings = validate({**SMALL, **settings}, "simulation", "test")
    simulate_population(settings, registration_mm, GRID, cache, table)
    return io.read_table(table), load_file(cache)


@pytest.fixture(scope="module")
def population(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("population"), [0.5, 1.5], progression=0.5, response=0.2)


def test_every_pair_has_its_map_and_its_true_label(population):
    table, maps = population
    assert len(table) == 9
    assert set(maps) == {"/".join(row) for row in table[["subject", "prior", "current"]].to_numpy()}
    ratio = table["current_ml"] / table["prior_ml"]
    smaller = np.where(ratio <= RESPONSE_RATIO, "response", "stable")
    course = np.where(ratio >= PROGRESSION_RATIO, "progression", smaller)
    assert (table["label"] == course).all()
    assert (table["y"] == (table["label"] != "stable")).all() and table["y"].nunique() == 2
    assert table["registration_mm"].between(0.5, 1.5).all()


def test_maps_are_scores_in_the_brain_and_what_the_comparator_sees_is_in_the_table(population):
    table, maps = population
    for row in table.itertuples():
        pair = maps[f"{row.subject}/{row.prior}/{row.current}"]
        assert pair.dtype == np.float16 and pair.shape == (2, *GRID["shape"])
        brain = pair[0] != 0
        # A head of 1 to 2 litres.
        assert 1000 < brain.sum() * 0.729 < 2000
        for exam in pair.astype(float):
            assert abs(exam[brain].mean()) < 0.01 and abs(exam[brain].std() - 1) < 0.01
        difference = np.abs(pair[1].astype(float) - pair[0])[brain].mean()
        assert difference == pytest.approx(row.mean_difference, rel=0.01)


def test_the_difference_lies_where_the_tumour_grew(tmp_path):
    grown = QUIET | {"exams": [2, 2], "progression": 1, "progression_factor": [3, 3], "largest_volume_ml": [60, 60]}
    table, maps = simulate(tmp_path, [0, 0], **grown)
    for row in table.itertuples():
        pair = maps[f"{row.subject}/{row.prior}/{row.current}"].astype(float)
        brighter = ndimage.uniform_filter(pair[1] - pair[0], 3)
        spot = brighter > brighter.max() / 2
        # A ball that grows from 20 to 60 ml; blurred, and oedema about it.
        assert 15 < spot.sum() * 0.729 < 150


def test_nothing_but_what_is_asked_for_makes_exams_differ(tmp_path):
    unchanged, _ = simulate(tmp_path, [0, 0], **QUIET)
    assert (unchanged["mean_difference"] < 1e-6).all() and not unchanged["y"].any()
    sizes = [unchanged["mean_difference"].mean()]
    for mm in (0.5, 1, 2):
        moved, _ = simulate(tmp_path, [mm, mm], **QUIET)
        sizes.append(moved["mean_difference"].mean())
    assert (np.diff(sizes) > 0.01).all()
    for cause in ({"noise": 0.05}, {"bias": 0.05}, {"drift_mm": 2}):
        changed, _ = simulate(tmp_path, [0, 0], **(QUIET | cause))
        assert (changed["mean_difference"] > 0.001).all(), cause


@pytest.mark.parametrize("wanted", [0.2, 1.5, 4.0])
def test_the_brain_is_misregistered_by_as_much_as_asked(wanted):
    grid = box((-80, -110, -60), (80, 80, 90), 4)
    x, y, z = grid.world()
    head = SimpleNamespace(grid=grid, depth=np.sqrt((x / 65) ** 2 + ((y + 15) / 85) ** 2 + ((z - 15) / 60) ** 2) - 1)
    inside = np.argwhere(head.depth < 0)
    points = np.c_[inside, np.ones(len(inside))] @ grid.affine.T
    found = []
    for seed in range(5):
        motion = misregistration(np.random.default_rng(seed), head, wanted)
        np.testing.assert_allclose(motion[:3, :3] @ motion[:3, :3].T, np.eye(3), atol=1e-12)
        found.append(np.linalg.norm((points @ motion.T - points)[:, :3], axis=1).mean())
    assert found == pytest.approx([wanted] * 5, rel=0.05)
    assert len(set(found)) == 5


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path):
    def content(seed):
        simulate(tmp_path, [0.5, 1.5], patients=1, exams=[2, 2], seed=seed)
        return (tmp_path / "maps.safetensors").read_bytes(), (tmp_path / "maps.tsv").read_bytes()

    first = content(1)
    assert content(1) == first
    assert content(2)[0] != first[0]


def test_the_table_is_one_that_manifests_read(population):
    table, _ = population
    assert {"subject", "prior", "current", "days", "include"} <= set(table)
    assert isinstance(table, pd.DataFrame) and (table["include"] == "yes").all()
    assert (table["days"] == table["current"].astype(int) - table["prior"].astype(int)).all()
