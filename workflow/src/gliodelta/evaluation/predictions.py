"""Predictions of many models as one prediction a map: read, checked for completeness, then averaged."""

from pathlib import Path

import numpy as np

from gliodelta import io
from gliodelta.schema import InvalidInput
from gliodelta.statistics.metrics import youden_threshold
from gliodelta.tables import PAIR, PREDICTIONS, SPLIT

VALIDATION, TEST, EXTERNAL = "validation", "test", "external"
# What is known of a pair by an arm, averaged over repeats.
JUDGED = ("score", "probability", "judged", "rank", "called")


def gather(predictions, external, comparators, development, folds, lineages):
    """Reads and checks all predictions of a study.

    Args:
        predictions: predictions.tsv of every arm and split on the development cohort.
        external: ``.../{cohort}/{arm}/predictions.tsv`` of every external cohort and arm.
        comparators: table of `comparators.fit_comparators`.
        development: name of the development cohort.
        folds: table of `splits.split_patients`.
        lineages: contents of the lineage.json of every arm and split.

    Returns:
        pandas.DataFrame with the columns cohort (a categorical of all cohorts, those without a prediction included, the
        development cohort first) and `PREDICTIONS`.

    Raises:
        InvalidInput: a column is missing, or see `leave_out_untrained`, `check` and `check_patients`.
    """
    import pandas as pd

    sources = [(file, development) for file in predictions] + [(file, Path(file).parts[-3]) for file in external]
    parts = [*(_read(file).assign(cohort=cohort) for file, cohort in sources), _read(comparators)]
    # A table without rows, whose pairs were all excluded, would turn numbers into objects.
    table = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)[["cohort", *PREDICTIONS]]
    # Cohorts stay in this order through all groupings.
    cohorts = dict.fromkeys([*(cohort for _, cohort in sources), *table["cohort"]])
    table["cohort"] = pd.Categorical(table["cohort"], categories=list(cohorts))
    table = leave_out_untrained(table, lineages)
    check(table)
    check_patients(table, io.read_table(folds))
    return table


def _read(file):
    table = io.read_table(file)
    missing = [name for name in PREDICTIONS if name not in table]
    if missing:
        raise InvalidInput(f"{file}: lacks the columns {', '.join(missing)}; write all of {', '.join(PREDICTIONS)}")
    return table


def leave_out_untrained(table, lineages):
    """Drops the splits on which an arm had nothing to train on, for all arms: they are compared on the same maps.

    Args:
        table: predictions of all arms.
        lineages: dicts with repeat, fold, inner and `status` (trained | untrained).

    Raises:
        InvalidInput: no split is left.
    """
    untrained = {tuple(lineage[key] for key in SPLIT) for lineage in lineages if lineage["status"] != "trained"}
    splits = table[SPLIT].itertuples(index=False, name=None)
    table = table[[split not in untrained for split in splits]].reset_index(drop=True)
    if untrained and table["split"].eq(EXTERNAL).all():
        raise InvalidInput(
            "on no split had every arm human-labelled maps to train on; see the reasons in maps.tsv, or use fewer folds"
        )
    return table


def check_patients(table, folds):
    """Makes sure that every split was judged on its own validation and test patients.

    Args:
        table: predictions of all arms.
        folds: repeat, fold, inner, subject, part.

    Raises:
        InvalidInput: names the arm and fold.
    """
    kept_out = set(folds[[*SPLIT, "subject", "part"]].itertuples(index=False, name=None))
    own = table[table["split"] != EXTERNAL]
    rows = own[[*SPLIT, "subject", "split"]].itertuples(index=False, name=None)
    fault = "a patient who in folds.tsv is no such patient of this split; train this model again"
    _refuse(own[[row not in kept_out for row in rows]], fault)


def check(table):
    """Makes sure that no prediction is missing, doubled or no number: what is dropped silently flatters.

    Args:
        table: predictions of all arms (columns: cohort and `PREDICTIONS`).

    Raises:
        InvalidInput: names the cohort, arm and fold, and what to do.
    """
    import pandas as pd

    scores = table[["score", "probability"]].apply(pd.to_numeric, errors="coerce")
    # An arm without any probability is judged on its scores.
    uncalibrated = table["probability"].isna().groupby(table["arm"]).transform("all")
    bad = ~np.isfinite(scores["score"]) | (~scores["probability"].between(0, 1) & ~uncalibrated)
    _refuse(
        table[bad],
        "a score that is no finite number or a probability outside 0 to 1; predict again",
    )
    unlabelled = ~table["y_true"].isin([0, 1]) & ~((table["split"] == EXTERNAL) & table["y_true"].isna())
    _refuse(table[unlabelled], "a y_true other than 0 and 1; only pairs with a human label belong here")
    keys = ["cohort", "arm", "split", *SPLIT, *PAIR]
    _refuse(table[table.duplicated(keys)], "a pair that stands there twice; delete the doubled rows")
    _check_once(table[table["split"] == TEST])
    labels = table[table["y_true"].notna()].groupby(["cohort", *PAIR])["y_true"].transform("nunique")
    _refuse(table.loc[labels.index[labels > 1]], "a pair that has another y_true elsewhere; rebuild the predictions")
    for (cohort, split), part in table[table["y_true"].notna()].groupby(["cohort", "split"]):
        if split != VALIDATION:
            _check_complete(cohort, part)


def _check_once(tested):
    """A pair is tested in one outer fold of a repeat."""
    folds = tested.groupby(["cohort", "arm", "repeat", *PAIR])["fold"].transform("nunique")
    _refuse(tested.loc[folds.index[folds > 1]], "a pair that is tested in two folds of a repeat; keep one of them")


def _check_complete(cohort, table):
    """Every arm has predicted the same pairs with the same models."""
    wanted = set(table[SPLIT + PAIR].itertuples(index=False, name=None))
    for arm, part in table.groupby("arm"):
        missing = sorted(wanted - set(part[SPLIT + PAIR].itertuples(index=False, name=None)))
        if missing:
            repeat, fold, inner = missing[0][:3]
            raise InvalidInput(
                f"arm {arm}, cohort {cohort}: {len(missing)} predictions that other arms have are missing, first of "
                f"repeat {repeat} fold {fold} inner {inner}; run this arm on all folds, or leave it out of arms.tsv"
            )


def _refuse(rows, fault):
    if len(rows):
        place = ", ".join(f"{column} {rows.iloc[0][column]}" for column in ("arm", "cohort", *SPLIT))
        raise InvalidInput(f"{len(rows)} row{'s' * (len(rows) > 1)}, first of {place}: {fault}")


def combine(table, threshold=np.nan):
    """Averages the inner models of each outer fold.

    A pair is called unstable from the threshold on that Youden's index chooses on the pooled validation rows of the
    models that made the prediction: those of the outer fold, or, for an external cohort, those of all folds.

    Args:
        table: checked predictions (columns: cohort and `PREDICTIONS`, and perhaps `called`, 0 or 1, which then stands).
        threshold: probability from which on a pair is called unstable by models without validation rows; NaN for none.

    Returns:
        pandas.DataFrame, sorted, one row a cohort, arm, repeat, fold and labelled pair (repeat and fold 0 on external
        cohorts), with y_true, score, probability, judged (the probability, or the score of an arm that has none), rank
        (of judged, 0 to 1, within the fold), threshold and called (0 to 1; NaN without a threshold).
    """
    tested = table[(table["split"] != VALIDATION) & table["y_true"].notna()]
    fold = ["cohort", "arm", "repeat", "fold"]
    means = dict.fromkeys([name for name in ("score", "probability", "called") if name in table], "mean")
    folds = tested.groupby([*fold, *PAIR], as_index=False).agg({"y_true": "first", **means})
    folds["judged"] = folds["probability"].fillna(folds["score"])
    grouped = folds.groupby(fold)["judged"]
    folds["rank"] = (grouped.rank() - 0.5) / grouped.transform("size")
    chosen = _thresholds(table[table["split"] == VALIDATION])
    keys = zip(folds["arm"], folds["repeat"], folds["fold"], strict=True)
    found = np.array([chosen.get(key, np.nan) for key in keys])
    folds["threshold"] = np.where(np.isnan(found) & folds["probability"].notna(), threshold, found)
    called = (folds["judged"] >= folds["threshold"]).astype(float).where(folds["threshold"].notna())
    folds["called"] = folds["called"].fillna(called) if "called" in folds else called
    return folds


def _thresholds(validation):
    judged = validation["probability"].fillna(validation["score"])
    table = validation[["arm", "repeat", "fold", "y_true"]].assign(judged=judged)
    groups = {key: rows for key, rows in table.groupby(["arm", "repeat", "fold"])}
    groups |= {(arm, 0, 0): rows for arm, rows in table.groupby("arm")}
    return {key: youden_threshold(rows["y_true"], rows["judged"]) for key, rows in groups.items()}


def average_repeats(folds):
    """Averages the repeats of the cross-validation: one row a cohort, arm and pair.

    Args:
        folds: result of `combine`.

    Returns:
        pandas.DataFrame, sorted: cohort, arm, subject, prior, current, y_true, score, probability, judged, rank,
        called.
    """
    means = {name: lambda values: values.mean(skipna=False) for name in JUDGED}
    return folds.groupby(["cohort", "arm", *PAIR], as_index=False).agg({"y_true": "first", **means})
