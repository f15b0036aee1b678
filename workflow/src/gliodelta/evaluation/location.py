"""Do networks look at the tumour? The share of their saliency inside the true change of simulated patients."""

from functools import partial
from pathlib import Path

import numpy as np

from gliodelta import io
from gliodelta.evaluation.saliency import occlusion, saliency_map
from gliodelta.evaluation.simulation import Truth
from gliodelta.imaging.resample import resample
from gliodelta.imaging.sample import to_grid, to_shape
from gliodelta.sheets import pair_path
from gliodelta.tables import PAIR

# The columns that hold shares.
SHARES = ("saliency", "brain", "difference", "attainable")


def locate_saliency(cohort, looked, saliency, arms, grids, results, table):
    """Measures how much of what speaks for unstable lies where tumour came or went.

    Only pairs that truly changed and that `examples.show_examples` showed count.

    Args:
        cohort: name of the simulated development cohort.
        looked, saliency: pairs.tsv and saliency.safetensors of `show_examples`, one of each an arm.
        arms: names of the arms, in the same order.
        grids: dict of grid name to its `spacing_mm`, `shape` and `resize`.
        results: folder of all results.
        table: table to write, one row an arm: arm, maps, patients, then means over the maps of the share inside the
            change of `saliency` (the network's, where anything speaks for unstable), of the `brain` (what chance would
            give), of the saliency of a reader who only sums the absolute `difference`, and of one who sees nothing but
            the change, which is `attainable` with boxes of this size.
    """
    import pandas as pd

    rows, known = [], {}
    for arm, pairs, file in zip(arms, looked, saliency, strict=True):
        shares = [{"arm": arm, **found} for found in _locate(cohort, pairs, file, grids, Path(results), known)]
        shares = pd.DataFrame(shares, columns=["arm", *PAIR, *SHARES])
        counts = {"arm": arm, "maps": len(shares), "patients": shares["subject"].nunique()}
        rows.append({**counts, **shares[list(SHARES)].astype(float).mean()})
    io.write_table(pd.DataFrame(rows).round(4), table)


def _locate(cohort, pairs, file, grids, results, known):
    """Yields the shares of every pair that changed; `known` keeps what does not depend on the arm."""
    from safetensors.numpy import load_file

    maps = load_file(file)
    for row in io.read_table(pairs).to_dict("records"):
        truth = Truth(results / "simulation" / cohort / f"sub-{row['subject']}")
        if truth.label(row) == "stable":
            continue
        key = ("/".join(row[name] for name in PAIR), row["grid"])
        if key not in known:
            image = results / "imaging" / cohort / f"{pair_path(row)}_pair.nii.gz"
            known[key] = _references(truth, row, image, grids[row["grid"]])
        change, references = known[key]
        yield {**{name: row[name] for name in PAIR}, "saliency": share_inside(maps[key[0]], change), **references}


def share_inside(saliency, change):
    """Returns the share of the positive saliency that lies inside the change; NaN where there is none.

    Args:
        saliency: array [X, Y, Z].
        change: array [X, Y, Z], the share of each voxel that changed, 0 to 1.
    """
    positive = np.maximum(saliency, 0)
    return float((positive * change).sum() / positive.sum()) if positive.any() else float("nan")


def _references(truth, row, file, grid):
    """The true change on the training grid, and the shares that do not depend on an arm."""
    import torch

    image = io.read_image(file)
    exams = np.asarray(image.dataobj, np.float32)
    place = partial(to_grid, spacing_mm=grid["spacing_mm"])
    place = partial(to_shape if grid.get("resize") else place, shape=tuple(grid["shape"]))
    brain = exams.any(axis=-1)
    changed = changed_voxels(truth, row, brain.shape, image.affine) & brain
    # The change goes where the exams went, since both are placed by the same brain.
    brain_share, change = place(np.stack([brain, changed], axis=-1).astype(np.float32), image.affine)
    pair = torch.from_numpy(np.ascontiguousarray(place(exams, image.affine)))
    inside = pair.numpy().any(axis=0)
    weights = torch.from_numpy(change.copy())
    readers = {
        "difference": lambda pairs: (pairs[:, 1] - pairs[:, 0]).abs().mean(dim=(1, 2, 3)).unsqueeze(0),
        "attainable": lambda pairs: ((pairs[:, 1] != pairs[:, 0]) * weights).mean(dim=(1, 2, 3)).unsqueeze(0),
    }
    shares = {"brain": float(change.sum() / max(brain_share.sum(), 1e-9))}
    for name, reader in readers.items():
        boxes = occlusion(reader, pair, grid["spacing_mm"])
        shares[name] = share_inside(saliency_map(boxes, inside), change)
    return change, shares


def changed_voxels(truth, pair, shape, affine):
    """Returns where tumour came or went, bool array of `shape`, on a grid in the world of the pair's current exam.

    Args:
        truth: `simulation.Truth` of the patient.
        pair: row with prior and current.
        shape, affine: the grid.
    """
    now, then = (truth.mask(pair[visit], "tumour") for visit in ("current", "prior"))
    now = resample(np.asarray(now.dataobj), now.affine, np.eye(4), shape, affine, order=0)
    then = resample(np.asarray(then.dataobj), then.affine, truth.to_prior(pair), shape, affine, order=0)
    return (now > 0) != (then > 0)
