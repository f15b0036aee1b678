"""Trivial rivals of the networks: anything deep must beat the mean of the difference map, or the calendar.

Each is a logistic regression on numbers that the imaging stage has measured, trained like a network: on the human
labels of the training patients of each split, never on validation or test patients. With one number the regression
finds only its direction.
"""

import numpy as np

from gliodelta import io
from gliodelta.evaluation import figures
from gliodelta.evaluation.predictions import COLUMNS, EXTERNAL, MODEL, PAIR
from gliodelta.labels.human import labelled
from gliodelta.schema import InvalidInput
from gliodelta.splits import TRAIN

# Name: the columns of maps.tsv that it sees. Sixteen bins from methods.md A9.18: a histogram without anatomy.
COMPARATORS = {
    "mean-difference": ["feature_mean"],
    "p95-difference": ["feature_p95"],
    "histogram-difference": [f"feature_hist{number:02d}" for number in range(16)],
    "interval-days": ["days"],
}


def fit_comparators(folds, cohorts, maps, labels, table, picture):
    """Trains every comparator on every split and predicts its validation and test pairs, and the external cohorts.

    A split whose training pairs are of one class gives a constant probability of .5.

    Args:
        folds: table of `splits.split_patients`.
        cohorts: names of the cohorts, the development cohort first.
        maps, labels: maps.tsv and labels.tsv of each of them.
        table: table to write: cohort and the columns of predictions.tsv, `arm` being the comparator. On external
            cohorts (repeat, fold and inner 0) score and probability are means over all models.
        picture: PNG to write: the numbers by human label.

    Raises:
        InvalidInput: an included map lacks a number.
    """
    import pandas as pd

    pairs = {name: _read(*files) for name, *files in zip(cohorts, maps, labels, strict=True)}
    development, *externals = cohorts
    splits = list(io.read_table(folds).groupby(MODEL))
    tables = []
    for arm, columns in COMPARATORS.items():
        outside = {name: [] for name in externals}
        for numbers, patients in splits:
            own = pairs[development].merge(patients[["subject", "part"]], on="subject")
            training = own[own["part"] == TRAIN]
            model = dict(zip(MODEL, numbers, strict=True), arm=arm)
            rest = own[own["part"] != TRAIN].rename(columns={"part": "split"})
            tables.append(_predict(training, rest, columns).assign(cohort=development, **model))
            for name in externals:
                outside[name].append(_predict(training, pairs[name].assign(split=EXTERNAL), columns))
        ensemble = dict.fromkeys(MODEL, 0) | {"arm": arm}
        tables += [_mean(predictions).assign(cohort=name, **ensemble) for name, predictions in outside.items()]
    io.write_table(pd.concat(tables)[["cohort", *COLUMNS]], table)
    figures.draw_features(pairs, picture)


def _read(maps, labels):
    """Included pairs of a cohort that have a human label, with their numbers."""
    table = io.read_table(maps)
    human = labelled(labels)[[*PAIR, "y"]].rename(columns={"y": "y_true"})
    table = table[table["include"] == "yes"].merge(human, on=PAIR)
    columns = [column for columns in COMPARATORS.values() for column in columns]
    missing = [column for column in columns if column not in table or not np.isfinite(table[column]).all()]
    if missing:
        raise InvalidInput(f"{maps}: {', '.join(missing)} lack a number for an included map; rerun screen_maps")
    return table.sort_values(PAIR, ignore_index=True)


def _predict(training, pairs, columns):
    """Rows of `pairs` with the score (log odds) and probability that a regression on `training` gives them."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    score = np.zeros(len(pairs))
    if training["y_true"].nunique() == 2 and len(pairs):
        # Numbers on one scale, so that the default ridge penalty weighs the sixteen bins alike.
        model = make_pipeline(StandardScaler(), LogisticRegression())
        model.fit(training[columns].to_numpy(float), training["y_true"])
        score = model.decision_function(pairs[columns].to_numpy(float))
    return pairs[[*PAIR, "split", "y_true"]].assign(score=score, probability=1 / (1 + np.exp(-score)))


def _mean(predictions):
    """The first of several tables on the same pairs, with their mean score and mean probability."""
    means = {name: np.mean([table[name] for table in predictions], axis=0) for name in ("score", "probability")}
    return predictions[0].assign(**means)
