"""Maps to learn from: a manifest list's rows and their pairs of exams in the grid's cache; the cut of weak labels."""

import math
import os
from dataclasses import dataclass

from gliodelta.fingerprint import digest
from gliodelta.schema import InvalidInput
from gliodelta.tables import PAIR

# What the column `source` says of a reader's label and of a report's.
HUMAN, WEAK = "human", "weak"
WEAK_LABELS = ("hard", "weighted", "soft", "noise")
# Where targets between the classes stand.
SOFT = {"soft": "p_unstable", "noise": "p_by_noise"}
WEIGHTING = ("map", "patient")


@dataclass(frozen=True)
class Maps:
    """Maps with their labels.

    Attributes:
        rows: pandas.DataFrame with subject, prior, current, one row a map.
        pairs: list of float16 tensors [2, X, Y, Z] (prior, current), views of the memory-mapped cache: only what a
            batch needs is read, and jobs on one node share it.
        targets: float32 tensor [N], 1 for unstable, 0 for stable, between them for a soft label; NaN where there is no
            label.
        weights: float32 tensor [N], how much each map counts in the loss.
        weak: bool tensor [N], whether the label is a report's.
        days: float32 tensor [N], between the exams; NaN where the rows do not say.
        identity: digest of the rows, of what is made of their labels, and of the cache's size and age, for a training
            that resumes.
    """

    rows: object
    pairs: list
    targets: object
    weights: object
    weak: object
    days: object
    identity: str

    def __len__(self):
        return len(self.pairs)


def load_maps(rows, cache, weak_labels="hard", weighting="map"):
    """Reads the maps of a manifest list.

    Human labels are always hard and certain; how sure a report's label is counts as `weak_labels` says.

    Args:
        rows: pandas.DataFrame with subject, prior, current (text); y (0 | 1; may be missing for prediction only);
            where there are, days; source (human | weak; human where it is missing), and, for weak ones, p_unstable and
            p_by_noise in [0, 1] and confidence in [.5, 1].
        cache: safetensors file with one float16 tensor [2, X, Y, Z] under each key ``{subject}/{prior}/{current}``.
        weak_labels: hard takes y as it is; weighted lets a weak map count 2 * confidence - 1, from 0 for a guess to 1
            for a certain label; soft takes p_unstable for its target, noise p_by_noise, the same for all labels of a
            class (`manifests.predictive_values`).
        weighting: map lets each map count for itself; patient lets the maps of each patient count alike together (one
            published patient has 45 maps, the median is 5), with a mean weight of 1.

    Returns:
        `Maps`.

    Raises:
        InvalidInput: the cache lacks a pair, so it is older than the list; no such `weak_labels` or `weighting`; or a
            confidence below .5 is to weigh.
    """
    import torch

    for value, known in ((weak_labels, WEAK_LABELS), (weighting, WEIGHTING)):
        if value not in known:
            raise InvalidInput(f"weak_labels or weighting {value!r} is none; write one of {', '.join(known)}")
    rows = rows.reset_index(drop=True)
    unknown = [math.nan] * len(rows)
    weak = (rows["source"] == WEAK).to_numpy() if "source" in rows else [False] * len(rows)
    targets = rows["y"].astype("float32") if "y" in rows else unknown
    weights = [1.0] * len(rows)
    if weak_labels in SOFT and any(weak):
        targets = rows[SOFT[weak_labels]].where(weak, targets)
    if weak_labels == "weighted" and any(weak):
        weights = _by_confidence(rows, weak)
    if weighting == "patient":
        weights = _alike(rows["subject"], weights)
    file = os.stat(cache)
    return Maps(
        rows=rows,
        pairs=_pairs(rows, cache),
        targets=torch.tensor(list(targets), dtype=torch.float32),
        weights=torch.tensor(list(weights), dtype=torch.float32),
        weak=torch.tensor(list(weak), dtype=torch.bool),
        days=torch.tensor(list(rows.get("days", unknown)), dtype=torch.float32),
        identity=digest([rows.to_csv(index=False), weak_labels, weighting, file.st_size, file.st_mtime_ns]),
    )


def _pairs(rows, cache):
    from safetensors import safe_open

    keys = ["/".join(key) for key in rows[PAIR].itertuples(index=False)]
    with safe_open(cache, framework="pt") as file:
        missing = sorted(set(keys) - set(file.keys()))
        if missing:
            raise InvalidInput(
                f"{cache}: lacks {len(missing)} of {len(keys)} pairs of the list, the first is {missing[0]}; "
                "delete the cache, so that sample_maps makes it anew"
            )
        return [file.get_tensor(key) for key in keys]


def _by_confidence(rows, weak):
    """Returns 2 * confidence - 1 of the rows in `weak`, 1 of the others; a negative weight would teach the opposite."""
    unsure = weak & ~rows["confidence"].between(0.5, 1)
    if unsure.any():
        raise InvalidInput(
            f"{unsure.sum()} weak labels, the first of pair {'/'.join(rows.loc[unsure.idxmax(), PAIR])}, have a "
            "confidence that is not 0.5 to 1; it is that of the given label: correct weak.tsv and run again"
        )
    return (2 * rows["confidence"] - 1).where(weak, 1.0)


def _alike(subjects, weights):
    """Scales `weights` so that each subject's sum alike, and their mean is 1; a subject of weight 0 stays at 0."""
    import pandas as pd

    weights = pd.Series(list(weights), index=subjects.index, dtype="float64")
    sums = weights.groupby(subjects).transform("sum")
    weights = (weights / sums).where(sums > 0, 0.0)
    return weights * (len(weights) / weights.sum()) if weights.any() else weights


def cut_weak(rows, cut_by, cut):
    """Keeps the weak labels that a recipe trusts.

    Args:
        rows: pandas.DataFrame of the weak list with `confidence` in [.5, 1].
        cut_by: confidence keeps labels of at least `cut`; quantile keeps the share `cut` of the most confident ones,
            rounded half up (0.8219 and 0.3842 are the published 1,200 and 561 of 1,460 labels).
        cut: number in [0, 1], as a number or as text.

    Returns:
        The rows kept, in their order.
    """
    cut = float(cut)
    if cut_by == "confidence":
        return rows[rows["confidence"] >= cut]
    # Rules give many labels the same confidence. Their order by name would drop the last patients whole.
    order = rows.assign(tie=[digest(key) for key in rows[PAIR].to_numpy().tolist()])
    order = order.sort_values(["confidence", "tie"], ascending=[False, True])
    return rows.loc[sorted(order.index[: int(len(rows) * cut + 0.5)])]
