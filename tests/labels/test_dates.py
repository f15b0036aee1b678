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
        ("12.II.2019", "DMY", (2019, 2, 12)),
        ("12-FEB-19", "DMY", (2019, 2, 12)),
        ("2/13/2019", "DMY", (2019, 2, 13)),
        ("douze février deux mille dix-neuf", "DMY", (2019, 2, 12)),
        ("vingt et un mars deux mille vingt et un", "DMY", (2021, 3, 21)),
        ("premier février 2019", "DMY", (2019, 2, 1)),
        ("february twenty-second two thousand and nineteen", "DMY", (2019, 2, 22)),
        ("february twelfth twenty nineteen", "DMY", (2019, 2, 12)),
    ],
)
def test_forms_of_dates(words, order, expected):
    [date] = dates.find(text.fold(f"IRM du {words}."), order)
    assert (date.year, date.month, date.day) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("comparee a celle du mois dernier (18.10)", [(2019, 10, 18)]),
        ("par rapport au 12 janvier", [(2020, 1, 12)]),
        ("examens des 03/04 et 07/07/2019", [(2019, 4, 3), (2019, 7, 7)]),
    ],
)
def test_a_date_without_a_year_is_the_last_such_day(words, expected):
    found = dates.find(words, latest=datetime.date(2020, 2, 1))
    assert [(date.year, date.month, date.day) for date in found] == expected


@pytest.mark.parametrize(
    "words",
    [
        "32.13.2019",
        "3.5 x 2.4 mm",
        "12 ml",
        "99/99/2019",
        "756.1234.5678.97",
        "le 12.04 mm",
        "grade ii 2019",
        "2 mai 12 mm",
    ],
)
def test_numbers_that_are_no_dates(words):
    assert not [date for date in dates.find(words, latest=datetime.date(2020, 2, 1)) if date.year != 2019]


@pytest.mark.parametrize(
    ("words", "order"),
    [
        ("MRI 02/12/2019, prior 11/23/2018", "MDY"),
        ("MRI 12/02/2019, prior 23/11/2018", "DMY"),
        ("MRI 02/12/2019", None),
        ("MRI 13/02/2019, prior 11/23/2018", None),
    ],
)
def test_dates_show_their_order_unless_they_disagree(words, order):
    assert dates.order_shown(words) == order


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
        ("Par rapport à l'IRM de févr. 2019, stable.", ("209", False)),
        ("Comparison: 02/12/2019 and 11/10/2018, month first.", ("209", False)),
        ("Correlation: MRI of 10/11/2018, PET of 12/02/2019.", ("115", False)),
        ("L'IRM du 12.02.2019 ne nous est pas parvenue ; comparaison avec celle du 10.11.2018.", ("115", False)),
        # No word of comparison, but the day of an exam; surgery was on another day.
        ("Opéré le 11.11.2018.\nConclusion : 34 mm (le 12.02.2019 : 22 mm ; le 10.11.2018 : 21 mm).", ("209", False)),
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
        ("Comparaison : aucune.\nConclusion : opéré le 12.02.2019.", "names no earlier exam"),
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
