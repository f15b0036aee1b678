"""From bytes to sentences."""

import pytest

from gliodelta.labels import text
from gliodelta.status import Excluded

WORDS = "Œdème inchangé, stabilité de l’hypersignal"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_of_hospital_systems_read_alike(encoding):
    assert text.decode(WORDS.encode(encoding)) == WORDS


@pytest.mark.parametrize(
    ("data", "reason"), [(b"", "empty"), (b" \r\n ", "empty"), (bytes(range(32)) * 9, "not a text")]
)
def test_what_is_no_report_has_a_reason(data, reason):
    with pytest.raises(Excluded, match=reason):
        text.decode(data)


def test_spellings_of_one_thing_become_one():
    assert text.fold(text.normalise(WORDS)) == "oedeme inchange, stabilite de l'hypersignal"
    assert text.normalise("a\r\n  b\u00a0\u2011 c") == "a\nb - c"


@pytest.mark.parametrize("letters", ["Éclat ÀÇÑ œ ﬁ ß İ 日本 ½", "ǅ Ω µ"])
def test_folding_keeps_every_letter_in_its_place(letters):
    assert len(text.fold(letters)) == len(letters)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("L'hypersignal de la lésion est inchangé", "fr"),
        ("The signal abnormality of the lesion is unchanged", "en"),
        ("CCL: stabilité. Pas de PDC.", "fr"),
        ("Stable exam.", "en"),
        ("vs 21 Oct 2021. L frontal lesion bigger, FLAIR 14 mL. No enhancement. Imp: PD.", "en"),
        ("Vs 20/01/2020 : HS FLAIR en majoration, PDC nodulaire 7 mm. Ccl : PD.", "fr"),
        ("Gado : néant\nPerfusion : RAS\nSurveillance : lésion inchangée, cavité identique", "fr"),
    ],
)
def test_language(words, expected):
    assert text.language(words) == expected


@pytest.mark.parametrize(
    "words",
    [
        "Die Signalveränderung zeigt sich unverändert, keine neue Läsion, kein Hinweis auf ein Rezidiv.",
        "La lesione frontale destra risulta invariata rispetto al precedente, senza enhancement. Non recidiva.",
        "La lesión frontal derecha no ha cambiado con respecto al estudio previo, sin realce. No hay recidiva.",
        "A lesão frontal direita não se alterou, sem realce. Não há sinais de recidiva da doença.",
        "MRT: FLAIR stabil. Kein neuer Herd. Vergleich 12.03.2020",
        "RM encefalo: lesione stabile, FLAIR invariato, nessun enhancement",
        "Resonancia: lesion estable. FLAIR: sin cambios",
        "De laesie frontaal rechts is niet veranderd, geen aankleuring, geen aanwijzing voor een recidief.",
    ],
)
def test_other_languages_are_excluded(words):
    with pytest.raises(Excluded, match="neither French nor English"):
        text.language(words)


def test_a_language_that_the_cohort_does_not_list_is_excluded():
    with pytest.raises(Excluded, match="do not list"):
        text.language("The lesion is stable", known=("fr",))


REPORT = """IRM du 14.05.2019
Indication : suivi. Progression ?

Texte libre après une ligne vide.
COMPARAISON
IRM du 12. 02. 2019
Description: Lésion mesurant 3.5 cm selon le Dr. Inconnu.Hypersignal
FLAIR stable. Technique inhabituelle pour ce centre.
Conclusion - rien
Au total, stable.
"""


def test_sections_and_sentences():
    found = [(sentence.section, sentence.text) for sentence in text.sentences(text.normalise(REPORT))]
    assert found == [
        ("header", "IRM du 14.05.2019"),
        ("indication", "suivi."),
        ("indication", "Progression ?"),
        ("description", "Texte libre après une ligne vide."),
        ("comparison", "IRM du 12. 02. 2019"),
        ("description", "Lésion mesurant 3.5 cm selon le Dr. Inconnu."),
        ("description", "Hypersignal\nFLAIR stable."),
        ("description", "Technique inhabituelle pour ce centre."),
        ("conclusion", "rien"),
        ("conclusion", "stable."),
    ]


def test_a_technique_ends_where_findings_or_a_comparison_begin():
    words = "Technique usuelle. Comparaison 13.06.2022.\nTechnique : 3T.\nIRM de référence : 07.09.2020\nLésion stable."
    found = [(sentence.section, sentence.text) for sentence in text.sentences(text.normalise(words))]
    assert ("comparison", "Comparaison 13.06.2022.") in found
    assert ("comparison", "07.09.2020") in found
    assert ("technique", "Lésion stable.") not in found
    [*_, last] = text.sentences("Technique : FLAIR et T2.\nLésion temporale stable.")
    assert last.section == "description"


def test_an_indication_on_its_headings_line_ends_there_and_a_block_does_not():
    one, other = "Indication : suivi.\nLésion stable.", "Indication :\nSuivi.\nProgression en 2017.\n\nLésion stable."
    assert [s.section for s in text.sentences(one)] == ["indication", "description"]
    assert [s.section for s in text.sentences(other)] == ["indication", "indication", "description"]


def test_the_abbreviation_of_a_month_ends_no_sentence():
    [sentence] = text.sentences("Comparée à l'IRM de sept. 2019 et de févr. 2020, la lésion est stable.")
    assert sentence.text.endswith("stable.")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("lésion stable point pas de pdc point conclusion deux points stable point",
         "lésion stable. pas de pdc. conclusion: stable."),
        ("lesion stable full stop no enhancement full stop", "lesion stable. no enhancement."),
        ("Le point de départ est frontal. Stable.", "Le point de départ est frontal. Stable."),
    ],
)  # fmt: skip
def test_marks_that_a_dictation_spells_out_become_marks(words, expected):
    assert text.normalise(words) == expected


def test_sentences_know_their_place():
    words = text.normalise(REPORT)
    assert all(words[s.start : s.start + len(s.text)] == s.text for s in text.sentences(words))
