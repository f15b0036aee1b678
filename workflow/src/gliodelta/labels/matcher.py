"""What sentences say about change: ConText over medspacy's matcher, with this project's own rules.

medspacy's shipped rules and its sentence splitter are not used: the French ones are unusable (they call "on ne peut
exclure une progression" negated) and PyRuSH prints report tokens to the log. Of its rules, targets and modifiers
compete for the longest match; scopes end with the clause and are worked out here, since medspacy's graph compares
every modifier of a document with every target.
"""

import functools
import re
from collections import Counter
from dataclasses import dataclass

from gliodelta.labels import clauses, lexicon, measures
from gliodelta.labels.spelling import Speller

PROGRESSION, RESPONSE, STABLE, INDETERMINATE = "progression", "response", "stable", "indeterminate"
T2, T1C, MASS, GLOBAL = "t2", "t1c", "mass", "global"
CERTAIN, PROBABLE, UNCERTAIN = "certain", "probable", "uncertain"

_KINDS = {
    "PROGRESSION": PROGRESSION, "NEW": PROGRESSION, "RESPONSE": RESPONSE, "STABLE": STABLE, "CHANGE": "",
    "INDETERMINATE": INDETERMINATE,
}  # fmt: skip
_COMPONENTS = {"T2": T2, "T1C": T1C, "MASS": MASS, "OTHER": "other", "AWAY": "other"}
_GROWTH = {1: "PROGRESSION", 0: "STABLE", -1: "RESPONSE"}
MEASURE = "measure"  # the id under which a size given for both exams acts, as a rule would
# Words and single signs: "d'une" is d ' une, "pseudo-progression" is pseudo - progression.
_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Finding:
    """One statement on change: what changed how, how surely, by which rules, where (characters of the sentence)."""

    kind: str
    component: str
    certainty: str
    rules: tuple
    span: tuple
    clause: tuple


class Match:
    """A rule that acts on the words ``start`` to ``end`` of its sentence."""

    __slots__ = ("category", "end", "rule", "start")

    def __init__(self, rule, start, end):
        """Takes the rule and the places of its words."""
        self.rule, self.start, self.end, self.category = rule, start, end, rule["category"]


@functools.cache
def load(language):
    """Returns the `Matcher` of a language, made once a process (importing medspacy takes seconds)."""
    return Matcher(language)


class Matcher:
    """The rules of a language, compiled."""

    def __init__(self, language):
        """Compiles the rules of `language`, "fr" or "en"."""
        from loguru import logger

        logger.disable("PyRuSH")
        import spacy
        from medspacy.common.medspacy_matcher import MedspacyMatcher
        from medspacy.context import ConTextRule
        from medspacy.target_matcher import TargetRule

        self._rules = lexicon.read(language)
        self._stem = lexicon.STEMS[language]
        phrases = [
            (rule, phrase)
            for kind in ("targets", "modifiers")
            for rule in self._rules[kind]
            for phrase in rule["phrases"]
        ]
        words = {word for _, phrase in phrases for word in _TOKEN.findall(phrase)}
        self._speller = Speller(words, self._rules["correct"])
        self._clauses = clauses.Clauses(self._rules["boundaries"], self._stem)
        self._known = frozenset(map(self._stem, words)) | self._clauses.words
        nlp = spacy.blank("xx")
        nlp.tokenizer = lambda phrase: spacy.tokens.Doc(
            nlp.vocab, words=[self._stem(w) for w in _TOKEN.findall(phrase)]
        )
        self._vocab = nlp.vocab
        self._matcher = MedspacyMatcher(nlp, phrase_matcher_attr="ORTH", prune=False)
        compiled = [
            ConTextRule(phrase, rule["category"], direction=rule["direction"], metadata=rule)
            if "direction" in rule
            else TargetRule(phrase, rule["category"], metadata=rule)
            for rule, phrase in phrases
        ]
        self._matcher.add(compiled)
        self._by_hash = {nlp.vocab.strings[key]: rule.metadata for key, rule in self._matcher.rule_map.items()}
        # A sentence that lacks the rarest word of every phrase on change needs no matching. Short words and those that
        # negate are everywhere.
        stems = [(rule, [self._stem(word) for word in _TOKEN.findall(phrase)]) for rule, phrase in phrases]
        uses = Counter(word for _, phrase in stems for word in set(phrase))
        frequent = self._clauses.words | {word for rule, phrase in stems if "direction" in rule for word in phrase}
        self._cues = frozenset(
            min(phrase, key=lambda word: (word in frequent, len(word) < 5, uses[word], -len(word)))
            for rule, phrase in stems
            if rule["category"] in _KINDS
        )
        self._anaphors = frozenset(
            self._stem(_TOKEN.findall(phrase)[0]) for rule, phrase in phrases if rule["category"] == "ANAPHOR"
        )
        self._words = functools.lru_cache(maxsize=50_000)(self._known_word)

    def read(self, sentences, everywhere=False):
        """Returns the findings of consecutive sentences, a list for each.

        Args:
            sentences: list of texts after `text.fold`.
            everywhere: match the sentences without a word of change, too: slower, with the same result.
        """
        parsed = [Parsed(text, self._words) for text in sentences]
        cues = [everywhere or sentence.sizes or not self._cues.isdisjoint(sentence.words) for sentence in parsed]
        # "It" refers to the sentence before.
        refers = [cue and not self._anaphors.isdisjoint(s.words) for cue, s in zip(cues, parsed, strict=True)]
        wanted = [cue or after for cue, after in zip(cues, [*refers[1:], False], strict=True)]
        self._match([sentence for sentence, want in zip(parsed, wanted, strict=True) if want])
        found, before = [], None
        for sentence, cue in zip(parsed, cues, strict=True):
            found.append(self._findings(sentence, before) if cue else [])
            before = sentence
        return found

    def acting(self, text):
        """Returns the rules that act in a sentence: targets, and modifiers that modify one or end a scope.

        Args:
            text: the sentence after `text.fold`.

        Returns:
            list of (`Match`, (start, end) in the text), in order.
        """
        sentence = Parsed(text, self._words)
        self._match([sentence])
        acting = set(sentence.targets)
        for begin, end in sentence.clauses:
            inside = [match for match in sentence.modifiers if begin <= match.start < end]
            acting |= {match for match in inside if match.category == "TERMINATE"}
            for target in sentence.within(begin, end):
                acting |= set(clauses.modifying(target, inside))
        places = sentence.places
        ordered = sorted(acting, key=lambda match: match.start)
        return [(match, (places[match.start][0], places[match.end - 1][1])) for match in ordered]

    def _known_word(self, word):
        """Returns the stem of a word that the rules know, or "_": spaCy's store of strings never sees another."""
        stem = self._stem(word)
        if stem not in self._known:
            stem = self._stem(self._speller.correct(word))
        return stem if stem in self._known else "_"

    def _match(self, sentences):
        """Finds the rules that act, in one pass over all sentences, and splits each into clauses."""
        from spacy.tokens import Doc

        words, starts = [], []
        for sentence in sentences:
            starts.append(len(words))
            words += [*sentence.words, "|"]
        if not words:
            return
        matches = iter(_longest(self._matcher(Doc(self._vocab, words=words)), len(words)))
        match = next(matches, None)
        for sentence, first in zip(sentences, starts, strict=True):
            while match and match[1] < first + len(sentence.words):
                rule = self._by_hash[match[0]]
                found = Match(rule, match[1] - first, match[2] - first)
                (sentence.modifiers if "direction" in rule else sentence.targets).append(found)
                match = next(matches, None)
            if sentence.sizes:
                sentence.measure()
            changes = [target.start for target in sentence.targets if target.category in _KINDS]
            sentence.clauses = self._clauses.split(sentence.words, changes)

    def _findings(self, sentence, before):
        last, found = None, []
        # "Pseudoprogression or growth, indeterminate" doubts the cause and not the change.
        cause = any(target.category == "PSEUDO" for target in sentence.targets)
        belittling = sentence.belittling()
        for begin, end in sentence.clauses:
            targets = sentence.within(begin, end)
            modifiers = [match for match in sentence.modifiers if begin <= match.start < end]
            if last is None and before and any(target.category == "ANAPHOR" for target in targets):
                last = _subject(before.targets)
            spoken = [target for target in targets if target.category in _KINDS and target.rule["id"] != MEASURE]
            for change in spoken or [target for target in targets if target.category in _KINDS]:
                kind, certainty, acting = _judge(change, [*clauses.modifying(change, modifiers), *belittling])
                if not kind or (kind == INDETERMINATE and cause):
                    continue
                for target in self._clauses.attach(sentence.words, change, targets, last):
                    if target and target.category in ("OTHER", "AWAY"):
                        continue
                    if not target and change.category == "NEW":
                        continue
                    found.append(
                        Finding(
                            kind,
                            _COMPONENTS[target.category] if target else GLOBAL,
                            certainty,
                            (change.rule["id"], *acting, *([target.rule["id"]] if target else [])),
                            (sentence.places[change.start][0], sentence.places[change.end - 1][1]),
                            (sentence.places[begin][0], sentence.places[end - 1][1]),
                        )
                    )
            last = _subject(targets) or last
        return found


class Parsed:
    """A sentence: its words as the rules know them, and what was found in it."""

    def __init__(self, folded, known):
        """Takes the folded text and the function that turns a word into one that the rules know."""
        self.folded = folded
        self.words = [known(word) for word in _TOKEN.findall(folded)]
        self.sizes = measures.find(folded)
        self.targets, self.modifiers, self.clauses = [], [], []

    @functools.cached_property
    def places(self):
        """Where each word starts and ends in the text."""
        return [token.span() for token in _TOKEN.finditer(self.folded)]

    def within(self, begin, end):
        """Returns the targets from word `begin` to word `end`."""
        return [target for target in self.targets if begin <= target.start < end]

    def belittling(self):
        """Returns the NEGLIGIBLE modifiers of clauses without a change of their own: they govern the sentence."""
        found = [match for match in self.modifiers if match.category == "NEGLIGIBLE"]
        own = [clause for clause in self.clauses if any(target.category in _KINDS for target in self.within(*clause))]
        return [match for match in found if not any(begin <= match.start < end for begin, end in own)]

    def measure(self):
        """Makes targets of the sizes."""
        for size in self.sizes:
            start = next(place for place, (_, end) in enumerate(self.places) if end > size.start)
            end = next((place for place, (begin, _) in enumerate(self.places) if begin >= size.end), len(self.words))
            self.targets.append(Match({"id": MEASURE, "category": _GROWTH[size.growth]}, start, end))
        self.targets.sort(key=lambda target: target.start)


def _longest(matches, words):
    """Keeps of overlapping matches (id, start, end) the longest, of equally long ones the first; sorts by start."""
    taken, kept = bytearray(words), []
    for match in sorted(matches, key=lambda match: (match[1] - match[2], match[1])):
        _, start, end = match
        if taken.find(1, start, end) < 0:
            taken[start:end] = b"\1" * (end - start)
            kept.append(match)
    return sorted(kept, key=lambda match: match[1])


def _judge(change, modifiers):
    """Returns (kind, certainty, ids of the modifiers); no kind where something takes the force."""
    categories = {modifier.category: modifier for modifier in modifiers}
    acting = tuple(sorted({modifier.rule["id"] for modifier in modifiers}))
    kind = _KINDS[change.category]
    negation = categories.get("NEGATED")
    if {"HYPOTHETICAL", "HISTORICAL"} & set(categories):
        return None, None, acting
    if kind == INDETERMINATE:
        return (None if negation else kind), CERTAIN, acting
    if negation and kind == STABLE:
        # "No enhancement in the stable lesion" denies the enhancement; only "not stable" denies stability.
        if abs(change.start - negation.end) <= 1 and not change.rule.get("denies"):
            return None, None, acting
    elif negation:
        # "No new lesion" says nothing on the known one; "no decrease" may be anything else.
        if change.category not in ("PROGRESSION", "CHANGE"):
            return None, None, acting
        kind = STABLE
    elif "NEGLIGIBLE" in categories:
        kind = STABLE
    certainty = PROBABLE if "PROBABLE" in categories else CERTAIN
    if "UNCERTAIN" in categories and not negation:
        certainty = UNCERTAIN
    return kind, certainty, acting


def _subject(targets):
    components = [target for target in targets if target.category in _COMPONENTS and target.category != "OTHER"]
    # "The T2 hyperintensity of the lesion ... it": what is named first is what the sentence is about.
    return components[0] if components else None
