"""The published classifier: TF-IDF of one to five words and a random forest (Di Noto et al. 2021).

Theirs read 361 French reports of gliomas, with an area under the ROC curve of about .89.
"""

import numpy as np

from gliodelta.labels.parts._terms import vectoriser

TREES = 501


def fit(rows, y, seed):
    """Fits the part, see `gliodelta.labels.parts`; log odds are 0 where no term is common enough."""
    from sklearn.ensemble import RandomForestClassifier

    terms = vectoriser(rows, longest=5)
    if terms is None:
        return lambda rows: np.zeros(len(rows))
    model = RandomForestClassifier(TREES, random_state=seed, n_jobs=1).fit(terms.transform(rows["text"]), y)

    def log_odds(rows):
        share = model.predict_proba(terms.transform(rows["text"]))[:, 1]
        # Half a tree on either side, so that a unanimous forest has finite odds.
        return np.log((share * TREES + 0.5) / ((1 - share) * TREES + 0.5))

    return log_odds
