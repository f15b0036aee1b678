"""Reports state what the plan says, in their language, with dates that lead to the right exams."""

import dataclasses
import datetime
import re

import numpy as np
import pytest

from gliodelta.schema import validate
from gliodelta.simulation.plan import draw_cohort
from gliodelta.simulation.reports import CONCLUSIONS, FINDINGS, compose

PATIENT = draw_cohort(validate({"patients": 1, "exams": [3, 3]}, "simulation", "test"))[0]


def texts(language, count=40, **changes):
    patient = dataclasses.replace(PATIENT, language=language, **changes)
    return [compose(patient, patient.reports[1], np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize(("language", "label"), [("fr", "Date de l'examen"), ("en", "Date of exam")])
def test_the_header_gives_the_exams_own_date(language, label):
    day = f"{PATIENT.exams[2].date:%d.%m.%Y}"
    assert all(f"\n{label} : {day}\n" in text for text in texts(language))


def test_the_prior_exam_is_named_by_date_in_several_forms_or_not_at_all():
    days = [datetime.date(2012, month, 9) for month in (2, 3, 8)]
    exams = [dataclasses.replace(exam, date=day) for exam, day in zip(PATIENT.exams, days, strict=True)]
    patient = dataclasses.replace(PATIENT, language="fr", exams=tuple(exams))
    found = set()
    for seed in range(60):
        text = compose(patient, patient.reports[1], np.random.default_rng(seed))
        compared = re.search(r"COMPARAISON\n(.*)\n", text)[1]
        named = [form for form in ("09.03.2012", "09/03/2012", "9 mars 2012") if form in compared]
        assert named or compared == "Par rapport à l'examen précédent."
        found |= set(named) | {compared} & {"Par rapport à l'examen précédent."}
    assert len(found) == 4


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("stated", ["stable", "progression", "response"])
def test_findings_and_conclusion_state_the_course(language, stated):
    report = dataclasses.replace(PATIENT.reports[1], stated=stated)
    side = {"fr": {"left": "gauche", "right": "droit"}, "en": {"left": "left", "right": "right"}}[language][
        PATIENT.side
    ]
    for text in texts(language, reports=(PATIENT.reports[0], report)):
        assert sum(sentence in text for sentence in CONCLUSIONS[language][stated]) == 1
        assert sum(sentence.format(side=side) in text for sentence in FINDINGS[language][stated]) == 1


def test_no_wording_belongs_to_two_courses():
    for by_course in (*FINDINGS.values(), *CONCLUSIONS.values()):
        wordings = [wording for wordings in by_course.values() for wording in wordings]
        assert len(set(wordings)) == len(wordings)


def test_a_report_without_an_older_exam_names_only_one_date():
    for seed in range(40):
        text = compose(PATIENT, PATIENT.reports[0], np.random.default_rng(seed))
        assert "{" not in text and " et du ." not in text and " and of ." not in text


def test_the_cavity_is_mentioned_where_there_is_one():
    assert all("resection cavity" in text for text in texts("en", resected=True))
    assert not any("resection cavity" in text for text in texts("en", resected=False))
