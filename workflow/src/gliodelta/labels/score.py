"""How good the weak labels are: against the readers, on pairs of patients that the calibration never saw.

The readers' own agreement bounds what any of this can reach.
"""

import numpy as np

from gliodelta import io, plots
from gliodelta.labels.human import BINARY, consensus
from gliodelta.statistics.bootstrap import draw_patients, interval
from gliodelta.statistics.metrics import brier, sensitivity, specificity
from gliodelta.tables import PAIR

# Five bins: at tens of labelled pairs, ten would hold two or three each.
BINS = 5
COLUMNS = ["method", "metric", "value", "low", "high", "pairs", "patients"]
NO_VOTE = "no vote"


def score_labels(votes, calibrations, labels_sheet, bootstraps, seed, table, human, picture):
    """Compares the votes by rules and the fold models' out-of-fold probabilities with the readers.

    Args:
        votes: table of `extract.extract_reports`.
        calibrations: tables `calibration` of `calibrate.calibrate_labels`, one a fold and repeat; with several
            repeats a pair's probability is their mean. Ranks of folds that could not be calibrated are no
            probabilities and left out.
        labels_sheet: path of labels.tsv.
        bootstraps: draws of patients for the 95 % intervals.
        seed: of the draws.
        table: table to write: method (readers | rules | calibrated), metric, value, low, high, pairs, patients.
            `coverage` is the share of the readers' pairs that a report labels; all else is on these.
            `uncalibrated_folds` counts the tables `calibration` that are left out, and the pairs on them.
        human: table to write, result of `human.consensus`.
        picture: PNG to write: reliability of the probabilities, and readers against rules.
    """
    import pandas as pd

    read = consensus(labels_sheet)
    io.write_table(read, human)
    read = read[read["y"].notna()].astype({"y": int})
    rules = read.merge(io.read_table(votes)[[*PAIR, "label"]], on=PAIR, how="left", suffixes=("", "_report"))
    rules["called"] = rules["label_report"].map(BINARY)
    # A table without rows has no numbers to tell the column's type by.
    folds = pd.concat([io.read_table(path) for path in calibrations], keys=calibrations).astype({"p_unstable": float})
    ranks = folds[folds["calibrated"] != "yes"]
    uncalibrated = ranks.index.get_level_values(0).nunique()
    mean = folds.drop(ranks.index).groupby(PAIR, as_index=False)["p_unstable"].mean()
    calibrated = read.merge(mean, on=PAIR, how="left")
    calibrated["called"] = (calibrated["p_unstable"] >= 0.5).astype(float).where(calibrated["p_unstable"].notna())
    rows = [
        *_readers(io.read_table(labels_sheet), bootstraps, seed),
        *_rows("rules", rules, bootstraps, seed),
        *_rows("calibrated", calibrated, bootstraps, seed),
        _row("calibrated", "uncalibrated_folds", uncalibrated, ranks.drop_duplicates(PAIR)),
    ]
    io.write_table(pd.DataFrame(rows, columns=COLUMNS), table)
    left_out = f"\n{uncalibrated} of {len(calibrations)} folds are uncalibrated and left out" if uncalibrated else ""
    _draw(calibrated.dropna(subset="p_unstable"), rules, left_out, picture)


def kappa(y, called, weights):
    """Cohen's kappa of two binary labels under weights [draws, pairs]; NaN where only one label occurs."""
    total = weights.sum(axis=1)
    agree = weights @ (y == called) / total
    first, second = weights @ y / total, weights @ called / total
    chance = first * second + (1 - first) * (1 - second)
    return np.divide(agree - chance, 1 - chance, out=np.full(len(total), np.nan), where=chance < 1)


def fleiss_kappa(unstable, readers, weights):
    """Fleiss' kappa of the readers among themselves (Fleiss 1971), with as many readers a pair as there are.

    Args:
        unstable: [pairs] how many readers call the pair unstable.
        readers: [pairs] how many gave it a binary label, two at least.
        weights: [draws, pairs], not negative.

    Returns:
        [draws], at most 1; NaN where only one label occurs.
    """
    stable = readers - unstable
    agree = (unstable * (unstable - 1) + stable * (stable - 1)) / (readers * (readers - 1))
    agree = weights @ agree / weights.sum(axis=1)
    share = weights @ unstable / (weights @ readers)
    chance = share**2 + (1 - share) ** 2
    return np.divide(agree - chance, 1 - chance, out=np.full(len(chance), np.nan), where=chance < 1)


def accuracy(y, called, weights):
    """Share of pairs with the readers' label."""
    return weights @ (y == called) / weights.sum(axis=1)


def calibration_error(y, p_unstable, weights):
    """Expected calibration error: mean distance of a bin's mean probability from its share of unstable pairs."""
    members = np.eye(BINS)[_bins(p_unstable)]
    return np.abs(weights @ (members * (p_unstable - y)[:, None])).sum(axis=1) / weights.sum(axis=1)


def _bins(p_unstable):
    return np.minimum((np.asarray(p_unstable) * BINS).astype(int), BINS - 1)


def _readers(labels, bootstraps, seed):
    labels = labels.assign(y=labels["label"].map(BINARY)).dropna(subset="y")
    pairs = labels.groupby(PAIR, as_index=False).agg(unstable=("y", "sum"), readers=("y", "size"))
    pairs = pairs[pairs["readers"] > 1]
    if len(pairs):
        counts = (pairs[name].to_numpy(float) for name in ("unstable", "readers"))
        drawn = fleiss_kappa(*counts, draw_patients(pairs["subject"], bootstraps, seed))
        yield _drawn("readers", "fleiss_kappa", drawn, pairs)


def _rows(method, pairs, bootstraps, seed):
    found = pairs.dropna(subset="called")
    yield _row(method, "coverage", len(found) / max(len(pairs), 1), found)
    metrics = {"kappa": kappa, "accuracy": accuracy, "sensitivity": sensitivity, "specificity": specificity}
    metrics = [(name, metric, "called") for name, metric in metrics.items()]
    if "p_unstable" in found:
        metrics += [("calibration_error", calibration_error, "p_unstable"), ("brier", brier, "p_unstable")]
    if found.empty:
        return
    weights = draw_patients(found["subject"], bootstraps, seed)
    for name, metric, column in metrics:
        drawn = metric(found["y"].to_numpy(float), found[column].to_numpy(float), weights)
        yield _drawn(method, name, drawn, found)


def _drawn(method, metric, drawn, pairs):
    low, high, _ = interval(drawn[1:])
    return {**_row(method, metric, drawn[0], pairs), "low": low, "high": high}


def _row(method, metric, value, pairs):
    sizes = {"pairs": len(pairs), "patients": pairs["subject"].nunique()}
    return {"method": method, "metric": metric, "value": value, **sizes}


def _draw(calibrated, rules, left_out, picture):
    import pandas as pd

    figure, (left, right) = plots.new(height_mm=75, columns=2)
    left.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    bins = calibrated.groupby(_bins(calibrated["p_unstable"]))[["p_unstable", "y"]].agg(["mean", "size"])
    left.plot(bins["p_unstable", "mean"], bins["y", "mean"], marker="o")
    for _, row in bins.iterrows():
        place = (row["p_unstable", "mean"], row["y", "mean"])
        left.annotate(f"{row['y', 'size']:.0f}", place, xytext=(5, -8), textcoords="offset points")
    left.set(xlim=(-0.02, 1.02), ylim=(-0.05, 1.05), title=f"Reliability (pairs in each bin){left_out}")
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
