"""Reads the label rules of a language: ``rules/<language>.yaml``."""

import functools
import itertools
import re
from pathlib import Path

from gliodelta import io
from gliodelta.labels.letters import tokens
from gliodelta.schema import InvalidInput

FOLDER = Path(__file__).parent / "rules"
TARGETS = (
    "PROGRESSION", "NEW", "RESPONSE", "STABLE", "CHANGE", "INDETERMINATE", "T2", "T1C", "MASS", "OTHER", "AWAY",
    "WHOLE", "ANAPHOR", "PSEUDO", "IGNORE",
)  # fmt: skip
MODIFIERS = ("NEGATED", "UNCERTAIN", "PROBABLE", "HYPOTHETICAL", "HISTORICAL", "NEGLIGIBLE", "TERMINATE")
_GROUP = re.compile(r"\(([^()]*)\)")


@functools.cache
def read(language):
    """Reads the rules of a language.

    Returns:
        dict with `targets` and `modifiers`, lists of rules (id, category, phrases, positive, negative and, for
        modifiers, direction and perhaps max_scope), `boundaries`, lists of words by role, and `correct`, good words
        that are one slip from a rule's. Phrases are spelt out.

    Raises:
        InvalidInput: a rule lacks a part, has an unknown category, an id that is taken or a phrase of another rule.
    """
    path = FOLDER / f"{language}.yaml"
    document = io.read_yaml(path)
    seen = set()
    for kind, categories in (("targets", TARGETS), ("modifiers", MODIFIERS)):
        for rule in document[kind]:
            where = f"{path.name}, rule {rule.get('id', '?')}"
            missing = {"id", "category", "phrases", "positive", "negative"} - set(rule)
            if missing:
                raise InvalidInput(f"{where} lacks {', '.join(sorted(missing))}")
            if rule["category"] not in categories:
                raise InvalidInput(f"{where}: category {rule['category']!r}; write one of {', '.join(categories)}")
            if rule["id"] in seen:
                raise InvalidInput(f"{where}: a rule above has the same id")
            seen.add(rule["id"])
            rule["phrases"] = sorted({text for phrase in rule["phrases"] for text in expand(phrase)})
    _check_phrases(document, path.name, STEMS[language])
    return document


def _check_phrases(document, name, stem):
    """Raises `InvalidInput` where two rules share a phrase: which of them acts would be left to chance."""
    owner = {}
    for rule in (*document["targets"], *document["modifiers"]):
        for phrase in rule["phrases"]:
            other = owner.setdefault(tuple(map(stem, tokens(phrase))), rule["id"])
            if other != rule["id"]:
                raise InvalidInput(
                    f"{name}: rules {other} and {rule['id']} both hold {phrase!r}; keep it in one of them"
                )


def expand(phrase):
    """Spells out the alternatives of a phrase: ``plus (large|epais)`` gives ``plus large`` and ``plus epais``."""
    parts = _GROUP.split(phrase)
    # Splitting at one group puts fixed text at even places and alternatives at odd ones.
    choices = [part.split("|") if place % 2 else [part] for place, part in enumerate(parts)]
    return [" ".join("".join(choice).split()) for choice in itertools.product(*choices)]


def _french(word):
    """Takes plural and feminine off: ``inchangees`` and ``inchange`` alike are ``inchang``."""
    if len(word) < 4 or word == "mais":  # not "mai", the month
        return word
    word = word.removesuffix("s")
    return word.removesuffix("e").removesuffix("e")


def _english(word):
    """Takes the plural off, but not off ``mass``, ``sinus`` and ``this``."""
    return word[:-1] if len(word) > 3 and word[-1] == "s" and word[-2] not in "sui" else word


STEMS = {"fr": _french, "en": _english}
