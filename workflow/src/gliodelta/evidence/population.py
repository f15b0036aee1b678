"""Maps of a simulated population, straight from its pairs of exams: as if they had been registered nearly rightly.

What makes the task hard is there as in registered exams: the registration error, the noise of both scans, what is left
of their coil fields, slow change of the ventricles, and changes of the tumour on both sides of the limit between stable
and unstable. Only files, bias correction, brain extraction and registration itself are left out.
"""

import dataclasses
from itertools import groupby
from operator import attrgetter

import numpy as np

from gliodelta import io
from gliodelta.imaging.normalisation import zscore
from gliodelta.imaging.sample import grid_affine
from gliodelta.labels.human import BINARY
from gliodelta.simulation.acquisition import Scan, acquire, rotation, visit
from gliodelta.simulation.anatomy import COARSE_MM, FAR_MM, HIGH, LOW, make_head
from gliodelta.simulation.geometry import Grid, box
from gliodelta.simulation.growth import grow, ventricle_drift
from gliodelta.simulation.plan import draw_cohort
from gliodelta.simulation.seeds import stream
from gliodelta.tables import PAIR


def simulate_population(settings, registration_mm, grid, cache, table):
    """Simulates the maps of a population and writes them as `imaging.sample.sample_maps` does those of a cohort.

    Args:
        settings: dict of the schema `simulation`, complete; `patients` may be any number.
        registration_mm: range of the mean distance in mm by which a registered prior exam misses the current one,
            drawn uniformly for each pair.
        grid: dict with `spacing_mm` and `shape` of the maps.
        cache: safetensors file to write; key ``{subject}/{prior}/{current}`` -> float16 (2, X, Y, Z) = (prior,
            current), z-scored inside the current exam's true brain.
        table: table to write, one row a map: subject, prior, current, days, include (yes), label (the truth: stable |
            progression | response), y (0 | 1), prior_ml and current_ml (true volumes of the tumour), registration_mm,
            and mean_difference (mean |current - prior| in the brain, all that the trivial comparator sees).
    """
    import pandas as pd
    from safetensors.numpy import save

    maps, rows = {}, []
    for patient in draw_cohort(settings):
        for row, scores in _pairs(settings, patient, registration_mm, grid):
            maps["/".join(row[name] for name in PAIR)] = scores
            rows.append(row)
    with io.atomic(cache) as temporary:
        temporary.write_bytes(save(maps))
    io.write_table(pd.DataFrame(rows).sort_values(PAIR), table)


def _pairs(settings, patient, registration_mm, grid):
    """Yields the table's row and the maps of each of a patient's pairs."""
    head = make_head(settings, patient.subject)
    scenes = _scenes(settings, patient, head)
    shape = tuple(grid["shape"])
    for session, pairs in groupby(sorted(patient.pairs, key=attrgetter("current")), attrgetter("current")):
        draw = stream(settings["seed"], patient.subject, session, "maps")
        pose = rotation(np.deg2rad(draw.normal(0, settings["rotation_degrees"], 3)))
        place = Grid(shape, grid_affine(head.depth < 0, pose @ head.grid.affine, grid["spacing_mm"], shape))
        scene = scenes[session][0]
        brain = scene.sample(scene.brain, place, pose, FAR_MM) < 0
        current = _scan(settings, draw, scenes[session], pose, place)
        for pair in pairs:
            error_mm = draw.uniform(*registration_mm)
            prior = _scan(settings, draw, scenes[pair.prior], pose @ misregistration(draw, head, error_mm), place)
            scores = np.stack(zscore.normalise(prior, current, brain))
            size = np.abs(scores[1] - scores[0])[brain].mean()
            row = {"registration_mm": error_mm, "mean_difference": size}
            yield _truth(patient, pair) | row, scores.astype(np.float16)


def _truth(patient, pair):
    volumes = {exam.session: exam.volume_ml for exam in patient.exams}
    return {
        "subject": patient.subject,
        "prior": pair.prior,
        "current": pair.current,
        "days": int(pair.current) - int(pair.prior),
        "include": "yes",
        "label": pair.truth,
        "y": BINARY[pair.truth],
        "prior_ml": volumes[pair.prior],
        "current_ml": volumes[pair.current],
    }


def _scenes(settings, patient, head):
    """Returns the visit and its T2 signal of each session; the ventricles' drift is in the signal already."""
    tumour, coarse = grow(settings, patient, head), box(LOW, HIGH, COARSE_MM)
    drift = ventricle_drift(head, coarse) * settings["drift_mm"]
    scenes = {}
    for exam in patient.exams:
        scene = visit(head, tumour, exam.volume_ml, drift * (int(exam.session) / 365), coarse)
        # Drifting once an exam, and not once a scan, halves the time.
        signal = scene.sample(scene.signal("T2"), head.grid, None)
        scenes[exam.session] = dataclasses.replace(scene, drift=None), signal
    return scenes


def _scan(settings, draw, scene, pose, place):
    """Scans with pixels about as fine as the head's voxels and averages them to those of the maps' grid `place`.

    Sampled at their centres only, coarse voxels would alias, and the smallest misregistration would show everywhere.
    """
    parts = np.maximum(1, np.round(place.spacing[:2] / settings["grid_mm"])).astype(int)
    affine = place.affine @ np.diag([*(1 / parts), 1, 1])
    # The pixels of a voxel lie symmetrically about its middle.
    affine[:3, 3] -= affine[:3, :2] @ ((parts - 1) / 2)
    x, y, z = place.shape
    scan = Scan(pose, Grid((x * parts[0], y * parts[1], z), affine))
    image = acquire(*scene, scan, draw, settings["bias"], settings["noise"])
    return image.reshape(x, parts[0], y, parts[1], z).mean(axis=(1, 3))


def misregistration(draw, head, mean_mm):
    """Draws a small rigid motion that moves the brain by `mean_mm` in the mean.

    Args:
        draw: numpy random generator.
        head: `simulation.anatomy.Head`.
        mean_mm: mean length of the displacements of the brain's voxels.

    Returns:
        4x4, world mm to world mm.
    """
    if not mean_mm:
        return np.eye(4)
    # A thousand voxels tell the mean to a hundredth.
    inside = draw.permutation(np.argwhere(head.depth < 0))[:1000]
    points = np.c_[inside, np.ones(len(inside))] @ head.grid.affine.T
    # The brain is about 70 mm in radius: a turn by a degree moves its rim by about a millimetre, as a shift by one.
    turn, shift = draw.standard_normal((2, 3))
    # The length grows almost in proportion to the motion.
    for _ in range(3):
        scale = mean_mm / np.linalg.norm((points @ (_rigid(turn, shift) - np.eye(4)).T)[:, :3], axis=1).mean()
        turn, shift = turn * scale, shift * scale
    return _rigid(turn, shift)


def _rigid(degrees, shift_mm):
    matrix = rotation(np.deg2rad(degrees))
    matrix[:3, 3] = shift_mm
    return matrix
