"""An arm's models on another cohort as several ensembles side by side, each judged where there are labels."""

from gliodelta import io
from gliodelta.external.ensembles import ENSEMBLES, PRIMARY, combine, score_ensembles
from gliodelta.external.figures import draw_members
from gliodelta.external.shift import logit
from gliodelta.labels.human import consensus
from gliodelta.schema import InvalidInput
from gliodelta.tables import PAIR, PREDICTIONS, SPLIT


def score_external(members, arm, split, maps, labels_sheet, settings, outputs):
    """Makes the ensembles of what the models of an arm predicted of a cohort, and judges them.

    The primary ensemble, the mean of the members' calibrated probabilities, was declared beforehand: it alone is
    predictions.tsv.

    Args:
        members: table of `predict.MEMBERS`.
        arm, split: what the columns of these names say; split is external | inference.
        maps: maps.tsv of the cohort.
        labels_sheet: labels.tsv of the cohort, or None where nobody has labelled it.
        settings: dict with `bootstraps` and `seed` of the intervals.
        outputs: dict of the files to write: `predictions` (table of `tables.PREDICTIONS`, one row an included pair,
            none without members; repeat, fold and inner are 0, score is the logit of the primary ensemble's
            probability, y_true is n/a where there is no label), `ensembles` (one row a pair of maps.tsv, the excluded
            ones with their reason: y_true, include, reason, members (how many models the ensembles have), the columns
            of `ensembles.ENSEMBLES`), `scores` (result of `ensembles.score_ensembles`) and `figure` (PNG: the primary
            ensemble's probabilities by label, with the range of its members).

    Raises:
        InvalidInput: a member has no score for a pair, more than one, or one that is no number.
    """
    table, listed = io.read_table(members), _pairs(maps, labels_sheet)
    included = listed[listed["include"] == "yes"].reset_index(drop=True)
    rows = included if len(table) else included.iloc[:0]
    parts = [_aligned(part, rows) for _, part in table.groupby(SPLIT)]
    combined = combine(parts) if parts else {"share": None, **{name: [] for name in ENSEMBLES}}
    columns = {"score": logit(combined[PRIMARY]), "probability": combined[PRIMARY], **dict.fromkeys(SPLIT, 0)}
    predictions = rows[[*PAIR, "y_true"]].assign(**columns, split=split, arm=arm)[PREDICTIONS]
    found = rows[PAIR].assign(**{name: combined[name] for name in ENSEMBLES})
    ensembles = listed.assign(members=len(parts)).merge(found, on=PAIR, how="left")
    io.write_table(predictions, outputs["predictions"])
    io.write_table(ensembles, outputs["ensembles"])
    io.write_table(score_ensembles(ensembles, combined["share"], settings).round(4), outputs["scores"])
    draw_members(predictions, table, outputs["figure"])


def _pairs(maps, labels_sheet):
    """All pairs of the cohort, sorted, with `y_true` (1 unstable, 0 stable, missing without a majority of readers)."""
    table = io.read_table(maps)[[*PAIR, "include", "reason"]].sort_values(PAIR, ignore_index=True)
    if not labels_sheet:
        return table.assign(y_true=float("nan")).astype({"y_true": "Int64"})
    return table.merge(consensus(labels_sheet)[[*PAIR, "y"]].rename(columns={"y": "y_true"}), on=PAIR, how="left")


def _aligned(part, rows):
    """A member's predictions in the order of `rows`, as `combine` takes them.

    Raises:
        InvalidInput: the pairs are not those of `rows`, or one has no finite score.
    """
    import numpy as np

    name = " ".join(f"{key} {part[key].iloc[0]}" for key in SPLIT)
    found = rows[PAIR].merge(part, on=PAIR, how="left")
    if len(part) != len(rows) or len(found) != len(rows):
        raise InvalidInput(
            f"the model of {name} has {len(part)} predictions for {len(rows)} included pairs, not one each; delete "
            "members.tsv, so that they are predicted again"
        )
    lacking = ~np.isfinite(found[["score", "probability"]].to_numpy(float)).all(axis=1)
    if lacking.any():
        raise InvalidInput(
            f"the model of {name} has no finite score for {lacking.sum()} of {len(rows)} pairs; its training has "
            "failed: delete and retrain it"
        )
    return {key: found[key].to_numpy() for key in ("score", "probability", "vote")} | {"home": part["home"].iloc[0]}
