"""Scores any table of predictions, outside any workflow: ``python -m gliodelta.evaluation score PREDICTIONS.tsv``."""

from pathlib import Path

import numpy as np

from gliodelta.evaluation import printing
from gliodelta.evaluation.arms import judge_arms, write
from gliodelta.evaluation.comparisons import ARM, PRIMARY
from gliodelta.evaluation.counts import count_unlabelled
from gliodelta.evaluation.predictions import VALIDATION, combine
from gliodelta.evaluation.reader import NO_SUBJECT, read
from gliodelta.schema import InvalidInput
from gliodelta.tables import PAIR

LIMIT = (
    "95 % intervals are over {bootstraps} draws and leave out how another training would vary; draws of one class are "
    "left out and counted (draws_without_value)"
)
# Where a model of two outputs decides between them, and what a reader expects who has chosen nothing else.
THRESHOLD = 0.5
DIRECTORY = {
    **{name: f"{name}.tsv" for name in ("summary", "metrics", "comparisons", "subgroups", "pairs")},
    "roc": "figures/roc.png",
    "precision_recall": "figures/pr.png",
    "auc": "figures/auc.png",
    "arms": "figures/arms",
}


def score(predictions, settings, primary=None, groups=(), out=None):
    """Scores and compares the arms of a table of predictions.

    Args:
        predictions: tab-separated table, one row a model and pair. Needed are y_true (0 stable, 1 unstable) and score
            or probability. The other columns of predictions.tsv (`tables.PREDICTIONS`), cohort, and called (0 | 1) may
            be there; `reader.read` says what is done without them.
        settings: dict with `bootstraps`, `seed` and `bins`.
        primary: the arm whose comparisons are the declared family; None for all of them.
        groups: further columns of the table to score subgroups by.
        out: folder to write tables and figures to, named as in `DIRECTORY`.

    Returns:
        list of lines to print.

    Raises:
        InvalidInput: the table cannot be scored; the text says why and what to write.
    """
    table, remarks = read(predictions)
    missing = [name for name in groups if name not in table]
    if missing:
        raise InvalidInput(f"no column {', '.join(missing)} to score subgroups by; there are {', '.join(table)}")
    kinds = _kinds(table, primary)
    judged = judge_arms(
        combine(table, THRESHOLD), kinds, _groups(table, groups), count_unlabelled(table, kinds), settings
    )
    remarks += [*_on_thresholds(table), *_on_absent(table), LIMIT.format(**settings)]
    if NO_SUBJECT in remarks:
        judged = {name: _without_patients(part) for name, part in judged.items()}
    if out:
        write(judged, kinds, settings, {name: Path(out) / path for name, path in DIRECTORY.items()})
        remarks.append(f"tables and figures are in {out}")
    lines = printing.summary(judged["summary"], judged["metrics"]) + printing.comparisons(judged["comparisons"])
    return [*lines, "", *remarks]


def _on_thresholds(table):
    tested = table[table["split"] != VALIDATION]
    chosen = set(table.loc[table["split"] == VALIDATION, "arm"])
    called = set(tested.loc[tested["called"].notna(), "arm"]) if "called" in tested else set()
    without = sorted(set(tested["arm"]) - chosen - called)
    scored = tested.groupby("arm")["probability"].count()
    default = [arm for arm in without if scored[arm]]
    undefined = [arm for arm in without if not scored[arm]]
    source = "as in the column called" if called else "at thresholds chosen on validation rows" if chosen else ""
    note = f"no validation rows: called at probability {THRESHOLD}: {', '.join(default)}" if default else ""
    lack = f"no threshold, add called or validation rows: {', '.join(undefined)}" if undefined else ""
    return [text for text in (f"operating points {source}" if source else "", note, lack) if text]


def _on_absent(table):
    tested = table[table["split"] != VALIDATION].groupby("cohort", observed=True)["arm"].agg(set)
    absent = ((cohort, sorted(set(table["arm"]) - present)) for cohort, present in tested.items())
    return [f"cohort {cohort} is without rows of {', '.join(arms)}" for cohort, arms in absent if arms]


def _kinds(table, primary):
    arms = list(dict.fromkeys(table["arm"]))
    if primary and primary not in arms:
        raise InvalidInput(f"no arm {primary!r} in the table; its arms are {', '.join(arms)}")
    return {arm: PRIMARY if arm == primary else ARM for arm in sorted(arms, key=lambda arm: arm != primary)}


def _groups(table, columns):
    """Result of `subgroups.describe_pairs` from columns of the table itself."""
    pairs = table.loc[table["split"] != VALIDATION, ["cohort", *PAIR, *columns]].drop_duplicates(["cohort", *PAIR])
    return pairs.astype({name: str for name in columns})


def _without_patients(table):
    """Without patients there is no number of them, and no test that respects them."""
    return table.assign(**{name: np.nan for name in ("n_patients", "p_delong_clustered") if name in table})
