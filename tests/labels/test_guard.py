"""The guard hides persons and leaves findings and exam dates alone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gliodelta.labels import guard
from gliodelta.labels.guard import scrub
from gliodelta.labels.letters import normalise
from gliodelta.schema import InvalidInput
from gliodelta.sheets import read_sheet

PERSONS = [
    ("Madame Honorine Clavadetscher, suivi", "Clavadetscher"),
    ("adressée par le Dr B. de Montandon", "Montandon"),
    ("Prof. Élodie Jaquet-Droz", "Jaquet"),
    ("Mrs Jane Q. Fairweather", "Fairweather"),
    ("Patient : DUPONT Jean-Marie", "DUPONT"),
    ("Nom : Quartenoud", "Quartenoud"),
    ("née le 03.04.1961", "1961"),
    ("né(e) le 3 avril 1961", "1961"),
    ("DOB: 1961-04-03", "1961"),
    ("born on April 3, 1961", "1961"),
    ("AVS 756.1234.5678.97", "5678"),
    ("tél. 021 314 11 11", "314"),
    ("+41 79 123 45 67", "123"),
    ("01.23.45.67.89", "45"),
    ("IPP : 4711081", "4711081"),
    ("MRN 00-4711-08", "4711"),
    ("écrire à h.clavadetscher@hopital.example", "clavadetscher"),
]


@pytest.mark.parametrize(("text", "secret"), PERSONS)
def test_persons_are_hidden_in_place(text, secret):
    assert secret in text
    assert secret not in scrub(text)
    assert len(scrub(text)) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "IRM du 14.05.2019 comparée au 12/02/2019 et au 12 février 2018",
        "Lésion de 32 x 28 x 19 mm, précédemment 29 x 25 mm",
        "Comparison: 09/01/2021 (1 September), 06/02/2021 (2 June)",
        "Augmentation de l'hypersignal T2 Frontal Droit",
        "Stable since 2019-02-12. No new lesion.",
        "Le volume est passé de 12000 à 19000 mm3",
    ],
)
def test_findings_and_exam_dates_stay(text):
    assert scrub(text) == text


@given(st.lists(st.sampled_from([word for text, _ in PERSONS for word in re.split(r"( )", text)] + ["\n", "."])))
def test_looking_for_signs_first_leaves_no_person_in(parts):
    text = normalise("".join(parts))
    expected = text
    for pattern in guard.PATTERNS.values():
        expected = pattern.sub(guard._hide, expected)
    assert scrub(text) == guard._NUMBER.sub(guard._hide_numbered, expected)


@pytest.mark.parametrize("column", ["Nom", "prénom", "patient_name", "birth_date", "AVS", "phone", "E-mail", "ipp"])
def test_columns_that_identify_people_are_refused(tmp_path, column):
    sheet = tmp_path / "reports.tsv"
    sheet.write_text(f"subject\tsession\tfile\t{column}\na1\t0\tr.txt\t\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="may identify people; delete it"):
        read_sheet(sheet, "reports")
