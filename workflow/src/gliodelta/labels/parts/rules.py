"""What the rules found in a report, weighed by L2-regularised logistic regression."""

from gliodelta.labels.readings import GLOBAL, T1C, T2, UNCERTAIN
from gliodelta.labels.vote import SECTIONS


def fit(rows, y, seed):
    """Fits the part, see `gliodelta.labels.parts`."""
    from sklearn.linear_model import LogisticRegression

    # C = 1: features within -1 to 1 and tens of labels leave the prior about as strong as the data.
    model = LogisticRegression(C=1.0, max_iter=1000).fit(features(rows), y)
    return lambda rows: model.decision_function(features(rows))


def features(votes):
    """Returns the features of votes, a DataFrame: signs in -1 (stable), 0 (nothing said), 1 (change), and shares."""
    import numpy as np
    import pandas as pd

    def sign(section, component):
        count = {kind: votes[f"{section}_{component}_{kind}"] for kind in ("progression", "response", "stable")}
        change = (count["progression"] + count["response"]).to_numpy()
        return np.where(change > 0, 1, -(count["stable"].to_numpy() > 0).astype(int))

    table = {f"{section}_{part}": sign(section, part) for section in SECTIONS for part in (T2, GLOBAL, T1C)}
    conclusion, description = (np.sign(table[f"{section}_{T2}"] + table[f"{section}_{GLOBAL}"]) for section in SECTIONS)
    uncertain = votes[[name for name in votes if name.endswith(f"_{UNCERTAIN}")]].sum(axis=1)
    return pd.DataFrame({
        "label": (votes["label"] != "stable").to_numpy() * 2 - 1,
        **table,
        "agreement": np.where(conclusion == description, conclusion, 0),
        "uncertain": np.minimum(uncertain.to_numpy(), 2) / 2,
    })  # fmt: skip
