"""From votes to probabilities, per outer fold: fitted on the human labels of all patients whom the fold does not test.

Among them are those who validate an inner split: through these few coefficients, their labels shape the weak labels of
their fold. Validation is thus not blind to the calibration, by design, since it only stops training and chooses
settings; the test patients, who alone count in the end, take no part.

Rule votes are features of an L2-regularised logistic regression; a second one, fitted on the first one's out-of-fold
logits (patients never on both sides), sets the scale of its probabilities. More parts, such as a text model, join as
more columns of the second one (stacking, Wolpert 1992).
"""

from gliodelta import io
from gliodelta.labels.human import consensus
from gliodelta.labels.matcher import GLOBAL, T1C, T2, UNCERTAIN
from gliodelta.labels.vote import SECTIONS, UNKNOWN
from gliodelta.tables import PAIR

# Below four patients with each class, cross-fitting by patient has training parts with one or two patients of a class.
MIN_PATIENTS = 4
MAX_PARTS = 5
COLUMNS = [*PAIR, "label", "p_unstable", "confidence", "component", "source", "calibrated"]


def calibrate_labels(votes, labels_sheet, folds, repeat, fold, seed, weak, calibration):
    """Writes a fold's weak labels.

    Args:
        votes: table of `extract.extract_reports`.
        labels_sheet: path of labels.tsv.
        folds: table of `splits.split_patients`; its test patients of this fold take no part in the fit, the inner
            splits' validation patients do.
        repeat, fold: the outer fold.
        seed: of the cross-fitting.
        weak: table to write, one row a labelled report whose pair no reader has seen: subject, prior, current, label
            (by rules: stable | progression | response), p_unstable, confidence = max(p, 1 - p) in 0.5 to 1, component
            (t2, or global where the report does not speak of T2), source (stack | rules) and calibrated (yes | no).
            With too few human labels, p_unstable is a rank of the votes' strength and no probability.
        calibration: table to write, the same for the pairs of the fold's test patients that readers have seen: what
            `score.score_labels` compares with them.
    """
    # An uncertain report ("progression cannot be excluded") labels nothing.
    known = io.read_table(votes)
    known = known[known["label"] != UNKNOWN].reset_index(drop=True)
    human = consensus(labels_sheet)
    seen = known[PAIR].merge(human, on=PAIR, how="left")
    test = _test_patients(folds, repeat, fold)
    tested = known["subject"].isin(test)
    chosen = seen["y"].notna() & ~tested
    model = fit(features(known[chosen]), seen.loc[chosen, "y"].astype(int), known.loc[chosen, "subject"], seed)
    p_unstable = model(features(known)) if model else by_rank(known)
    table = known.assign(
        p_unstable=p_unstable,
        confidence=[max(p, 1 - p) for p in p_unstable],
        source="stack" if model else "rules",
        calibrated="yes" if model else "no",
    ).sort_values(PAIR)
    # `readers` is missing where no reader has seen the pair.
    unseen = seen["readers"].isna()
    io.write_table(table.loc[unseen, COLUMNS], weak)
    io.write_table(table.loc[~unseen & tested, COLUMNS], calibration)


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


def fit(table, y, patients, seed):
    """Fits the stack.

    Args:
        table: `features` of human-labelled pairs.
        y: their labels, 0 stable or 1 unstable.
        patients: their patients.
        seed: of the draw of the parts for cross-fitting.

    Returns:
        A function from `features` to probabilities of change; None when the labels are too few to fit.
    """
    per_class = [patients[y == label].nunique() for label in (0, 1)]
    if min(per_class) < MIN_PATIENTS:
        return None
    logits = _cross_fit(table, y, patients, min(MAX_PARTS, *per_class), seed)
    part, scale = _regression().fit(table, y), _regression().fit(logits.reshape(-1, 1), y)
    return lambda rows: scale.predict_proba(part.decision_function(rows).reshape(-1, 1))[:, 1]


def _cross_fit(table, y, patients, parts, seed):
    """Returns a logit for each pair from a regression that saw none of its patient's pairs."""
    import numpy as np
    from sklearn.model_selection import StratifiedGroupKFold

    logits = np.zeros(len(y))
    draw = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
    for train, held in draw.split(table, y, patients):
        # A part of one class alone teaches nothing; its logit stays at 0.
        if y.iloc[train].nunique() == 2:
            logits[held] = _regression().fit(table.iloc[train], y.iloc[train]).decision_function(table.iloc[held])
    return logits


def _regression():
    from sklearn.linear_model import LogisticRegression

    # C = 1: features within -1 to 1 and tens of labels leave the prior about as strong as the data.
    return LogisticRegression(C=1.0, max_iter=1000)


def by_rank(votes):
    """Returns scores in 0 to 1 from the votes alone: .5 plus or minus half the rank of the evidence's strength.

    A vote is stronger when it is on T2, in the conclusion, agreed on by several statements, and nothing is uncertain.
    """
    import numpy as np

    table = features(votes)
    strength = (votes["component"] == T2).astype(float) + (votes["section"] == SECTIONS[0])
    cells = table.drop(columns=["label", "agreement", "uncertain"])
    strength += cells.eq(table["label"], axis=0).mean(axis=1)
    strength -= table["uncertain"]
    rank = strength.rank(method="average") / (len(votes) + 1)
    return np.asarray(0.5 + 0.5 * table["label"] * rank)


def _test_patients(folds, repeat, fold):
    table = io.read_table(folds)
    chosen = (table["repeat"] == int(repeat)) & (table["fold"] == int(fold)) & (table["part"] == "test")
    return set(table.loc[chosen, "subject"])
