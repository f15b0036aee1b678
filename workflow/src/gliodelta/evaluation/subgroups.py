"""For whom it works: metrics by interval between the exams, language of the report, scanner and number of exams."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np

from gliodelta import io
from gliodelta.evaluation.comparisons import COMPARATOR
from gliodelta.evaluation.summary import METRICS, judge, samples, size
from gliodelta.statistics.bootstrap import draw_patients
from gliodelta.status import INCLUDED
from gliodelta.tables import PAIR

ALL = "all maps"
UNKNOWN = "unknown"
SHOWN = ("auc", "sensitivity", "specificity")


def describe_pairs(cohorts, maps, exams, votes, bins):
    """Says which subgroups each pair belongs to.

    Args:
        cohorts: names of the cohorts.
        maps: maps.tsv of each of them.
        exams: ``.../{cohort}/exams.tsv`` of the ingest stage, of those of which exams are given.
        votes: votes.tsv of the first cohort, or None: the only one whose reports are read.
        bins: dict with `interval_days` and `exam_counts`, the lower ends of all bins but the first.

    Returns:
        pandas.DataFrame: cohort, subject, prior, current, and a column a subgroup; what is not known is "unknown".
    """
    import pandas as pd

    tables, listed = [], {Path(file).parent.name: io.read_table(file) for file in exams}
    for cohort, screened in zip(cohorts, maps, strict=True):
        pairs = io.read_table(screened)[[*PAIR, "days"]]
        facts = {"interval": binned(pairs["days"], bins["interval_days"], "days")}
        facts |= _of_exams(pairs, listed[cohort], bins["exam_counts"]) if cohort in listed else {}
        facts["report language"] = _language(pairs, votes if cohort == cohorts[0] else None)
        tables.append(pd.concat([pairs[PAIR].assign(cohort=cohort), pd.DataFrame(facts, index=pairs.index)], axis=1))
    return pd.concat(tables, ignore_index=True).fillna(UNKNOWN)


def binned(numbers, edges, unit):
    """Returns the bin of each whole number in words: "below 90 days", "90 to 179 days", "180 days and more"."""
    middle = [f"{low} to {high - 1} {unit}" if high - low > 1 else f"{low} {unit}" for low, high in pairwise(edges)]
    names = np.array([f"below {edges[0]} {unit}", *middle, f"{edges[-1]} {unit} and more"])
    return names[np.searchsorted(edges, np.asarray(numbers), side="right")]


def _of_exams(pairs, exams, edges):
    exams = exams[exams["status"] == INCLUDED].set_index(["subject", "session"])
    prior, current = (
        exams.reindex(list(pairs[["subject", visit]].itertuples(index=False, name=None)))
        for visit in ("prior", "current")
    )
    makers = [visit["manufacturer"].astype("string").str.split().str[0].str.upper() for visit in (prior, current)]
    fields = [visit["field_strength_t"].map("{:.3g} T".format, na_action="ignore") for visit in (prior, current)]
    names = [part.astype("string").fillna(UNKNOWN).to_numpy(str) for part in (*makers, *fields)]
    old_maker, maker, old_field, field = names
    same = np.where((old_maker == maker) & (old_field == field), "same maker and field", "changed")
    known = np.all([name != UNKNOWN for name in names], axis=0)
    count = pairs["subject"].map(exams.reset_index()["subject"].value_counts()).fillna(0)
    return {
        "exams of the patient": binned(count, edges, "exams"),
        "manufacturer": maker,
        "field strength": field,
        "scanner": np.where(known, same, UNKNOWN),
    }


def _language(pairs, votes):
    if not votes:
        return UNKNOWN
    known = io.read_table(votes).drop_duplicates(["subject", "current"]).set_index(["subject", "current"])["language"]
    return known.reindex(list(pairs[["subject", "current"]].itertuples(index=False, name=None))).to_numpy()


def score_subgroups(pairs, facts, kinds, settings):
    """Scores every arm within every subgroup; a subgroup with one level in a cohort would say nothing new.

    Args:
        pairs: result of `predictions.average_repeats`.
        facts: result of `describe_pairs`.
        kinds: dict of arm to primary, arm or comparator; comparators are not scored.
        settings: dict with `bootstraps` and `seed`.

    Returns:
        pandas.DataFrame: cohort, arm, subgroup, level, n_maps, n_patients, n_unstable, `SHOWN` each with _low and
        _high, draws_without_value (of the AUC) and note; the first row of an arm is of all maps.
    """
    import pandas as pd

    rows = []
    for cohort, arm, sample in samples(pairs, kinds):
        if kinds[arm] == COMPARATOR:
            continue
        weights = draw_patients(sample["subject"], settings["bootstraps"], settings["seed"])
        known = sample.merge(facts[facts["cohort"] == cohort].drop(columns="cohort"), on=PAIR, how="left")
        known[ALL] = ALL
        for subgroup in [ALL, *(name for name in facts if name not in ("cohort", *PAIR))]:
            groups = known.groupby(known[subgroup].fillna(UNKNOWN))
            if len(groups) > 1 or subgroup == ALL:
                row = {"cohort": cohort, "arm": arm, "subgroup": subgroup}
                levels = sorted(groups, key=lambda group: _place(group[0]))
                rows += [{**row, "level": level, **_score(part, weights)} for level, part in levels]
    return pd.DataFrame(rows)


def _place(level):
    """Bins in the order of their numbers, words in that of the alphabet, what is unknown last."""
    number = re.search(r"\d+(\.\d+)?", level)
    start = float(number[0]) - 0.5 * level.startswith("below") if number else np.inf
    return level == UNKNOWN, start, level


def _score(part, weights):
    found = {name: judge(name, *METRICS[name], part, weights[:, part.index]) for name in SHOWN}
    row = size(part)
    for name, judged in found.items():
        row |= {name: judged["value"], f"{name}_low": judged["low"], f"{name}_high": judged["high"]}
    area = found["auc"]
    return {**row, "draws_without_value": area["draws_without_value"], "note": area["note"]}
