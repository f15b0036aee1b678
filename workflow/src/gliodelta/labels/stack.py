"""Stacking: the parts' log odds become one calibrated probability (Wolpert 1992).

Each part is cross-fitted, no patient on both sides, and a logistic regression on these out-of-fold log odds gives their
weights and the scale of the probabilities. Three things keep it modest with tens of labels. Weights are not negative
(Breiman 1996), since parts that read the same text are never evidence against each other. Labels are drawn in by one
observation a class, as Platt (1999) did, so that flawless readings of few reports claim no certainty. And where one
part alone predicts held-out patients as well as all together, it is all of the stack: the stack is not worse than its
parts.
"""

from dataclasses import dataclass

import numpy as np

from gliodelta import plugins

PARTS = "gliodelta.labels.parts"
# Below four patients with each class, cross-fitting by patient has training folds with one or two patients of a class.
MIN_PATIENTS = 4
MAX_FOLDS = 5
# Of the label of a report that its readers could not tell.
OPEN = 0.5


@dataclass(frozen=True)
class Stack:
    """A fitted stack: `chosen` parts and `crossed`, the out-of-fold probabilities of the reports it was fitted on.

    `crossed` and what a call returns are DataFrames with the column `p_unstable` and one column a part, the
    probabilities of that part alone.
    """

    chosen: tuple
    crossed: object
    parts: dict
    scales: dict

    def __call__(self, rows):
        """Returns the probabilities of change of `rows`, reports as `gliodelta.labels.parts` describes them."""
        logits = np.column_stack([part(rows) for part in self.parts.values()])
        return _table({names: _probability(logits, *scale) for names, scale in self.scales.items()}, self.chosen, rows)


def fit(rows, y, names, seed, baselines=()):
    """Fits the stack.

    Args:
        rows: reports with a label by rules, as `gliodelta.labels.parts` describes them.
        y: Series of their labels: 0 stable, 1 unstable, .5 where the reader could not tell.
        names: plug-ins of `PARTS` to stack.
        seed: of the draw of the folds and of the parts.
        baselines: more plug-ins, to compare the stack with.

    Returns:
        `Stack`; None when fewer than four patients have one of the labels.
    """
    known = (y != OPEN).to_numpy()
    counts = [rows.loc[(y == label).to_numpy(), "subject"].nunique() for label in (0, 1)]
    if min(counts) < MIN_PATIENTS:
        return None
    every = list(dict.fromkeys([*names, *baselines]))
    fitters = {name: plugins.load(PARTS, name).fit for name in every}
    folds = _folds(rows, y, min(MAX_FOLDS, *counts), seed)
    logits = _cross_fit(fitters, rows, y, known, folds, seed)
    y_soft = y.to_numpy(float)
    columns = {(name,): [every.index(name)] for name in every} | {tuple(names): [every.index(name) for name in names]}
    crossed = {chosen: _cross_scale(logits, y_soft, where, folds) for chosen, where in columns.items()}
    # Each part alone, then all: of equals, `min` takes the first.
    candidates = [*((name,) for name in names), tuple(names)]
    best = min(candidates, key=lambda chosen: _log_loss(y_soft, crossed[chosen]))
    return Stack(
        chosen=best,
        crossed=_table(crossed, best, rows),
        parts={name: fitter(rows[known], y[known].astype(int), seed) for name, fitter in fitters.items()},
        scales={chosen: _regress(logits, y_soft, where) for chosen, where in columns.items()},
    )


def _table(probabilities, chosen, rows):
    import pandas as pd

    alone = {names[0]: p for names, p in probabilities.items() if len(names) == 1}
    return pd.DataFrame({"p_unstable": probabilities[chosen], **alone}, index=rows.index)


def _folds(rows, y, number, seed):
    """Returns (train, held) positions of folds that share no patient."""
    from sklearn.model_selection import StratifiedGroupKFold

    draw = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    return list(draw.split(rows, y > OPEN, rows["subject"]))


def _cross_fit(fitters, rows, y, known, folds, seed):
    """Returns the log odds [rows, parts] from parts that saw no report of the patient."""
    logits = np.zeros((len(rows), len(fitters)))
    for train, held in folds:
        train = train[known[train]]
        # A part of one class alone teaches nothing; its log odds stay at 0.
        if y.iloc[train].nunique() == 2:
            for column, fitter in enumerate(fitters.values()):
                part = fitter(rows.iloc[train], y.iloc[train].astype(int), seed)
                logits[held, column] = part(rows.iloc[held])
    return logits


def _cross_scale(logits, y, columns, folds):
    """Returns out-of-fold probabilities."""
    p_unstable = np.empty(len(y))
    for train, held in folds:
        p_unstable[held] = _probability(logits[held], *_regress(logits[train], y[train], columns))
    return p_unstable


def _regress(logits, y, columns):
    """Fits an L2-regularised logistic regression (C = 1) with weights >= 0 on some columns.

    Args:
        logits: [rows, parts].
        y: [rows] in 0 to 1.
        columns: of the parts that may have weight.

    Returns:
        (weights [parts], intercept).
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    # Platt (1999): labels as if each class had one observation more, of which half is of the other.
    unstable, stable = y.sum(), (1 - y).sum()
    target = y * (unstable + 1) / (unstable + 2) + (1 - y) / (stable + 2)

    def loss(parameters):
        odds = logits @ parameters[:-1] + parameters[-1]
        error = expit(odds) - target
        weights = parameters[:-1]
        value = np.sum(np.logaddexp(0, odds) - target * odds) + 0.5 * weights @ weights
        return value, np.append(error @ logits + weights, error.sum())

    parts = logits.shape[1]
    bounds = [(0, None if column in columns else 0) for column in range(parts)] + [(None, None)]
    found = minimize(loss, np.zeros(parts + 1), jac=True, bounds=bounds, method="L-BFGS-B").x
    return found[:-1], found[-1]


def _probability(logits, weights, intercept):
    from scipy.special import expit

    return expit(logits @ weights + intercept)


def _log_loss(y, p_unstable):
    return -np.mean(y * np.log(p_unstable) + (1 - y) * np.log1p(-p_unstable))
