"""Trivial rivals of the networks: anything deep must beat the mean of the difference map, or the calendar.

Each is a logistic regression on numbers that the imaging stage has measured, trained like a network: on the human
labels of the training patients of each split, never on validation or test patients. With one number the regression
finds only its direction.
"""

import numpy as np

from gliodelta import io
from gliodelta.evaluation import figures
from gliodelta.evaluation.predictions import EXTERNAL
from gliodelta.imaging.difference import FEATURES
from gliodelta.labels.human import labelled
from gliodelta.schema import InvalidInput
from gliodelta.splits import TRAIN
from gliodelta.tables import PAIR, PREDICTIONS, SPLIT

# Name: the columns of maps.tsv that it sees. The histogram knows how much differs by how much, but not where.
COMPARATORS = {
    "mean-difference": ["feature_mean"],
    "p95-difference": ["feature_p95"],
    "histogram-difference": [name for name in FEATURES if name.startswith("feature_hist")],
    "interval-days": ["days"],
}


def fit_comparators(folds, cohorts, maps, labels, table, picture):
    """Trains every comparator on every split and predicts its validation and test pairs, and the external cohorts.

    Args:
        folds: table of `splits.split_patients`.
        cohorts: names of the cohorts, the development cohort first.
        maps, labels: maps.tsv and labels.tsv of each of them.
        table: table to write, result of `predict_all`.
        picture: PNG to write: the numbers by human label.

    Raises:
        InvalidInput: an included map lacks a number.
    """
    pairs = {name: read_pairs(*files) for name, *files in zip(cohorts, maps, labels, strict=True)}
    io.write_table(predict_all(io.read_table(folds), pairs), table)
    figures.draw_features(pairs, picture)


def read_pairs(maps, labels):
    """Returns the included pairs of a cohort that have a human label: columns of maps.tsv and y_true.

    Raises:
        InvalidInput: an included map lacks a number.
    """
    table = io.read_table(maps)
    human = labelled(labels)[[*PAIR, "y"]].rename(columns={"y": "y_true"})
    table = table[table["include"] == "yes"].merge(human, on=PAIR)
    columns = [column for columns in COMPARATORS.values() for column in columns]
    missing = [column for column in columns if column not in table or not np.isfinite(table[column]).all()]
    if missing:
        raise InvalidInput(f"{maps}: {', '.join(missing)} lack a number for an included map; rerun screen_maps")
    return table.sort_values(PAIR, ignore_index=True)


def predict_all(folds, pairs):
    """Trains and predicts with every comparator; a split whose training pairs are of one class gives a constant .5.

    Args:
        folds: repeat, fold, inner, subject, part.
        pairs: dict of cohort to the result of `read_pairs`, the development cohort first.

    Returns:
        pandas.DataFrame: cohort and the columns of predictions.tsv, `arm` being the comparator. On external cohorts
        (repeat, fold and inner 0) score and probability are means over all models.
    """
    import pandas as pd

    development, *externals = pairs
    tables = []
    for arm, columns in COMPARATORS.items():
        outside = {name: [] for name in externals}
        for numbers, patients in folds.groupby(SPLIT):
            own = (
                pairs[development].merge(patients[["subject", "part"]], on="subject").rename(columns={"part": "split"})
            )
            training, rest = own[own["split"] == TRAIN], own[own["split"] != TRAIN]
            model = dict(zip(SPLIT, numbers, strict=True), arm=arm)
            tables.append(_predict(training, rest, columns).assign(cohort=development, **model))
            for name in externals:
                outside[name].append(_predict(training, pairs[name].assign(split=EXTERNAL), columns))
        ensemble = dict.fromkeys(SPLIT, 0) | {"arm": arm}
        tables += [_mean(predictions).assign(cohort=name, **ensemble) for name, predictions in outside.items()]
    return pd.concat(tables, ignore_index=True)[["cohort", *PREDICTIONS]]


def _predict(training, pairs, columns):
    """Rows of `pairs` with the score (log odds) and probability that a regression on `training` gives them."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    score = np.zeros(len(pairs))
    if training["y_true"].nunique() == 2 and len(pairs):
        # Numbers on one scale, so that the default ridge penalty weighs the bins alike.
        model = make_pipeline(StandardScaler(), LogisticRegression())
        model.fit(training[columns].to_numpy(float), training["y_true"])
        score = model.decision_function(pairs[columns].to_numpy(float))
    return pairs[[*PAIR, "split", "y_true"]].assign(score=score, probability=1 / (1 + np.exp(-score)))


def _mean(predictions):
    """The first of several tables on the same pairs, with their mean score and mean probability."""
    means = {name: np.mean([table[name] for table in predictions], axis=0) for name in ("score", "probability")}
    return predictions[0].assign(**means)
