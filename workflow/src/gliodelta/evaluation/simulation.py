"""Does the house find what the simulation planted? Poses, brains, tumour change and labels against the known truth.

The truth of a simulated patient lies in ``<results>/simulation/{cohort}/sub-{subject}/truth``; no other stage reads it.
"""

from pathlib import Path

import numpy as np

from gliodelta import io
from gliodelta.evaluation import figures
from gliodelta.labels.human import BINARY, consensus
from gliodelta.sheets import pair_id, pair_path, read_cohort
from gliodelta.status import INCLUDED
from gliodelta.study import DEVELOPMENT

# Measure: its unit, and whether the worst value is the largest or the smallest.
MEASURES = {
    "displacement-before-registration": ("mm", max),
    "registration-error": ("mm", max),
    "brain-mask-overlap": ("Dice", min),
    "change-in-difference-map": ("AUC", min),
    "report-vote-right": ("share", min),
    "human-label-right": ("share", min),
}
# Enough points that a mean over the brain is known to a hundredth of its spread; a full T2 has a hundred times more.
_POINTS = 20_000


def check_simulation(cohort_files, labels, results, table, picture):
    """Compares transforms, brain masks, difference maps, report votes and human labels with the truth.

    Args:
        cohort_files: YAMLs of the simulated cohorts.
        labels: labels.tsv of those that have one, in the same order.
        results: folder of all results (its inside is as in the path grammar of the Snakefile).
        table: table to write: cohort, measure, unit, n, missing (excluded by an earlier stage, or no label), mean,
            p05, p95, worst and where the worst is.
        picture: PNG to write: every exam and pair as a dot.
    """
    import pandas as pd

    cohorts = [read_cohort(file) for file in cohort_files]
    sheets = dict(zip([cohort["name"] for cohort in cohorts if cohort["labels"]], labels, strict=True))
    rows = [row for cohort in cohorts for row in _check_cohort(cohort, sheets.get(cohort["name"]), Path(results))]
    items = pd.DataFrame(rows, columns=["cohort", "measure", "where", "value"])
    groups = items.groupby(["cohort", "measure"], sort=False)
    io.write_table(pd.DataFrame([_summarise(*key, group) for key, group in groups]).round(4), table)
    figures.draw_simulation(items, {measure: unit for measure, (unit, _) in MEASURES.items()}, picture)


def _summarise(cohort, measure, items):
    unit, worst_of = MEASURES[measure]
    known = items[items["value"].notna()]
    row = {"cohort": cohort, "measure": measure, "unit": unit, "n": len(known), "missing": len(items) - len(known)}
    if known.empty:
        return row
    low, high = known["value"].quantile([0.05, 0.95])
    worst = worst_of(known["value"])
    # Among right and wrong answers the worst one says nothing.
    where = "" if unit == "share" else known.loc[known["value"] == worst, "where"].iloc[0]
    return {**row, "mean": known["value"].mean(), "p05": low, "p95": high, "worst": worst, "where": where}


def _check_cohort(cohort, labels, results):
    """Yields (cohort, measure, where, value) of everything in a cohort; the value is None where a stage excluded it."""
    name = cohort["name"]
    imaging = results / "imaging" / name
    for row in cohort["exams"]:
        truth = Truth(results / "simulation" / name / f"sub-{row['subject']}")
        exam = f"sub-{row['subject']}_ses-{row['session']}"
        mask = imaging / f"sub-{row['subject']}" / f"ses-{row['session']}" / f"{exam}_desc-brain_mask"
        yield name, "brain-mask-overlap", exam, _included(mask) and overlap(truth, row["session"], f"{mask}.nii.gz")
    for row in cohort["pairs"]:
        truth = Truth(results / "simulation" / name / f"sub-{row['subject']}")
        files = imaging / pair_path(row)
        pair = files.name
        transform = f"{files}_from-prior_to-current_xfm"
        registered = _included(transform) and f"{transform}.mat"
        before, after = displacement(truth, row, registered)
        yield name, "displacement-before-registration", pair, before
        yield name, "registration-error", pair, after
        if truth.label(row) != "stable":
            seen = _included(f"{files}_qc") and visibility(truth, row, f"{files}_diff.nii.gz")
            yield name, "change-in-difference-map", pair, seen
    yield from _check_labels(cohort, labels, results)


def _included(path):
    """True when the sidecar beside `path` says so, else None: there is nothing to measure."""
    return io.read_json(f"{path}.json")["status"] == INCLUDED or None


class Truth:
    """What is known of a simulated patient.

    Args:
        folder: ``<results>/simulation/{cohort}/sub-{subject}``.
    """

    def __init__(self, folder):
        self.folder = folder / "truth"

    def label(self, pair):
        """Returns stable, progression or response."""
        return io.read_json(self.folder / "truth.json")["pairs"][pair_id(pair)]

    def mask(self, session, kind):
        """Returns the image of the exam's `kind` (brain, tumour), on the exam's own grid."""
        return io.read_image(self.folder / f"exam-{session}_{kind}.nii.gz")

    def to_prior(self, pair):
        """Returns the 4x4 matrix from world mm of the current exam to world mm of the prior exam."""
        prior, current = (np.loadtxt(self.folder / f"exam-{pair[visit]}_pose.mat") for visit in ("prior", "current"))
        return prior @ np.linalg.inv(current)


def displacement(truth, pair, transform):
    """Measures how far brain tissue lies from where it should, on average over the brain.

    Args:
        truth: `Truth` of the patient.
        pair: row of pairs.tsv.
        transform: text file, 4x4 from world mm of the current exam to world mm of the prior exam; None when the pair
            was not registered.

    Returns:
        (before, after) registration, mm; `after` is None without a transform.
    """
    points = _points(truth.mask(pair["current"], "brain"))
    true = truth.to_prior(pair) @ points

    def distance(matrix):
        return float(np.linalg.norm((matrix @ points - true)[:3], axis=0).mean())

    return distance(np.eye(4)), distance(np.loadtxt(transform)) if transform else None


def overlap(truth, session, mask):
    """Returns the Dice overlap (0 to 1) of a brain mask with the true brain, on a sample of the voxels of either."""
    ours, true = io.read_image(mask), truth.mask(session, "brain")
    # Twice the intersection, once counted from our voxels and once from the true ones.
    shares = [np.mean(_at(other, _points(one)) > 0) for one, other in ((ours, true), (true, ours))]
    sizes = [_volume(ours), _volume(true)]
    return float(np.dot(shares, sizes) / sum(sizes))


def visibility(truth, pair, difference):
    """Measures how well |difference| tells voxels that tumour has entered or left from the rest of the brain.

    Args:
        truth: `Truth` of the patient.
        pair: row of pairs.tsv.
        difference: difference map on the current exam's world, 0 outside the brain.

    Returns:
        AUC over a sample of brain voxels, 0 to 1; None when the sample holds no voxel that changed.
    """
    from sklearn.metrics import roc_auc_score

    image = io.read_image(difference)
    points = _points(image)
    now = _at(truth.mask(pair["current"], "tumour"), points) > 0
    then = _at(truth.mask(pair["prior"], "tumour"), truth.to_prior(pair) @ points) > 0
    changed = now != then
    return float(roc_auc_score(changed, np.abs(_at(image, points)))) if 0 < changed.sum() < len(changed) else None


def _points(image):
    """World coordinates, [4, points], of evenly picked voxels of an image that are not zero."""
    places = np.flatnonzero(image.dataobj)
    places = places[:: max(1, len(places) // _POINTS)]
    return image.affine @ np.vstack([*np.unravel_index(places, image.shape), np.ones(len(places))])


def _at(image, points):
    """Values of the voxels that hold the world coordinates `points`, [4, points]; 0 outside the image."""
    voxels = np.rint(np.linalg.inv(image.affine) @ points)[:3].astype(int)
    inside = ((voxels >= 0) & (voxels < np.array(image.shape)[:, None])).all(axis=0)
    values = np.zeros(points.shape[1])
    values[inside] = np.asanyarray(image.dataobj)[tuple(voxels[:, inside])]
    return values


def _volume(image):
    return np.count_nonzero(np.asanyarray(image.dataobj)) * abs(np.linalg.det(image.affine[:3, :3]))


def _check_labels(cohort, labels, results):
    """Yields 1 where readers and reports told stable from unstable rightly, else 0; None where they could not tell."""
    import pandas as pd

    name, truths = cohort["name"], {}
    for row in cohort["pairs"]:
        truth = Truth(results / "simulation" / name / f"sub-{row['subject']}")
        truths[row["subject"], row["prior"], row["current"]] = BINARY[truth.label(row)]
    said = [("human-label-right", consensus(labels))] if labels else []
    if cohort["role"] == DEVELOPMENT:
        votes = io.read_table(results / "labels" / name / "votes.tsv")
        said.append(("report-vote-right", votes.assign(y=votes["label"].map(BINARY))))
    for measure, table in said:
        for *pair, y in table[["subject", "prior", "current", "y"]].itertuples(index=False):
            if tuple(pair) in truths:
                right = None if pd.isna(y) else float(y == truths[tuple(pair)])
                yield name, measure, f"sub-{pair[0]}_pair-{pair[1]}to{pair[2]}", right
