"""What single sentences say: negation, doubt, the past, clauses and components."""

import warnings

import pytest

from gliodelta.labels import matcher
from gliodelta.labels.text import fold, normalise

SENTENCES = [
    ("fr", "Pas de signe de progression.", {("stable", "global", "certain")}),
    ("fr", "Pas d'argument pour une progression.", {("stable", "global", "certain")}),
    ("fr", "On ne peut exclure une progression.", {("progression", "global", "uncertain")}),
    ("fr", "Une progression ne peut être formellement exclue.", {("progression", "global", "uncertain")}),
    ("fr", "Suspicion de progression.", {("progression", "global", "probable")}),
    ("fr", "En cas de progression, une biopsie est proposée.", set()),
    ("fr", "Antécédent de progression en 2017.", set()),
    ("fr", "Pas de lésion apparue.", set()),
    ("fr", "Aspect de pseudoprogression.", set()),
    ("fr", "Lésion avec extension au corps calleux.", set()),
    ("fr", "Nouvelle IRM dans trois mois.", set()),
    ("fr", "Remaniements post-opératoires.", set()),
    ("fr", "Majoration de l'atrophie.", set()),
    ("fr", "Les ventricules ont augmenté de taille.", set()),
    (
        "fr",
        "Majoration de la prise de contraste, mais stabilité de l'hypersignal T2.",
        {("progression", "t1c", "certain"), ("stable", "t2", "certain")},
    ),
    (
        "fr",
        "Hypersignal T2 stable et prise de contraste augmentée.",
        {("stable", "t2", "certain"), ("progression", "t1c", "certain")},
    ),
    (
        "fr",
        "Hypersignal T2 et prise de contraste stables.",
        {("stable", "t2", "certain"), ("stable", "t1c", "certain")},
    ),
    ("fr", "Majoration de la prise de contraste au sein de l'hypersignal T2.", {("progression", "t1c", "certain")}),
    ("fr", "Pas de nouvelle lésion, augmentation de l'hypersignal T2.", {("progression", "t2", "certain")}),
    ("fr", "L'hypersignal FLAIR n'augmente pas.", {("stable", "t2", "certain")}),
    ("fr", "Progression : non.", {("stable", "global", "certain")}),
    ("fr", "Nouvelle lésion : 0", set()),
    ("en", "New lesions: none", set()),
    ("fr", "Pas de diminution de l'hypersignal T2.", set()),
    ("en", "No evidence of new lesion, progression or mass effect.", {("stable", "mass", "certain")}),
    ("en", "Progression cannot be excluded.", {("progression", "global", "uncertain")}),
    ("en", "If there is progression, consider biopsy.", set()),
    ("en", "Post-surgical changes.", set()),
    (
        "en",
        "While enhancement has decreased, there is more extensive FLAIR hyperintensity.",
        {("response", "t1c", "certain"), ("progression", "t2", "certain")},
    ),
    ("en", "No enhancement within the stable T2 abnormality.", {("stable", "t2", "certain")}),
    ("en", "The area of increased T2 signal is unchanged.", {("stable", "t2", "certain")}),
    ("en", "No significant interval change in the T2 abnormality.", {("stable", "t2", "certain")}),
]


@pytest.mark.parametrize(("language", "sentence", "expected"), SENTENCES)
def test_findings(language, sentence, expected):
    [found] = matcher.load(language).read([fold(normalise(sentence))])
    assert {(finding.kind, finding.component, finding.certainty) for finding in found} == expected


@pytest.mark.parametrize(("language", "sentence", "expected"), SENTENCES)
def test_the_prefilter_drops_no_finding(language, sentence, expected):
    rules, sentences = matcher.load(language), ["un mot.", fold(normalise(sentence))]
    assert rules.read(sentences) == rules.read(sentences, everywhere=True)


def test_a_kept_reading_serves_other_sizes_and_other_places(monkeypatch):
    rules = matcher.Matcher("en")
    first, second = (
        "the flair signal near genu is unchanged at 31 mm.",
        "the flair signal near trigone is unchanged at 7 mm.",
    )
    [[one]], kept = rules.read([first]), len(rules._readings)
    [[other]] = rules.read([second])
    assert len(rules._readings) == kept
    assert (one.kind, one.component) == (other.kind, other.component) == ("stable", "t2")
    assert first[slice(*one.span)] == second[slice(*other.span)] == "unchanged"


def test_kept_readings_hold_no_word_that_rules_do_not_know_and_are_bounded(monkeypatch):
    monkeypatch.setattr(matcher, "KEPT", 3)
    rules = matcher.Matcher("en")
    for lead in ("", "clavadetscher ", "clavadetscher , ", "the , ", "a b c "):
        rules.read([f"{lead}flair signal is unchanged."])
    words = {word for reading, _ in rules._readings for word in reading}
    assert len(rules._readings) == 3
    assert "clavadetscher" not in words | set(rules._vocab.strings)


def test_sizes_given_for_both_exams_are_part_of_what_is_kept():
    rules = matcher.Matcher("en")
    kinds = [rules.read([f"the lesion measures {now} mm, previously 30 mm."])[0][0].kind for now in (30, 44, 18, 30)]
    assert kinds == ["stable", "progression", "response", "stable"]


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("en", ["flair signal has slightly increased.", "this is within measurement error."]),
        ("fr", ["le flair a discretement augmente.", "cette difference est dans la marge d'erreur."]),
    ],
)
def test_a_change_that_the_next_sentence_calls_none_is_stability(language, sentences):
    first = matcher.load(language).read(sentences)[0]
    assert {(finding.kind, finding.component) for finding in first} == {("stable", "t2")}
    # What goes on with a component of its own says nothing on the sentence before.
    other = "enhancement has not increased significantly." if language == "en" else "le rehaussement est inchange."
    assert matcher.load(language).read([sentences[0], other])[0][0].kind == "progression"


def test_neither_loading_nor_reading_warns():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        matcher.Matcher("en").read(["the lesion is stable."])
    assert not [str(warning.message) for warning in seen if "W036" in str(warning.message)]


def test_it_is_what_the_sentence_before_spoke_of():
    _, [finding] = matcher.load("en").read(["the t2 hyperintensity surrounds the lesion.", "it is stable."])
    assert (finding.kind, finding.component) == ("stable", "t2")


def test_findings_know_their_place_in_the_text():
    sentence = normalise("Ailleurs, l’œdème a nettement\naugmenté.")
    [[finding]] = matcher.load("fr").read([fold(sentence)])
    assert sentence[slice(*finding.span)] == "augmenté"
