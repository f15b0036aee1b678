"""TF-IDF of words and pairs of words, and L2-regularised logistic regression."""

import numpy as np

from gliodelta.labels.parts._terms import vectoriser


def fit(rows, y, seed):
    """Fits the part, see `gliodelta.labels.parts`; log odds are 0 where no term is common enough."""
    from sklearn.linear_model import LogisticRegression

    terms = vectoriser(rows, longest=2)
    if terms is None:
        return lambda rows: np.zeros(len(rows))
    # C = 10: rows of TF-IDF have length 1, spread over tens of terms, so that C = 1 leaves all log odds near 0.
    model = LogisticRegression(C=10.0, class_weight="balanced", max_iter=1000)
    model.fit(terms.transform(rows["text"]), y)
    return lambda rows: model.decision_function(terms.transform(rows["text"]))
