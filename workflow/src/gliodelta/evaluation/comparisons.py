"""Who beats whom: paired comparisons of the pooled AUC on the same maps of the same patients."""

from itertools import combinations, product

import numpy as np

from gliodelta.evaluation.summary import samples, size
from gliodelta.statistics.bootstrap import draw_patients, interval
from gliodelta.statistics.delong import delong_test
from gliodelta.statistics.metrics import auc
from gliodelta.statistics.permutation import holm, published_unpaired_test, swap_test

PRIMARY, ARM, COMPARATOR = "primary", "arm", "comparator"
# The family that Holm's correction is for is declared by arms.tsv; all else is for information.
DECLARED, EXPLORATORY = "declared", "exploratory"
COLUMNS = [
    "cohort",
    "family",
    "arm",
    "against",
    "auc_arm",
    "auc_against",
    "difference",
    "low",
    "high",
    "p",
    "p_holm",
    "p_delong_clustered",
    "p_delong",
    "p_published_unpaired",
    "n_maps",
    "n_patients",
    "n_unstable",
    "draws_without_value",
    "note",
]


def compare(pairs, kinds, settings):
    """Compares the pooled AUC of every two arms, and of the primary arm and each comparator, on the same maps.

    The declared family of a cohort is the primary arm against every other arm and every comparator; without a primary
    arm it is every two arms.

    Args:
        pairs, kinds, settings: as for `summary.measure`; repeats are averaged already.

    Returns:
        pandas.DataFrame, one row a comparison, the declared ones first. Its `COLUMNS`: difference of the AUCs with its
        interval over draws of patients; p of `permutation.swap_test`, one coin a patient, and p_holm, corrected within
        the declared family of the cohort; then, for information, p of DeLong's test with and without patients and of
        the published unpaired permutation.
    """
    import pandas as pd

    tables = []
    for _, cohort in pairs.groupby("cohort", sort=False):
        own = {arm: sample for _, arm, sample in samples(cohort, kinds)}
        rows = [{"family": family, **_compare(own[a], own[b], settings)} for family, a, b in _rivals(own, kinds)]
        family = pd.DataFrame(rows, columns=COLUMNS)
        declared = (family["family"] == DECLARED).to_numpy()
        family.loc[declared, "p_holm"] = holm(family.loc[declared, "p"])
        tables.append(family)
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def _rivals(arms, kinds):
    """Yields (family, arm, against)."""
    networks = [arm for arm in arms if kinds[arm] != COMPARATOR]
    primary = [arm for arm in networks if kinds[arm] == PRIMARY]
    others = [arm for arm in networks if kinds[arm] != PRIMARY]
    trivial = [arm for arm in arms if arm not in networks]
    yield from ((DECLARED, *rivals) for rivals in product(primary, [*others, *trivial]))
    yield from ((EXPLORATORY if primary else DECLARED, *rivals) for rivals in combinations(others, 2))


def _compare(first, second, settings):
    y, subjects = first["y_true"].to_numpy(float), first["subject"].to_numpy()
    scores = [sample["judged"].to_numpy(float) for sample in (first, second)]
    weights = draw_patients(subjects, settings["bootstraps"], settings["seed"])
    a, b = (auc(y, score, weights) for score in scores)
    low, high, unusable = interval((a - b)[1:])
    row = {
        "cohort": first["cohort"].iloc[0],
        "arm": first["arm"].iloc[0],
        "against": second["arm"].iloc[0],
        "auc_arm": a[0],
        "auc_against": b[0],
        "difference": a[0] - b[0],
        "low": low,
        "high": high,
        **size(first),
        "draws_without_value": unusable,
        "note": "",
    }
    if np.isnan(a[0]):
        return {**row, "note": "undefined: no test pairs of one of the classes"}
    draws = settings["bootstraps"], settings["seed"]
    return row | {
        "p": swap_test(y, subjects, *scores, *draws),
        "p_delong_clustered": delong_test(y, *scores, subjects).p,
        "p_delong": delong_test(y, *scores).p,
        # The published test takes the raw scores as they come.
        "p_published_unpaired": published_unpaired_test(y, *(part["score"] for part in (first, second)), *draws),
    }
