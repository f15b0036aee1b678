"""From votes to probabilities, per outer fold: fitted on the human labels of all patients whom the fold does not test.

Among them are those who validate an inner split: through these few coefficients, their labels shape the weak labels of
their fold. Validation is thus not blind to the calibration, by design, since it only stops training and chooses
settings; the test patients, who alone count in the end, take no part.

The parts of the stack are the rules' votes and models of the words (`gliodelta.labels.parts`). Models of words live
and die in this job: none is saved, so that no word of a report is.
"""

from gliodelta import io
from gliodelta.labels import corpus, stack
from gliodelta.labels.human import STABLE, UNSTABLE, consensus
from gliodelta.labels.parts.rules import features
from gliodelta.labels.readings import T2
from gliodelta.labels.reliability import CONFIDENCES, confidence, wilson
from gliodelta.labels.vote import SECTIONS, UNKNOWN
from gliodelta.tables import PAIR

COLUMNS = [*PAIR, "language", "label", "p_unstable", "confidence", "component", "source", "calibrated"]
NOISE = ["least_confidence", "human", "pairs", "patients", "wrong", "rate", "low", "high"]
# Reports whose words, and TF-IDF weights of these, are in memory at a time: about 20 kB each.
CHUNK = 2000
# The part that needs no words.
RULES = "rules"


def calibrate_labels(votes, labels_sheet, folds, split, models, source, outputs):
    """Writes a fold's weak labels.

    Args:
        votes: table of `extract.extract_reports`.
        labels_sheet: path of labels.tsv.
        folds: table of `splits.split_patients`; its test patients of this fold take no part in the fit, the inner
            splits' validation patients do.
        split: dict with `repeat` and `fold`, the outer fold.
        models: dict with `parts` to stack, `baselines` to compare with (plug-ins of `gliodelta.labels.parts`) and the
            `seed` of the cross-fitting.
        source: dict with `cohort_file` and `simulated`, as `corpus.reader` takes them.
        outputs: dict with the tables to write.
            `weak`: one row a labelled report whose pair no reader has seen: subject, prior, current, language, label
            (by rules: stable | progression | response), p_unstable, confidence = max(p, 1 - p) in 0.5 to 1, component
            (t2, or global where the report does not speak of T2), source (the parts that count, joined by +, or rank)
            and calibrated (yes | no). With too few human labels, p_unstable is a rank of the votes' strength and no
            probability.
            `calibration`: the same for the pairs of the fold's test patients that readers have seen, and a column a
            part and baseline with its own probability: what `score.score_labels` compares with the readers.
            `noise`: how often a weak label differs from the readers', out of fold, on the pairs of the fold's other
            patients: `_noise`.
    """
    # An uncertain report ("progression cannot be excluded") labels nothing.
    known = io.read_table(votes)
    known = known[known["label"] != UNKNOWN].reset_index(drop=True)
    human = consensus(labels_sheet)
    seen = known[PAIR].merge(human, on=PAIR, how="left")
    tested = known["subject"].isin(_test_patients(folds, **split))
    chosen = (seen["y"].notna() & ~tested).to_numpy()
    every = [*models["parts"], *models["baselines"]]
    worded = corpus.reader(**source) if set(every) != {RULES} else lambda rows: rows
    y = seen.loc[chosen, "y"].astype(float)
    model = stack.fit(worded(known[chosen]), y, models["parts"], models["seed"], models["baselines"])
    p_unstable = _in_chunks(lambda rows: model(worded(rows)), known) if model else by_rank(known)
    if model:
        print(f"fitted on {chosen.sum()} pairs; what counts: {', '.join(model.chosen)}")
    table = known.assign(
        **{name: p_unstable.get(name) for name in ("p_unstable", *every)},
        confidence=confidence(p_unstable["p_unstable"]),
        source="+".join(model.chosen) if model else "rank",
        calibrated="yes" if model else "no",
    )
    table = table.sort_values(PAIR)
    # `readers` is missing where no reader has seen the pair.
    unseen = seen["readers"].isna()
    io.write_table(table.loc[unseen, COLUMNS], outputs["weak"])
    io.write_table(table.loc[~unseen & tested, [*COLUMNS, *every]], outputs["calibration"])
    io.write_table(_noise(known[chosen], y, model), outputs["noise"])


def _in_chunks(model, rows):
    """Returns the probabilities of `rows`; of only so many are the words in memory at a time."""
    import pandas as pd

    starts = range(0, max(len(rows), 1), CHUNK)
    return pd.concat([model(rows.iloc[start : start + CHUNK]) for start in starts])


def by_rank(votes):
    """Returns scores in 0 to 1 from the votes alone: .5 plus or minus half the rank of the evidence's strength.

    A vote is stronger when it is on T2, in the conclusion, agreed on by several statements, and nothing is uncertain.

    Returns:
        pandas.DataFrame with the column `p_unstable`.
    """
    table = features(votes)
    strength = (votes["component"] == T2).astype(float) + (votes["section"] == SECTIONS[0])
    cells = table.drop(columns=["label", "agreement", "uncertain"])
    strength += cells.eq(table["label"], axis=0).mean(axis=1)
    strength -= table["uncertain"]
    rank = strength.rank(method="average") / (len(votes) + 1)
    return (0.5 + 0.5 * table["label"] * rank).to_frame("p_unstable")


def _noise(rows, y, model):
    """Tabulates how often weak labels differ from the readers' on pairs that have both.

    Args:
        rows: votes of these pairs.
        y: the readers' labels.
        model: `stack.Stack` fitted on them, whose out-of-fold probabilities count; None for the rules' labels, which
            have no probability and so no cut.

    Returns:
        pandas.DataFrame, for each least confidence and readers' label: pairs, patients, wrong (pairs whose weak label
        differs), their rate with its 95 % Wilson interval. Pairs count as independent although a patient's resemble
        each other; the intervals are then somewhat narrow.
    """
    import pandas as pd

    if model:
        p_unstable = model.crossed["p_unstable"]
        called, sure = (p_unstable >= 0.5).astype(int), confidence(p_unstable)
    else:
        called = (rows["label"] != "stable").astype(int)
        sure = called * 0.0
    table = []
    for least in (0, *CONFIDENCES) if model else (0,):
        for name, label in (("stable", STABLE), ("unstable", UNSTABLE)):
            kept = ((sure >= least) & (y == label).to_numpy()).to_numpy()
            wrong = int((called[kept] != label).sum())
            rate = dict(zip(("rate", "low", "high"), wilson(wrong, int(kept.sum())), strict=True))
            sizes = {"pairs": int(kept.sum()), "patients": rows.loc[kept, "subject"].nunique()}
            table.append({"least_confidence": least, "human": name, **sizes, "wrong": wrong, **rate})
    return pd.DataFrame(table, columns=NOISE)


def _test_patients(folds, repeat, fold):
    table = io.read_table(folds)
    chosen = (table["repeat"] == int(repeat)) & (table["fold"] == int(fold)) & (table["part"] == "test")
    return set(table.loc[chosen, "subject"])
