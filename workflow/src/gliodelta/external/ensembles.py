"""Several ensembles of the same models, side by side; which of them counts was declared before any was looked at."""

import numpy as np

from gliodelta.external.shift import change_prior, estimate_prior
from gliodelta.statistics.bootstrap import draw_patients, interval
from gliodelta.statistics.metrics import (
    accuracy,
    auc,
    average_precision,
    brier,
    f1,
    npv,
    ppv,
    sensitivity,
    specificity,
)

# Column: what it is, and why it is there. The published code has two ensembles and uses each in other places: the vote
# for the tables (even for the areas under curves), the mean score for curves and tests (Di Noto et al. 2022, arXiv
# 2210.09698, public code).
PRIMARY = "mean_probability"
ENSEMBLES = {
    PRIMARY: ("mean of calibrated probabilities", "declared primary"),
    "mean_score": ("mean score", "published, for curves and tests"),
    "majority_vote": ("majority vote", "published, for tables"),
    "even_prior": ("mean of calibrated probabilities at an even prior", "label shift, from labels at home only"),
    "transductive": ("mean of calibrated probabilities at the cohort's estimated prior", "transductive"),
}
AREAS = {"auc": auc, "ap": average_precision}
CALLS = {
    "accuracy": accuracy,
    "sensitivity": sensitivity,
    "specificity": specificity,
    "ppv": ppv,
    "npv": npv,
    "f1": f1,
}
PROBABILITIES = (PRIMARY, "even_prior", "transductive")


def combine(members):
    """Combines the models' predictions of the same pairs.

    Args:
        members: list of dicts, one a model: `score`, `probability` (calibrated on its validation patients) and `vote`
            (0 | 1), arrays [pairs]; `home`, the share of unstable pairs that `probability` takes for granted.

    Returns:
        dict of the columns of `ENSEMBLES` to arrays [pairs], and `share`, the share of unstable pairs estimated for
        the column transductive. A tied vote is stable, as published (the mode's smallest value).
    """
    score, probability, vote = (np.array([one[key] for one in members]) for key in ("score", "probability", "vote"))
    homes = np.array([one["home"] for one in members])
    mean, home = probability.mean(axis=0), float(homes.mean())
    share = estimate_prior(mean, home)
    return {
        PRIMARY: mean,
        "mean_score": score.mean(axis=0),
        "majority_vote": (vote.mean(axis=0) > 0.5).astype(int),
        "even_prior": change_prior(probability, homes[:, None], 0.5).mean(axis=0),
        "transductive": change_prior(mean, home, share),
        "share": share,
    }


def score_ensembles(table, share, settings):
    """Judges the ensembles on the labelled pairs; a pair is called unstable above .5, a mean score calls nothing.

    Args:
        table: pandas.DataFrame with subject, y_true (missing where unknown) and the columns of `ENSEMBLES` (missing
            where a pair was not predicted).
        share: the estimated share that the column transductive is made with.
        settings: dict with `bootstraps` and `seed`.

    Returns:
        pandas.DataFrame: ensemble, role, metric, value (missing where labels or calls lack a class, which the note
        says), low, high (95 %, whole patients drawn), n_maps, n_patients, note. Areas of the majority vote are those
        of 0 and 1, as published.
    """
    import pandas as pd

    labelled = table[table["y_true"].notna()]
    sample = labelled[labelled[PRIMARY].notna()]
    unscored = len(labelled) - len(sample)
    gone = f"{unscored} labelled pairs have no score; ensembles.tsv says why" if unscored else ""
    y = sample["y_true"].to_numpy(float)
    weights = draw_patients(sample["subject"], settings["bootstraps"], settings["seed"]) if len(sample) else None
    size = {"n_maps": len(sample), "n_patients": sample["subject"].nunique()}
    rows = []
    for column, (name, role) in ENSEMBLES.items() if len(sample) else ():
        note = f"estimated share of unstable pairs: {share:.3f}" if column == "transductive" else ""
        for metric, drawn in _judge(column, y, sample[column].to_numpy(float), weights):
            low, high, unusable = interval(drawn[1:])
            lacking = "all of these maps have one label or are called alike" if drawn[0] != drawn[0] else ""
            left_out = f"{unusable} draws held no map of a kind and are left out" if unusable else ""
            notes = [note, lacking or left_out, gone]
            row = {"ensemble": name, "role": role, "metric": metric, "value": drawn[0], "low": low, "high": high}
            rows.append({**row, **size, "note": "; ".join(filter(None, notes))})
    columns = ["ensemble", "role", "metric", "value", "low", "high", *size, "note"]
    return pd.DataFrame(rows, columns=columns)


def _judge(column, y, values, weights):
    for name, area in AREAS.items():
        yield name, area(y, values, weights)
    if column != "mean_score":
        for name, metric in CALLS.items():
            yield name, metric(y, (values > 0.5).astype(float), weights)
    if column in PROBABILITIES:
        yield "brier", brier(y, values, weights)
