"""Every label rule acts in its positive example and not in its negative one."""

import pytest

from gliodelta.labels import lexicon, matcher
from gliodelta.labels.text import fold, normalise
from gliodelta.schema import InvalidInput

RULES = [
    pytest.param(language, rule, id=rule["id"])
    for language in ("fr", "en")
    for kind in ("targets", "modifiers")
    for rule in lexicon.read(language)[kind]
]


def acting(rules, words):
    return {match.rule["id"] for match, _ in rules.acting(fold(normalise(words)))}


@pytest.mark.parametrize(("language", "rule"), RULES)
def test_a_rule_acts_where_it_must_and_only_there(language, rule):
    rules = matcher.load(language)
    assert rule["id"] in acting(rules, rule["positive"])
    assert rule["id"] not in acting(rules, rule["negative"])


@pytest.mark.parametrize(("language", "rule"), RULES)
def test_phrases_are_written_as_folded_text_is(language, rule):
    assert all(phrase == fold(normalise(phrase)) for phrase in rule["phrases"])


def test_alternatives_are_spelt_out():
    assert lexicon.expand("plus (large|epais)(s|)") == ["plus larges", "plus large", "plus epaiss", "plus epais"]
    assert lexicon.expand("ne (peut|) exclure") == ["ne peut exclure", "ne exclure"]


def test_a_phrase_in_two_rules_is_refused(tmp_path, monkeypatch):
    rule = "{{id: {0}, category: STABLE, phrases: [{1}], positive: a, negative: b}}"
    text = f"targets: [{rule.format('one', 'no lesion')}, {rule.format('two', 'no lesions')}]\nmodifiers: []\n"
    (tmp_path / "en.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(lexicon, "FOLDER", tmp_path)
    with pytest.raises(InvalidInput, match="one and two both hold 'no lesions'"):
        lexicon.read.__wrapped__("en")
