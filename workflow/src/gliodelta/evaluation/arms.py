"""Every arm and every comparator on every cohort: what it is worth, how sure that is, and who beats whom."""

from itertools import combinations, product

import numpy as np

from gliodelta import io
from gliodelta.evaluation import figures
from gliodelta.evaluation.predictions import average_repeats, combine, gather
from gliodelta.sheets import read_sheet
from gliodelta.statistics.bootstrap import draw_patients, holm, interval, swap_test
from gliodelta.statistics.metrics import auc, average_precision, brier, prevalence, sensitivity, specificity
from gliodelta.tables import PAIR

PRIMARY, ARM, COMPARATOR = "primary", "arm", "comparator"
# Name in the summary: function, and the column of the predictions that it judges.
METRICS = {
    "auc": (auc, "probability"),
    "ap": (average_precision, "probability"),
    "sensitivity": (sensitivity, "called"),
    "specificity": (specificity, "called"),
    "brier": (brier, "probability"),
    "prevalence": (prevalence, "probability"),
}
# Folds may be calibrated differently, which the pooled areas suffer from: also within folds, and on within-fold ranks.
AREAS = {"auc": auc, "ap": average_precision}


def evaluate_arms(
    predictions, lineages, external, comparators, folds, arms_sheet, development, settings, tables, pictures
):  # fmt: skip
    """Scores all arms and comparators on the development cohort (cross-validated) and on the external cohorts.

    Args:
        predictions, external, comparators, development, folds: as for `predictions.gather`.
        lineages: lineage.json of every arm and split.
        arms_sheet: path of arms.tsv; it declares the primary arm.
        settings: dict with `bootstraps`, the number of draws and permutations, and `seed`.
        tables: dict of tables to write: summary (results of `summarise`) and comparisons (result of `compare`).
        pictures: dict of PNGs to write: roc, precision_recall and auc.

    Raises:
        InvalidInput: predictions are missing, doubled, no numbers or of patients of another split.
    """
    import pandas as pd

    lineages = [io.read_json(path) for path in lineages]
    table = gather(predictions, external, comparators, development, folds, lineages)
    kinds = rank_arms(arms_sheet, table)
    by_fold = combine(table)
    pairs = average_repeats(by_fold)
    summary = summarise(by_fold, pairs, kinds, settings)
    # Four decimals are far finer than any interval here; p-values need the digits of one in so many permutations.
    counts = [
        count_unlabelled(table, kinds),
        count_unpredicted(table, kinds),
        count_untrained(lineages, kinds, development),
    ]
    io.write_table(pd.concat([summary, *counts]).round(4), tables["summary"])
    io.write_table(compare(pairs, kinds, settings).round(6), tables["comparisons"])
    figures.draw_roc(pairs, kinds, pictures["roc"])
    figures.draw_precision_recall(pairs, kinds, pictures["precision_recall"])
    figures.draw_auc(summary, pictures["auc"])


def rank_arms(arms_sheet, table):
    """Returns dict of arm to primary, arm or comparator, in this order; what arms.tsv does not name is a comparator."""
    rows = sorted(read_sheet(arms_sheet, "arms"), key=lambda row: row["primary"] != "yes")
    kinds = {row["arm"]: PRIMARY if row["primary"] == "yes" else ARM for row in rows}
    return kinds | {arm: COMPARATOR for arm in dict.fromkeys(table["arm"]) if arm not in kinds}


def summarise(folds, pairs, kinds, settings):
    """Computes all metrics with their patient-clustered intervals.

    Args:
        folds, pairs: results of `predictions.combine` and of `predictions.average_repeats`.
        kinds: dict of arm to primary, arm or comparator, in the order of the table.
        settings: dict with `bootstraps` and `seed`.

    Returns:
        pandas.DataFrame: kind, arm, cohort, metric, value, low, high (95 %), n_maps, n_patients, note.
    """
    import pandas as pd

    rows = []
    for cohort, arm, sample in _samples(pairs, kinds):
        # The same seed and the same maps: every arm of a cohort meets the same draws.
        weights = draw_patients(sample["subject"], settings["bootstraps"], settings["seed"])
        own = folds[(folds["cohort"] == cohort) & (folds["arm"] == arm)]
        judged = [_judge(name, *METRICS[name], sample, weights) for name in METRICS]
        # Repeat 0 marks an ensemble of all folds, which has no folds of its own.
        if own["repeat"].max() > 0:
            judged += [_judge(f"{name}-fold-ranks", area, "rank", sample, weights) for name, area in AREAS.items()]
            judged += [row for name, area in AREAS.items() for row in _judge_folds(name, area, own, sample, weights)]
        rows += [{"kind": kinds[arm], "arm": arm, "cohort": cohort, **row} for row in judged]
    return pd.DataFrame(rows)


def compare(pairs, kinds, settings):
    """Compares the pooled AUC of every two arms, and of the primary arm and each comparator, on the same maps.

    Args:
        pairs, kinds, settings: as for `summarise`.

    Returns:
        pandas.DataFrame, one row a comparison: cohort, arm, against, auc_arm, auc_against, difference, low, high, p,
        p_holm (corrected within the cohort), n_maps, n_patients and note.
    """
    import pandas as pd

    columns = ["cohort", "arm", "against", "auc_arm", "auc_against", "difference", "low", "high", "p", "p_holm"]
    tables = []
    for _, cohort in pairs.groupby("cohort", sort=False):
        samples = {arm: sample for _, arm, sample in _samples(cohort, kinds)}
        rows = [_compare(samples[a], samples[b], settings) for a, b in _rivals(samples, kinds)]
        family = pd.DataFrame(rows, columns=[*columns[:-1], "n_maps", "n_patients", "note"])
        family.insert(columns.index("p_holm"), "p_holm", holm(family["p"]))
        tables.append(family)
    return pd.concat(tables, ignore_index=True)


def _rivals(arms, kinds):
    """The declared family of comparisons."""
    networks = [arm for arm in arms if kinds[arm] != COMPARATOR]
    primary = [arm for arm in networks if kinds[arm] == PRIMARY]
    return [*combinations(networks, 2), *product(primary, [arm for arm in arms if arm not in networks])]


def _samples(pairs, kinds):
    """Yields (cohort, arm, its rows) in the order of `kinds`."""
    for cohort, part in pairs.groupby("cohort", sort=False):
        for arm in kinds:
            sample = part[part["arm"] == arm]
            if len(sample):
                yield cohort, arm, sample.reset_index(drop=True)


def _judge(name, metric, column, sample, weights):
    return _row(name, metric(sample["y_true"].to_numpy(float), sample[column].to_numpy(float), weights), sample)


def _judge_folds(name, area, folds, sample, weights):
    """Rows of the area in each fold, and of its mean over the folds in which it is defined."""
    import pandas as pd

    place = pd.MultiIndex.from_frame(sample[PAIR])
    rows, values = [], []
    for (repeat, fold), part in folds.groupby(["repeat", "fold"]):
        own = weights[:, place.get_indexer(pd.MultiIndex.from_frame(part[PAIR]))]
        drawn = area(part["y_true"].to_numpy(float), part["probability"].to_numpy(), own)
        rows.append(_row(f"{name}-repeat-{repeat}-fold-{fold}", drawn, part))
        values.append(drawn)
    defined = [drawn for drawn in values if not np.isnan(drawn[0])]
    mean = np.mean(defined, axis=0) if defined else np.full(len(weights), np.nan)
    row = _row(f"{name}-fold-mean", mean, sample)
    if 0 < len(defined) < len(values):
        row["note"] = f"{len(values) - len(defined)} of {len(values)} folds have one class; {row['note']}".rstrip("; ")
    return [row, *rows]


def _row(name, drawn, sample):
    """A row of the summary from a metric's values, the first of them of the sample itself."""
    value, (low, high, unusable) = drawn[0], interval(drawn[1:])
    row = {"metric": name, "value": value, "low": low, "high": high, **_size(sample), "note": ""}
    if np.isnan(value):
        where = "test" if sample["y_true"].nunique() < 2 else "validation"
        return {**row, "low": np.nan, "high": np.nan, "note": f"undefined: no {where} pairs of one of the classes"}
    return {**row, "note": _left_out(unusable, len(drawn) - 1)}


def _left_out(unusable, draws):
    return f"{unusable} of {draws} draws held one class and are left out" if unusable else ""


def _size(sample):
    return {"n_maps": len(sample), "n_patients": sample["subject"].nunique()}


def _compare(first, second, settings):
    y, subjects = first["y_true"].to_numpy(float), first["subject"]
    scores = [sample["probability"].to_numpy() for sample in (first, second)]
    weights = draw_patients(subjects, settings["bootstraps"], settings["seed"])
    a, b = (auc(y, score, weights) for score in scores)
    low, high, unusable = interval((a - b)[1:])
    defined = not np.isnan(a[0])
    return {
        "cohort": first["cohort"].iloc[0],
        "arm": first["arm"].iloc[0],
        "against": second["arm"].iloc[0],
        "auc_arm": a[0],
        "auc_against": b[0],
        "difference": a[0] - b[0],
        "low": low,
        "high": high,
        "p": swap_test(y, subjects, *scores, settings["bootstraps"], settings["seed"]) if defined else np.nan,
        **_size(first),
        "note": _left_out(unusable, len(weights) - 1) if defined else "undefined: no test pairs of one of the classes",
    }


def count_unlabelled(table, kinds):
    """Returns rows for the summary that count the external pairs without a human label: predicted, but not scored."""
    import pandas as pd

    rows = []
    for (cohort, arm), part in table[table["y_true"].isna()].groupby(["cohort", "arm"]):
        row = {"kind": kinds[arm], "arm": arm, "cohort": cohort, "metric": "pairs-without-label", "value": len(part)}
        rows.append({**row, **_size(part), "note": "predicted, but not scored: no human label"})
    return pd.DataFrame(rows)


def count_unpredicted(table, kinds):
    """Returns a row for the summary of each arm and cohort without a prediction."""
    import pandas as pd

    empty = [cohort for cohort in table["cohort"].cat.categories if not (table["cohort"] == cohort).any()]
    none = {"metric": "pairs-predicted", "value": 0, "n_maps": 0, "n_patients": 0}
    none["note"] = "no pair passed imaging; see the reasons in maps.tsv"
    own = [(cohort, arm, kind) for cohort, (arm, kind) in product(empty, kinds.items()) if kind != COMPARATOR]
    return pd.DataFrame([{"kind": kind, "arm": arm, "cohort": cohort, **none} for cohort, arm, kind in own])


def count_untrained(lineages, kinds, development):
    """Returns rows for the summary that count the splits on which an arm had nothing to train on."""
    import pandas as pd

    rows = []
    for arm in kinds:
        own = [lineage for lineage in lineages if lineage["arm"] == arm]
        reasons = [lineage["reason"] for lineage in own if lineage["status"] == "untrained"]
        row = {"kind": kinds[arm], "arm": arm, "cohort": development, "metric": "untrained-splits"}
        note = f"left out for every arm: {', '.join(sorted(set(reasons)))}"
        if reasons:
            rows.append({**row, "value": len(reasons), "n_maps": 0, "n_patients": 0, "note": note})
    return pd.DataFrame(rows)
