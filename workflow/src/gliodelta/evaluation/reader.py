"""Reads a table of predictions from anywhere, and says what it took for granted."""

import numpy as np

from gliodelta import io
from gliodelta.evaluation.predictions import EXTERNAL, TEST, VALIDATION, check
from gliodelta.schema import InvalidInput
from gliodelta.tables import PAIR, SPLIT

# What a table that lacks the column means by it.
DEFAULTS = {"arm": "model", "split": TEST, "repeat": 1, "fold": 1, "inner": 1}
SPLITS = (VALIDATION, TEST, EXTERNAL)
NO_SUBJECT = "no subject: intervals and tests are per map, so too sure where patients have several maps"
UNNAMED = "prior and current do not tell pairs apart: the n-th rows of a fold are taken for one pair in all arms"


def read(predictions):
    """Reads and checks a table of predictions and fills in what it lacks.

    Returns:
        (pandas.DataFrame with cohort and `tables.PREDICTIONS`, list of remarks). With the remark `NO_SUBJECT`, each
        pair has a subject of its own.

    Raises:
        InvalidInput: see `score.score`.
    """
    table = io.read_table(predictions)
    # A column without any value says no more than a missing one.
    table = table[[name for name in table if not table[name].isin(["", np.nan]).all() or not len(table)]].copy()
    if "y_true" not in table or not {"score", "probability"} & set(table):
        found = ", ".join(map(str, table.columns[:20]))
        raise InvalidInput(f"the columns y_true and score or probability are needed, tab-separated; found are {found}")
    if not len(table):
        raise InvalidInput("the table has no rows; there is nothing to score")
    remarks = [f"no {name}: taken as {value}" for name, value in DEFAULTS.items() if name not in table]
    table = table.assign(**{name: value for name, value in DEFAULTS.items() if name not in table})
    unknown = sorted(set(table["split"]) - set(SPLITS))
    if unknown:
        raise InvalidInput(f"split {unknown[0]!r} cannot be scored; write {', '.join(SPLITS)}")
    if "cohort" not in table:
        table["cohort"] = np.where(table["split"] == EXTERNAL, "external", "development")
    table["cohort"] = table["cohort"].astype("category")
    _number_splits(table)
    for name, other in (("score", "probability"), ("probability", None)):
        if name not in table:
            table[name] = table[other] if other else np.nan
            instead = f"the {other} stands for it" if other else "areas are of the score"
            remarks.append(f"no {name}: {instead}")
    _check_calls(table)
    remarks += _name_pairs(table)
    try:
        check(table)
    except InvalidInput as fault:
        hint = "; if rows are in another order in each arm, score one arm at a time" * (UNNAMED in remarks)
        raise InvalidInput(f"{fault}{hint}") from None
    if not (table["split"] != VALIDATION).any():
        raise InvalidInput("there are validation rows only; add rows of the split test or external")
    return table, remarks


def _number_splits(table):
    """Repeats are counted from 1, in place; 0 is for the ensemble of all folds that an external cohort is given to."""
    import pandas as pd

    for name in SPLIT:
        numbers = pd.to_numeric(table[name], errors="coerce")
        if numbers.isna().any():
            raise InvalidInput(f"the column {name} holds other values than numbers, or none; count from 1")
        table[name] = numbers
    outside = table["split"] == EXTERNAL
    table.loc[outside, SPLIT] = 0
    table.loc[~outside, "repeat"] += int((table.loc[~outside, "repeat"] == 0).any())


def _check_calls(table):
    if "called" in table and not (table["called"].isin([0, 1]) | table["called"].isna()).all():
        raise InvalidInput("the column called holds other values than 0 and 1; write 1 where the arm calls a change")


def _name_pairs(table):
    """Gives each row a subject, prior and current, in place, and returns remarks on how."""
    given = [name for name in PAIR if name in table]
    models = ["cohort", "arm", "split", *SPLIT]
    if "subject" in given and (table["subject"] == "").any():
        raise InvalidInput("the column subject is empty in some rows; fill it in, or leave the column out")
    # A pair validates in several folds, but is tested in one.
    tested = table.loc[table["split"] != VALIDATION, [*models, *given]].drop(columns="fold")
    unique = len(given) > 0 and not tested.duplicated().any()
    if len(given) == len(PAIR) or (unique and "subject" in given):
        table[[name for name in PAIR if name not in given]] = ""
        return []
    if unique:
        named = table[given].astype(str).agg("/".join, axis=1)
    elif table.loc[table["repeat"] > 0, "repeat"].nunique() > 1:
        raise InvalidInput("with several repeats, the columns subject, prior and current must tell pairs apart")
    else:
        # The split too: a map that validates is no pair of the fold's test.
        own = ["subject"] if "subject" in given else ["split", "repeat", "fold"]
        number = table.groupby([*models, *own[:1]]).cumcount().astype(str)
        named = table[own].astype(str).agg("/".join, axis=1) + "/" + number
    table["prior"], table["current"] = "", named
    remarks = [] if unique else [UNNAMED]
    if "subject" not in given:
        table["subject"] = named
        remarks.append(NO_SUBJECT)
    return remarks
