"""What each arm is worth on each cohort: every metric with its interval, and one readable row an arm."""

import numpy as np

from gliodelta.statistics.bootstrap import draw_patients, interval
from gliodelta.statistics.calibration import calibration_error, calibration_in_the_large, calibration_slope
from gliodelta.statistics.metrics import (
    accuracy,
    auc,
    aupr_trapezoid,
    average_precision,
    brier,
    f1,
    npv,
    ppv,
    prevalence,
    sensitivity,
    specificity,
)
from gliodelta.tables import PAIR

# Name in the table: function, and the column of the pairs that it judges.
METRICS = {
    "auc": (auc, "judged"),
    "auc-raw-score": (auc, "score"),
    "ap": (average_precision, "judged"),
    "aupr-trapezoid": (aupr_trapezoid, "judged"),
    "accuracy": (accuracy, "called"),
    "sensitivity": (sensitivity, "called"),
    "specificity": (specificity, "called"),
    "ppv": (ppv, "called"),
    "npv": (npv, "called"),
    "f1": (f1, "called"),
    "brier": (brier, "probability"),
    "calibration-error": (calibration_error, "probability"),
    "calibration-in-the-large": (calibration_in_the_large, "probability"),
    "calibration-slope": (calibration_slope, "probability"),
    "prevalence": (prevalence, "judged"),
}
# Folds may be calibrated differently, which the pooled areas suffer from: also within folds, and on within-fold ranks.
AREAS = {"auc": auc, "ap": average_precision}
# Columns of the readable table, in its order.
SHOWN = (
    "auc",
    "auc-fold-mean",
    "auc-fold-ranks",
    "ap",
    "aupr-trapezoid",
    "accuracy",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "f1",
    "brier",
    "calibration-error",
)
SIZE = ["n_maps", "n_patients", "n_unstable"]
NO_CLASS = {"judged": "test pairs of one of the classes", "score": "test pairs of one of the classes"}
NO_CLASS |= {"called": "pair of its kind, or no threshold was chosen"}
NO_CLASS |= {"probability": "probabilities, or they separate the classes or are all the same"}


def samples(pairs, kinds):
    """Yields (cohort, arm, its rows) in the order of `kinds`.

    Args:
        pairs: result of `predictions.average_repeats`.
        kinds: dict of arm to primary, arm or comparator.
    """
    for cohort, part in pairs.groupby("cohort", sort=False):
        for arm in kinds:
            sample = part[part["arm"] == arm]
            if len(sample):
                yield cohort, arm, sample.reset_index(drop=True)


def measure(folds, pairs, kinds, settings):
    """Computes all metrics with their patient-clustered intervals.

    Args:
        folds, pairs: results of `predictions.combine` and of `predictions.average_repeats`.
        kinds: dict of arm to primary, arm or comparator, in the order of the table.
        settings: dict with `bootstraps` and `seed`.

    Returns:
        pandas.DataFrame: kind, arm, cohort, metric, value, low, high (95 %), n_maps, n_patients, n_unstable,
        draws_without_value, note.
    """
    import pandas as pd

    rows = []
    for cohort, arm, sample in samples(pairs, kinds):
        # The same seed and the same maps: every arm of a cohort meets the same draws.
        weights = draw_patients(sample["subject"], settings["bootstraps"], settings["seed"])
        own = folds[(folds["cohort"] == cohort) & (folds["arm"] == arm)]
        judged = [judge(name, *METRICS[name], sample, weights) for name in METRICS]
        # Repeat 0 marks an ensemble of all folds, which has no folds of its own.
        if own["repeat"].max() > 0:
            judged += [judge(f"{name}-fold-ranks", area, "rank", sample, weights) for name, area in AREAS.items()]
            judged += [row for name, area in AREAS.items() for row in _judge_folds(name, area, own, sample, weights)]
        judged += _thresholds(own)
        rows += [{"kind": kinds[arm], "arm": arm, "cohort": cohort, **row} for row in judged]
    return pd.DataFrame(rows).astype(dict.fromkeys([*SIZE, "draws_without_value"], "Int64"))


def judge(name, metric, column, sample, weights):
    """Returns the row of one metric: its value on the sample, and its interval over the draws.

    Args:
        name: of the metric.
        metric: function of y, the column and weights (`gliodelta.statistics`).
        column: of `sample`.
        sample: pairs with y_true, subject and `column`.
        weights: [1 + draws, pairs], the first row ones.
    """
    values = sample[column].to_numpy(float)
    if np.isnan(values).any():
        return _row(name, np.full(len(weights), np.nan), sample, NO_CLASS.get(column, column))
    return _row(name, metric(sample["y_true"].to_numpy(float), values, weights), sample, NO_CLASS.get(column, column))


def _judge_folds(name, area, folds, sample, weights):
    """Rows of the area in each fold, of its mean over the folds in which it is defined, and of its spread."""
    import pandas as pd

    place = pd.MultiIndex.from_frame(sample[PAIR])
    rows, values = [], []
    for (repeat, fold), part in folds.groupby(["repeat", "fold"]):
        own = weights[:, place.get_indexer(pd.MultiIndex.from_frame(part[PAIR]))]
        drawn = area(part["y_true"].to_numpy(float), part["judged"].to_numpy(), own)
        rows.append(_row(f"{name}-repeat-{repeat}-fold-{fold}", drawn, part, NO_CLASS["judged"]))
        values.append(drawn)
    defined = [drawn for drawn in values if not np.isnan(drawn[0])]
    mean = np.mean(defined, axis=0) if defined else np.full(len(weights), np.nan)
    row = _row(f"{name}-fold-mean", mean, sample, NO_CLASS["judged"])
    if 0 < len(defined) < len(values):
        row["note"] = f"{len(values) - len(defined)} of {len(values)} folds have one class"
    # Divided by the number of folds: all of them are there, none is drawn from many.
    spread = float(np.std([drawn[0] for drawn in defined])) if defined else np.nan
    return [row, {"metric": f"{name}-fold-sd", "value": spread, **size(sample), "note": "over the folds"}, *rows]


def _thresholds(folds):
    """Rows of the probability from which on each fold calls a map unstable."""
    known = folds[folds["threshold"].notna()].drop_duplicates(["repeat", "fold"])
    name = "threshold-repeat-{}-fold-{}"
    rows = known[["repeat", "fold", "threshold"]].itertuples(index=False, name=None)
    note = "infinite: none beat chance, all maps are called stable"
    return [
        {"metric": name.format(repeat, fold), "value": value, "note": "" if np.isfinite(value) else note}
        for repeat, fold, value in rows
    ]


def _row(name, drawn, sample, lacking):
    """A row of the table from a metric's values, the first of them of the sample itself."""
    value, (low, high, unusable) = drawn[0], interval(drawn[1:])
    row = {"metric": name, "value": value, "low": low, "high": high, **size(sample), "draws_without_value": unusable}
    if np.isnan(value):
        return {**row, "low": np.nan, "high": np.nan, "note": f"undefined: no {lacking}"}
    # All draws without a single error agree, which is no certainty.
    return {**row, "note": "all draws agree: too few maps, or no error among them, for an interval" * (low == high)}


def size(sample):
    """Returns n_maps, n_patients and n_unstable of a sample."""
    return dict(zip(SIZE, (len(sample), sample["subject"].nunique(), int(sample["y_true"].sum())), strict=True))


def overview(metrics, counts):
    """Puts what a reader looks for on one row an arm and cohort.

    Args:
        metrics: result of `measure`.
        counts: rows of `gliodelta.evaluation.counts`, which become notes.

    Returns:
        pandas.DataFrame: cohort, kind, arm, n_maps, n_patients, n_unstable, the metrics in `SHOWN` as text such as
        "0.82 [0.75, 0.88]" (for the mean over the folds "0.83 ± 0.06"), and note.
    """
    import pandas as pd

    table = pd.concat([metrics, counts], ignore_index=True)
    rows = []
    for (cohort, arm), part in table.groupby(["cohort", "arm"], sort=False):
        own = part.drop_duplicates("metric").set_index("metric")
        sized = own.loc["auc", SIZE] if "auc" in own.index else dict.fromkeys(SIZE, 0)
        cells = {name: _cell(own, name) for name in SHOWN}
        notes = part.loc[~part["metric"].isin(metrics["metric"]), "note"]
        undefined = own.loc[own.index.isin(SHOWN) & own["value"].isna()].index
        notes = [*notes, *([f"undefined: {', '.join(undefined)}"] if len(undefined) else [])]
        row = {"cohort": cohort, "kind": part["kind"].iloc[0], "arm": arm, **sized, **cells}
        rows.append({**row, "note": "; ".join(notes)})
    return pd.DataFrame(rows).astype(dict.fromkeys(SIZE, "Int64"))


def _cell(own, name):
    if name not in own.index or np.isnan(own.loc[name, "value"]):
        return ""
    value, low, high = own.loc[name, ["value", "low", "high"]]
    if name.endswith("-fold-mean"):
        return f"{value:.3f} ± {own.loc[name.replace('mean', 'sd'), 'value']:.3f}"
    return with_interval(value, low, high)


def with_interval(value, low, high, digits=3):
    """Returns "0.821 [0.754, 0.883]", or "1.000 [no interval]" where all draws agree, which is no certainty."""
    ends = f"{low:.{digits}f}, {high:.{digits}f}" if low < high else "no interval"
    return f"{value:.{digits}f} [{ends}]"
