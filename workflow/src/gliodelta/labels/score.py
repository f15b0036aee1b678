"""How good the weak labels are: against the readers, on pairs of patients that the calibration never saw."""

import numpy as np

from gliodelta import io, plots
from gliodelta.evaluation.bootstrap import draw_patients, interval
from gliodelta.evaluation.metrics import brier, sensitivity, specificity
from gliodelta.labels.human import BINARY, consensus
from gliodelta.tables import PAIR

# Five bins: at tens of labelled pairs, ten would hold two or three each.
BINS = 5
COLUMNS = ["method", "metric", "value", "low", "high", "pairs", "patients"]
NO_VOTE = "no vote"


def score_labels(votes, calibrations, labels_sheet, bootstraps, seed, table, picture):
    """Compares the votes by rules and the fold models' out-of-fold probabilities with the readers.

    Args:
        votes: table of `extract.extract_reports`.
        calibrations: tables `calibration` of `calibrate.calibrate_labels`, one a fold and repeat; with several
            repeats a pair's probability is their mean.
        labels_sheet: path of labels.tsv.
        bootstraps: draws of patients for the 95 % intervals.
        seed: of the draws.
        table: table to write: method (rules | calibrated), metric, value, low, high, pairs, patients. `coverage` is the
            share of the readers' pairs that a report labels; all else is on these.
        picture: PNG to write: reliability of the probabilities, and readers against rules.
    """
    import pandas as pd

    human = consensus(labels_sheet)
    human = human[human["y"].notna()].astype({"y": int})
    rules = human.merge(io.read_table(votes)[[*PAIR, "label"]], on=PAIR, how="left", suffixes=("", "_report"))
    rules["called"] = rules["label_report"].map(BINARY)
    folds = pd.concat([io.read_table(path) for path in calibrations])
    mean = folds.groupby(PAIR, as_index=False)["p_unstable"].mean()
    calibrated = human.merge(mean, on=PAIR, how="left")
    calibrated["called"] = (calibrated["p_unstable"] >= 0.5).astype(float).where(calibrated["p_unstable"].notna())
    rows = [*_rows("rules", rules, bootstraps, seed), *_rows("calibrated", calibrated, bootstraps, seed)]
    io.write_table(pd.DataFrame(rows, columns=COLUMNS), table)
    _draw(calibrated.dropna(subset="p_unstable"), rules, picture)


def kappa(y, called, weights):
    """Cohen's kappa of two binary labels under weights [draws, pairs]; NaN where only one label occurs."""
    total = weights.sum(axis=1)
    agree = weights @ (y == called) / total
    first, second = weights @ y / total, weights @ called / total
    chance = first * second + (1 - first) * (1 - second)
    return np.divide(agree - chance, 1 - chance, out=np.full(len(total), np.nan), where=chance < 1)


def accuracy(y, called, weights):
    """Share of pairs with the readers' label."""
    return weights @ (y == called) / weights.sum(axis=1)


def calibration_error(y, p_unstable, weights):
    """Expected calibration error: mean distance of a bin's mean probability from its share of unstable pairs."""
    members = np.eye(BINS)[_bins(p_unstable)]
    return np.abs(weights @ (members * (p_unstable - y)[:, None])).sum(axis=1) / weights.sum(axis=1)


def _bins(p_unstable):
    return np.minimum((np.asarray(p_unstable) * BINS).astype(int), BINS - 1)


def _rows(method, pairs, bootstraps, seed):
    found = pairs.dropna(subset="called")
    sizes = {"pairs": len(found), "patients": found["subject"].nunique()}
    yield {"method": method, "metric": "coverage", "value": len(found) / max(len(pairs), 1), **sizes}
    metrics = {"kappa": kappa, "accuracy": accuracy, "sensitivity": sensitivity, "specificity": specificity}
    metrics = [(name, metric, "called") for name, metric in metrics.items()]
    if "p_unstable" in found:
        metrics += [("calibration_error", calibration_error, "p_unstable"), ("brier", brier, "p_unstable")]
    if found.empty:
        return
    weights = draw_patients(found["subject"], bootstraps, seed)
    for name, metric, column in metrics:
        drawn = metric(found["y"].to_numpy(float), found[column].to_numpy(float), weights)
        low, high, _ = interval(drawn[1:])
        yield {"method": method, "metric": name, "value": drawn[0], "low": low, "high": high, **sizes}


def _draw(calibrated, rules, picture):
    import pandas as pd

    figure, (left, right) = plots.new(height_mm=75, columns=2)
    left.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    bins = calibrated.groupby(_bins(calibrated["p_unstable"]))[["p_unstable", "y"]].agg(["mean", "size"])
    left.plot(bins["p_unstable", "mean"], bins["y", "mean"], marker="o")
    for _, row in bins.iterrows():
        place = (row["p_unstable", "mean"], row["y", "mean"])
        left.annotate(f"{row['y', 'size']:.0f}", place, xytext=(5, -8), textcoords="offset points")
    left.set(xlim=(-0.02, 1.02), ylim=(-0.05, 1.05), title="Reliability (pairs in each bin)")
    left.set(xlabel="probability of change from the report", ylabel="share that readers call changed")
    table = pd.crosstab(rules["label"].replace("", "unstable"), rules["label_report"].fillna(NO_VOTE))
    right.imshow(table, cmap="Blues", aspect="auto")
    for (row, column), count in np.ndenumerate(table.to_numpy()):
        dark = 2 * count > table.max(axis=None)
        right.text(column, row, count, ha="center", va="center", color="white" if dark else "black")
    right.set_xticks(range(table.shape[1]), table.columns)
    right.set_yticks(range(table.shape[0]), table.index)
    right.set(xlabel="report, by rules", ylabel="readers", title="Readers and reports")
    plots.save(figure, picture)
