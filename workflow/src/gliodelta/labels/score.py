"""How good the weak labels are: against the readers, on pairs of patients that the calibration never saw.

The readers' own agreement bounds what any of this can reach.
"""

from gliodelta import io
from gliodelta.labels import figures
from gliodelta.labels.human import BINARY, consensus
from gliodelta.labels.reliability import accuracy, confidence, cut_metrics, fleiss_kappa, kappa
from gliodelta.statistics.bootstrap import draw_patients, interval
from gliodelta.statistics.calibration import calibration_error
from gliodelta.statistics.metrics import brier, sensitivity, specificity
from gliodelta.tables import PAIR

COLUMNS = ["method", "language", "metric", "value", "low", "high", "pairs", "patients"]
VOTES, STACK, ALL = "votes", "stack", "all"
NO_VOTE = "no vote"


def score_labels(votes, calibrations, labels_sheet, models, bootstraps, seed, table, human, picture):
    """Compares the votes by rules and the fold models' out-of-fold probabilities with the readers.

    Args:
        votes: table of `extract.extract_reports`.
        calibrations: tables `calibration` of `calibrate.calibrate_labels`, one a fold and repeat; with several
            repeats a pair's probability is their mean. Ranks of folds that could not be calibrated are no
            probabilities and left out.
        labels_sheet: path of labels.tsv.
        models: names of the parts and baselines of the calibrations.
        bootstraps: draws of patients for the 95 % intervals.
        seed: of the draws.
        table: table to write: method (readers | votes | stack | a part or baseline), language (all | fr | en), metric,
            value, low, high, pairs, patients. `coverage` is the share of the readers' pairs that a report labels; all
            else is on these. `uncalibrated_folds` counts the tables `calibration` that are left out, and the pairs on
            them. Accuracy at the cuts, and what share these keep, have Wilson intervals, all else the bootstrap's.
        human: table to write, result of `human.consensus`.
        picture: PNG to write, see `figures.draw`.
    """
    import pandas as pd

    read = consensus(labels_sheet)
    io.write_table(read, human)
    read = read[read["y"].notna()].astype({"y": int})
    voted = read.merge(
        io.read_table(votes)[[*PAIR, "language", "label"]], on=PAIR, how="left", suffixes=("", "_report")
    )
    voted["called"] = voted["label_report"].map(BINARY)
    # A table without rows has no numbers to tell the column's type by.
    probabilities = dict.fromkeys(["p_unstable", *models], float)
    folds = pd.concat([io.read_table(path) for path in calibrations], keys=calibrations).astype(probabilities)
    ranks = folds[folds["calibrated"] != "yes"]
    uncalibrated = ranks.index.get_level_values(0).nunique()
    mean = folds.drop(ranks.index).groupby(PAIR, as_index=False)[[*probabilities]].mean()
    scored = read.merge(mean, on=PAIR, how="left").assign(language=voted["language"])
    methods = {VOTES: voted, STACK: called(scored, "p_unstable"), **{name: called(scored, name) for name in models}}
    rows = _readers(io.read_table(labels_sheet), bootstraps, seed)
    rows += [row for method, pairs in methods.items() for row in metrics_of(method, pairs, bootstraps, seed)]
    rows.append(_row(STACK, "uncalibrated_folds", uncalibrated, ranks.drop_duplicates(PAIR)))
    io.write_table(pd.DataFrame(rows, columns=COLUMNS), table)
    left_out = f"{uncalibrated} of {len(calibrations)} folds are uncalibrated and left out" if uncalibrated else ""
    truth = voted["label"].replace("", "unstable")
    figures.draw(methods, (truth, voted["label_report"].fillna(NO_VOTE)), picture, left_out)


def called(pairs, column):
    """Returns pairs with the probabilities in `column` as `p_unstable`, and `called` from .5 on, missing like them."""
    p_unstable = pairs[column]
    return pairs.assign(p_unstable=p_unstable, called=(p_unstable >= 0.5).astype(float).where(p_unstable.notna()))


def metrics_of(method, pairs, bootstraps, seed):
    """Returns the rows of agreement.tsv of one method.

    Args:
        method: its name.
        pairs: DataFrame with subject, language, y, called (0 | 1, missing without a label) and perhaps p_unstable.
        bootstraps, seed: as in `score_labels`.
    """
    rows = list(_metrics(method, ALL, pairs, bootstraps, seed))
    languages = sorted(pairs["language"].dropna().unique())
    if method in (VOTES, STACK) and len(languages) > 1:
        for language in languages:
            rows += _metrics(method, language, pairs[pairs["language"] == language], bootstraps, seed)
    return rows


def _metrics(method, language, pairs, bootstraps, seed):
    found = pairs.dropna(subset="called")
    if language == ALL:
        yield _row(method, "coverage", len(found) / max(len(pairs), 1), found)
    if found.empty:
        return
    metrics = {"accuracy": accuracy, "kappa": kappa, "sensitivity": sensitivity, "specificity": specificity}
    metrics = [(name, metric, "called") for name, metric in metrics.items()]
    if "p_unstable" in found:
        metrics += [("calibration_error", calibration_error, "p_unstable"), ("brier", brier, "p_unstable")]
    # The share of change by the readers and by the reports: training on the latter must know of a shift.
    metrics += [("unstable_by_readers", _share, "y"), ("unstable_by_reports", _share, "called")]
    weights = draw_patients(found["subject"], bootstraps, seed)
    for name, metric, column in metrics:
        drawn = metric(found["y"].to_numpy(float), found[column].to_numpy(float), weights)
        yield _drawn(method, name, drawn, found, language)
    if "p_unstable" in found:
        right = found["called"] == found["y"]
        for name, value, low, high, kept in cut_metrics(right, confidence(found["p_unstable"])):
            yield {**_row(method, name, value, found.iloc[kept], language), "low": low, "high": high}


def _share(_, called, weights):
    return weights @ called / weights.sum(axis=1)


def _readers(labels, bootstraps, seed):
    labels = labels.assign(y=labels["label"].map(BINARY)).dropna(subset="y")
    pairs = labels.groupby(PAIR, as_index=False).agg(unstable=("y", "sum"), readers=("y", "size"))
    pairs = pairs[pairs["readers"] > 1]
    if pairs.empty:
        return []
    counts = (pairs[name].to_numpy(float) for name in ("unstable", "readers"))
    return [
        _drawn(
            "readers", "fleiss_kappa", fleiss_kappa(*counts, draw_patients(pairs["subject"], bootstraps, seed)), pairs
        )
    ]


def _drawn(method, metric, drawn, pairs, language=ALL):
    low, high, _ = interval(drawn[1:])
    return {**_row(method, metric, drawn[0], pairs, language), "low": low, "high": high}


def _row(method, metric, value, pairs, language=ALL):
    sizes = {"pairs": len(pairs), "patients": pairs["subject"].nunique()}
    return {"method": method, "language": language, "metric": metric, "value": value, **sizes}
