"""What a model may see: the one place where training lists are made, and where the leakage guard lives.

78 of the published study's 183 patients have pairs of both kinds, human-labelled and report-labelled, yet no pair is in
both sets: a guard by pair would let every one of them through. The guard is therefore by patient.
"""

from gliodelta import io
from gliodelta.labels.human import consensus
from gliodelta.lineage import excluded_patients
from gliodelta.schema import InvalidInput
from gliodelta.splits import TEST, TRAIN, VALIDATION
from gliodelta.tables import PAIR, SPLIT

WEAK = "weak"
LISTS = (TRAIN, VALIDATION, TEST, WEAK)
COLUMNS = [*PAIR, "days", "y", "p_unstable", "confidence", "p_by_noise"]
# Fewest patients of each class on whom the noise of weak labels counts as known: one error in nine pairs may stand for
# any rate from .02 to .44 (Wilson's 95 % interval).
LEAST_PATIENTS = 10


def build_manifest(folds, labels_sheet, weak, maps, split, lists, lineage, noise=None):
    """Writes the lists of one split.

    Args:
        folds: table of `splits.split_patients`.
        labels_sheet: path of labels.tsv.
        weak: table of the outer fold's weak labels (subject, prior, current, p_unstable, confidence).
        maps: table of the cohort's difference maps (subject, prior, current, days, include).
        split: dict with `repeat`, `fold` and `inner`.
        lists: dict of list name (train, validation, test, weak) to the table to write: subject, prior, current, days,
            y (0 | 1), p_unstable, confidence (1 for human labels) and p_by_noise, what the class of the label alone
            says (`predictive_values`). The weak list holds every pair that the guard allows; recipes cut it by
            confidence.
        lineage: JSON to write: the split and `excluded`, the digest of the patients that are kept out of training,
            which every later stage compares with its own; `pairs` and `unstable`, how many are on each list, and
            `weak_left_out`, why the other weak labels are on none (counts that add up to all of them), and
            `p_by_noise`, its two values on the weak list or, as text, why it repeats p_unstable there.
        noise: table of the outer fold's wrong weak labels (`labels.calibrate.calibrate_labels`), or None where weak
            labels were made elsewhere. The fold's test patients have no part in it; those who validate do, as in the
            labels' calibration.

    Raises:
        InvalidInput: folds has no such split, or has a patient in two parts of it.
    """
    parts = patients_of(folds, split)
    excluded = kept_out(parts)
    usable = _usable(maps)
    human = consensus(labels_sheet)
    tables = {name: _human(human, usable, parts[name]) for name in (TRAIN, VALIDATION, TEST)}
    values, lack = predictive_values(io.read_table(noise)) if noise else ({}, "weak labels were made elsewhere")
    tables[WEAK], left_out = _weak(io.read_table(weak), usable, human, excluded, values)
    for name in LISTS:
        io.write_table(tables[name], lists[name])
    counts = {
        "pairs": {name: len(tables[name]) for name in LISTS},
        "unstable": {name: int(tables[name]["y"].sum()) for name in LISTS},
        "weak_left_out": left_out,
        "p_by_noise": values or f"p_unstable, since {lack}",
    }
    io.write_json({**split, "excluded": excluded_patients(excluded), **counts}, lineage)


def predictive_values(noise):
    """Returns how likely a pair is unstable given the class that its report says, whatever its own confidence.

    It is estimated on the pairs of both kinds of labels and so holds where unstable pairs are as common as there. One
    more of each class counts as right and one as wrong (Laplace's rule of succession), so that no label is certain.

    Args:
        noise: pandas.DataFrame as `labels.calibrate.calibrate_labels` writes it.

    Returns:
        (dict of the weak label, stable | unstable, to the probability of unstable, ""), or ({}, why it is not known).
    """
    every = noise[noise["least_confidence"] == 0].set_index("human")
    patients = int(every["patients"].min())
    if patients < LEAST_PATIENTS:
        return {}, f"only {patients} patients, not {LEAST_PATIENTS}, have pairs of a class with both kinds of labels"
    right = every["pairs"] - every["wrong"]
    # Readers call unstable what a stable label missed and what an unstable label found.
    unstable = {"stable": every["wrong"]["unstable"], "unstable": right["unstable"]}
    stable = {"stable": right["stable"], "unstable": every["wrong"]["stable"]}
    return {label: float((unstable[label] + 1) / (unstable[label] + stable[label] + 2)) for label in stable}, ""


def kept_out(parts):
    """The leakage guard: returns the patients none of whose pairs, human or weak, may train anything on a split.

    Args:
        parts: dict of part to the set of its patients (`patients_of`).
    """
    return parts[VALIDATION] | parts[TEST]


def patients_of(folds, split):
    """Returns the set of patients of each part of a split, by part.

    Raises:
        InvalidInput: the table has no such split, or has a patient in two parts of it.
    """
    table = io.read_table(folds)
    for column, value in split.items():
        table = table[table[column] == int(value)]
    if table.empty:
        raise InvalidInput(f"{folds}: no rows for {split}; rerun split_patients")
    if table["subject"].duplicated().any():
        raise InvalidInput(f"{folds}: a patient stands twice in {split}; rerun split_patients")
    return {part: set(table.loc[table["part"] == part, "subject"]) for part in (TRAIN, VALIDATION, TEST)}


def count_pairs(folders, table):
    """Writes one row a split and list: patients, pairs, unstable pairs and the mean confidence.

    Args:
        folders: folders of manifests.
        table: table to write: repeat, fold, inner, list, patients, pairs, unstable, confidence.
    """
    import pandas as pd

    rows = []
    for folder in folders:
        lineage = io.read_json(f"{folder}/lineage.json")
        for name in LISTS:
            pairs = io.read_table(f"{folder}/{name}.tsv")
            rows.append({
                **{key: lineage[key] for key in SPLIT},
                "list": name,
                "patients": pairs["subject"].nunique(),
                "pairs": len(pairs),
                "unstable": int(pairs["y"].sum()),
                "confidence": round(float(pairs["confidence"].mean()), 3) if len(pairs) else None,
            })  # fmt: skip
    io.write_table(pd.DataFrame(rows), table)


def _usable(maps):
    table = io.read_table(maps)
    return table.loc[table["include"] == "yes", [*PAIR, "days"]]


def _human(human, usable, patients):
    chosen = human[human["y"].notna() & human["subject"].isin(patients)].astype({"y": int})
    table = chosen.merge(usable, on=PAIR).assign(p_unstable=lambda rows: rows["y"].astype(float), confidence=1.0)
    table["p_by_noise"] = table["p_unstable"]
    return table[COLUMNS].sort_values(PAIR)


def _weak(weak, usable, human, excluded, values):
    """The weak list, and how many labels are not on it for which reason; the first reason that holds counts."""
    out = weak["subject"].isin(excluded).to_numpy()
    # A pair that a radiologist looked at is never a weak one, not even when the readers could not agree.
    seen = ~out & _among(weak, human)
    unmapped = ~out & ~seen & ~_among(weak, usable)
    table = weak[~(out | seen | unmapped)].merge(usable, on=PAIR)
    table = table.assign(y=lambda rows: (rows["p_unstable"] >= 0.5).astype(int))
    said = table["y"].map({0: values.get("stable"), 1: values.get("unstable")})
    table["p_by_noise"] = said if values else table["p_unstable"]
    left_out = {
        "of a validation or test patient": int(out.sum()),
        "of a pair that a radiologist saw": int(seen.sum()),
        "of a pair without an included map": int(unmapped.sum()),
    }
    return table[COLUMNS].sort_values(PAIR), left_out


def _among(rows, others):
    """Whether each row's pair is one of `others`."""
    import pandas as pd

    return pd.MultiIndex.from_frame(rows[PAIR]).isin(pd.MultiIndex.from_frame(others[PAIR]))
