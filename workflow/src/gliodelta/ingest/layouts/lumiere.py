"""LUMIERE: skull-stripped NIfTI, ``Imaging/Patient-001/week-000-1/T2.nii.gz``, and a table of RANO ratings.

Suter et al. 2022, "The LUMIERE dataset: Longitudinal Glioblastoma MRI with expert RANO evaluation", Scientific Data 9.
"""

import re
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

from gliodelta.ingest.layouts import Found, Translated
from gliodelta.ingest.layouts.nifti import read_exam as read_exam

DEFAULTS = {"role": "external", "skull_stripped": True}
NOTE = """\
Drafted from LUMIERE (Suter et al. 2022, Scientific Data 9; non-commercial terms).

**What a label means here.** RANO compares an exam with the nadir or the baseline, and mostly on contrast-enhanced T1
and clinical state. It does not compare an exam with the one before it. Our pairs are an exam and the one before it on
T2. A tumour that has grown once and kept its size is PD to RANO and stable to us. Results on this cohort are therefore
about another question than the one that the models learnt, and are a lower bound at best.

The declared rule, made before anything was scored: SD is stable; PD is progression, PR and CR are response, both
unstable. All other pairs are excluded in `pairs.tsv` with their reason: an exam rated Pre-Op or Post-Op, without a
rating, with several at once (such as Post-Op/PD), or with a surgery since the prior exam. An exam that is rated Post-Op
is also a surgery in `events.tsv`, which keeps exams within 28 days of it out.

Days are weeks times seven, since no more is published; exams of one week that are numbered are put a day apart.
"""
RATING = "Rating (according to RANO"
PUBLISHED = {"labels": ("Patient", "Date", RATING)}

_PATIENT = re.compile(r"Patient-\d+")
_WEEK = re.compile(r"week-(\d+)(?:-([1-7]))?")
_LABELS = {"sd": "stable", "pd": "progression", "pr": "response", "cr": "response"}
_PRE, _POST = "pre-op", "post-op"
# How the table spells a rating that nobody gave.
_NONE = {"", "na", "n/a", "n.a.", "nan", "none", "null", "-"}


def find_exams(folder):
    """Finds exams by the names of their folders; see the contract of `gliodelta.ingest.layouts`.

    The segmentations' own copies of the images, in folders below an exam's, are left alone.
    """
    found, left_out = [], Counter()
    for place in sorted(Path(folder).rglob("week-*")):
        day = _day(place.name)
        if day is None or not place.is_dir() or not _PATIENT.fullmatch(place.parent.name):
            continue
        image = place / "T2.nii.gz"
        if image.is_file():
            found.append(Found(place.parent.name, day, image))
        else:
            left_out["exams without a T2.nii.gz"] += 1
    return found, left_out


def read_labels(rows, found):
    """Translates ``LUMIERE-ExpertRating-v202211.csv`` by the rule in `NOTE`; see `gliodelta.ingest.layouts`."""
    days, ratings, left_out = defaultdict(set), defaultdict(dict), Counter()
    for exam in found:
        days[exam.patient].add(exam.day)
    for line, row in rows:
        day = _day(row["Date"])
        if not _PATIENT.fullmatch(row["Patient"]) or day is None:
            left_out["rows of the table of ratings without a patient or a week"] += 1
            continue
        words = _words(row[RATING])
        first, known = ratings[row["Patient"]].get(day, (line, words))
        # An exam that has two rows with different ratings has both, and so none.
        ratings[row["Patient"]][day] = first, known | words
    labels, excluded, events = [], [], []
    for patient, own in ratings.items():
        surgeries = [day for day, (_, words) in own.items() if _POST in words]
        events += [(own[day][0], {"patient": patient, "date": str(day), "event": "surgery"}) for day in surgeries]
        for day, (line, words) in own.items():
            prior = max((other for other in days[patient] if other < day), default=None)
            if prior is None:
                left_out["ratings of an exam that has none before it"] += 1
                continue
            pair = {"patient": patient, "prior_date": str(prior), "current_date": str(day)}
            reason = _reason(words, own.get(prior, (0, set()))[1], any(prior < one <= day for one in surgeries))
            if reason and day in days[patient]:
                excluded.append((line, {**pair, "reason": reason}))
            elif not reason:
                labels.append((line, {**pair, "reader": "published", "label": _LABELS[min(words)]}))
    excluded += _unrated(days, ratings)
    return Translated(labels, excluded, events, left_out)


def _unrated(days, ratings):
    for patient, exams in days.items():
        for prior, current in pairwise(sorted(exams)):
            if current not in ratings[patient]:
                pair = {"patient": patient, "prior_date": str(prior), "current_date": str(current)}
                yield 0, {**pair, "reason": "the table has no row for the current exam"}


def _reason(words, prior_words, operated):
    """Why a pair is not to be used; None when it is."""
    if not words:
        return "the current exam has no rating"
    if len(words) > 1:
        return "the current exam has more than one rating"
    if words <= {_PRE, _POST}:
        return "the current exam is rated Pre-Op or Post-Op, which is no comparison"
    if not words <= set(_LABELS):
        return "the current exam has a rating that is none of SD, PD, PR, CR"
    if operated or _PRE in prior_words:
        return "there was a surgery between the exams"
    return None


def _words(text):
    """Returns the set of ratings in a cell, without blanks and case: ``Post-Op /PD `` has two."""
    words = {re.sub(r"\s+", "", word).casefold() for word in text.split("/")} if not _no_rating(text) else set()
    return words - _NONE


def _no_rating(text):
    return text.strip().casefold() in _NONE


def _day(text):
    """Returns the day of an exam called week-044 or week-000-2; None when it is not called so."""
    week = _WEEK.fullmatch(text.strip().casefold())
    return 7 * int(week[1]) + int(week[2] or 1) - 1 if week else None
