"""Dates in all their forms, and the exam that a report compares with."""

import datetime

import pytest

from gliodelta.labels import comparison, dates, text
from gliodelta.status import Excluded

ZERO = datetime.date(2018, 7, 18).toordinal()  # so that 2019-05-14 is day 300
EXAMS = ["115", "209", "300"]  # 2018-11-10, 2019-02-12, 2019-05-14


@pytest.mark.parametrize(
    ("words", "order", "expected"),
    [
        ("12.02.2019", "DMY", (2019, 2, 12)),
        ("12/2/19", "DMY", (2019, 2, 12)),
        ("12. 02. 2019", "DMY", (2019, 2, 12)),
        ("02/12/2019", "MDY", (2019, 2, 12)),
        ("2019-02-12", "DMY", (2019, 2, 12)),
        ("12 février 2019", "DMY", (2019, 2, 12)),
        ("1er fév. 2019", "DMY", (2019, 2, 1)),
        ("12 Feb 2019", "DMY", (2019, 2, 12)),
        ("February 12th, 2019", "DMY", (2019, 2, 12)),
        ("août 2019", "DMY", (2019, 8, None)),
        ("02/2019", "DMY", (2019, 2, None)),
    ],
)
def test_forms_of_dates(words, order, expected):
    [date] = dates.find(text.fold(f"IRM du {words}."), order)
    assert (date.year, date.month, date.day) == expected


@pytest.mark.parametrize("words", ["32.13.2019", "3.5 x 2.4 mm", "12 ml", "99/99/2019", "756.1234.5678.97"])
def test_numbers_that_are_no_dates(words):
    assert dates.find(words) == []


def compared(words, exams=EXAMS, zero=ZERO, session="300"):
    return comparison.compared_session(text.sentences(text.normalise(words)), session, exams, zero)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Comparaison : IRM du 12.02.2019.", ("209", False)),
        ("Comparaison : IRM du 14.02.2019.", ("209", False)),
        ("Comparaison : IRM du 10.11.2018 et du 12.02.2019.", ("209", False)),
        ("Comparison: MRI 10 November 2018", ("115", False)),
        ("Comparaison : IRM de février 2019", ("209", False)),
        ("Par rapport à l'examen du 12.02.2019, stable.", ("209", False)),
        ("Comparaison : IRM du 10.11.2018, scanner du 12.02.2019.", ("115", False)),
        ("Comparaison : scanner du 01.03.2019, IRM du 12.02.2019.", ("209", False)),
        ("Par rapport à l'examen précédent, stable.", ("209", True)),
        ("Compared with the prior study, stable.", ("209", True)),
        ("IRM du 14.05.2019 comparée à celle du 12.02.2019", ("209", False)),
    ],
)
def test_the_exam_compared_with(words, expected):
    assert compared(words) == expected


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Comparaison : CT du 12.02.2019.", "another modality"),
        ("Comparaison : scanner de décembre.", "another modality"),
        ("Comparaison : aucune.", "names no earlier exam"),
        ("Comparison: None available.", "names no earlier exam"),
        ("Pas d'examen antérieur pour comparaison.", "names no earlier exam"),
        ("Lésion stable.", "names no earlier exam"),
        ("Indication : progression depuis le 12.02.2019 ?", "names no earlier exam"),
        ("Comparaison : IRM du 01.01.2019.", "no known exam"),
        ("Comparaison : IRM du 14.05.2029.", "after its own exam"),
    ],
)
def test_no_usable_comparison_has_a_reason(words, reason):
    with pytest.raises(Excluded, match=reason):
        compared(words)


def test_a_month_with_two_exams_names_neither():
    with pytest.raises(Excluded, match="no known exam"):
        compared("Comparaison : IRM de février 2019", exams=["205", "209", "300"])


def test_a_date_needs_the_date_of_the_reports_own_exam():
    with pytest.raises(Excluded, match="date of its own exam"):
        compared("Comparaison : IRM du 12.02.2019", zero=None)
    assert compared("Par rapport à l'examen précédent, stable.", zero=None) == ("209", True)


def test_sessions_that_are_calendar_days_need_no_scale():
    zero = dates.day_zero([("20190514", None)])
    exams = ["20181110", "20190212", "20190514"]
    assert compared("Comparaison : IRM du 12.02.2019", exams, zero, "20190514") == ("20190212", False)


def test_one_mistyped_date_is_outvoted():
    day = datetime.date.fromordinal
    read = [("115", day(ZERO + 115)), ("209", day(ZERO + 209)), ("300", day(ZERO + 300 - 365)), ("400", None)]
    assert dates.day_zero(read) == ZERO
    assert dates.day_zero([("115", None)]) is None


def test_the_date_of_the_exam_is_not_that_of_the_letter_or_of_the_comparison():
    words = "Lausanne, le 20.05.2019\nExamen du 14.05.2019\nPar rapport au 12.02.2019, stable."
    assert dates.own_date(text.sentences(words)) == datetime.date(2019, 5, 14)
