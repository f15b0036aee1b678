"""Maps to learn from: a manifest list's rows and their pairs of exams in the grid's cache; the cut of weak labels."""

import os
from dataclasses import dataclass

from gliodelta.fingerprint import digest
from gliodelta.schema import InvalidInput
from gliodelta.tables import PAIR


@dataclass(frozen=True)
class Maps:
    """Maps with their labels.

    Attributes:
        rows: pandas.DataFrame with subject, prior, current, one row a map.
        pairs: list of float16 tensors [2, X, Y, Z] (prior, current), views of the memory-mapped cache: only what a
            batch needs is read, and jobs on one node share it.
        targets: float32 tensor [N], 1 for unstable, 0 for stable; NaN where there is no label.
        weights: float32 tensor [N], how much each map counts in the loss.
        identity: digest of the rows and of the cache's size and age, for a training that resumes.
    """

    rows: object
    pairs: list
    targets: object
    weights: object
    identity: str

    def __len__(self):
        return len(self.pairs)


def load_maps(rows, cache):
    """Reads the maps of a manifest list.

    Args:
        rows: pandas.DataFrame with subject, prior, current (text) and y (0 | 1; may be missing for prediction only).
        cache: safetensors file with one float16 tensor [2, X, Y, Z] under each key ``{subject}/{prior}/{current}``.

    Returns:
        `Maps`; each map weighs 1.

    Raises:
        InvalidInput: the cache lacks a pair, so it is older than the list.
    """
    import torch
    from safetensors import safe_open

    rows = rows.reset_index(drop=True)
    keys = ["/".join(key) for key in rows[PAIR].itertuples(index=False)]
    with safe_open(cache, framework="pt") as file:
        missing = sorted(set(keys) - set(file.keys()))
        if missing:
            raise InvalidInput(
                f"{cache}: lacks {len(missing)} of {len(keys)} pairs of the list, the first is {missing[0]}; "
                "delete the cache, so that sample_maps makes it anew"
            )
        pairs = [file.get_tensor(key) for key in keys]
    known = rows["y"].astype("float32") if "y" in rows else [float("nan")] * len(rows)
    file = os.stat(cache)
    return Maps(
        rows=rows,
        pairs=pairs,
        targets=torch.tensor(list(known), dtype=torch.float32),
        weights=torch.ones(len(rows)),
        identity=digest([rows.to_csv(index=False), file.st_size, file.st_mtime_ns]),
    )


def cut_weak(rows, cut_by, cut):
    """Keeps the weak labels that a recipe trusts.

    Args:
        rows: pandas.DataFrame of the weak list with `confidence` in [0, 1].
        cut_by: confidence keeps labels of at least `cut`; quantile keeps the share `cut` of the most confident ones,
            rounded half up (0.82 and 0.38 are the published 1,200 and 561 of 1,460 labels).
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
