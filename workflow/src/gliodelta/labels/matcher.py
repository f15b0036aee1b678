"""The rules of a language over medspacy's matcher: which act where in the sentences of a report.

medspacy's shipped rules and its sentence splitter are not used: the French ones are unusable (they call "on ne peut
exclure une progression" negated) and PyRuSH prints report tokens to the log. Of our rules, targets and modifiers
compete for the longest match.
"""

import contextlib
import functools
import re
import sys
import warnings
from collections import Counter

from gliodelta.labels import clauses, lexicon, measures
from gliodelta.labels.letters import TOKEN, tokens
from gliodelta.labels.readings import KINDS, Match, Reading, measured
from gliodelta.labels.spelling import Speller

# Readings kept: reports repeat their sentences but for sizes and places. About 2 kB each.
KEPT = 20_000
WORDS_KEPT = 50_000
GAP = "_"  # for a word that no rule knows
END = "\0"  # between sentences
_BETWEEN = f" {END} "


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
        with _sparing():
            import spacy
            from medspacy.common.medspacy_matcher import MedspacyMatcher

        self._rules = lexicon.read(language)
        self._stem = lexicon.STEMS[language]
        phrases = [
            (rule, phrase)
            for kind in ("targets", "modifiers")
            for rule in self._rules[kind]
            for phrase in rule["phrases"]
        ]
        words = {word for _, phrase in phrases for word in tokens(phrase)}
        self._speller = Speller(words, self._rules["correct"])
        self._clauses = clauses.Clauses(self._rules["boundaries"], self._stem)
        self._in_phrases = frozenset(map(self._stem, words))
        self._known = self._in_phrases | self._clauses.words
        nlp = spacy.blank("xx")
        nlp.tokenizer = lambda phrase: spacy.tokens.Doc(nlp.vocab, words=[self._stem(w) for w in tokens(phrase)])
        self._vocab = nlp.vocab
        self._matcher = MedspacyMatcher(nlp, phrase_matcher_attr="ORTH", prune=False)
        self._matcher.add([_compiled(rule, phrase) for rule, phrase in phrases])
        self._by_hash = {nlp.vocab.strings[key]: rule.metadata for key, rule in self._matcher.rule_map.items()}
        # A sentence that lacks the rarest word of every phrase on change needs no matching. Short words and those that
        # negate are everywhere.
        stems = [(rule, [self._stem(word) for word in tokens(phrase)]) for rule, phrase in phrases]
        uses = Counter(word for _, phrase in stems for word in set(phrase))
        frequent = self._clauses.words | {word for rule, phrase in stems if "direction" in rule for word in phrase}
        self._cues = frozenset(
            min(phrase, key=lambda word: (word in frequent, len(word) < 5, uses[word], -len(word)))
            for rule, phrase in stems
            if rule["category"] in KINDS
        )
        self._anaphors = frozenset(phrase[0] for rule, phrase in stems if rule["category"] == "ANAPHOR")
        self._belittling = frozenset(max(phrase, key=len) for rule, phrase in stems if rule["category"] == "NEGLIGIBLE")
        self._referring = frozenset(map(self._stem, self._rules["boundaries"]["referring"]))
        self._words = _Words(self._known_word)
        self._readings = {}

    def read(self, sentences, everywhere=False):
        """Returns the findings of consecutive sentences, a list for each.

        Args:
            sentences: list of texts after `text.fold`.
            everywhere: match every sentence anew, also without a word of change: slower, with the same result.
        """
        parsed = self._parse(sentences)
        cues = [everywhere or self._is_cue(sentence) for sentence in parsed]
        # "It" refers to the sentence before.
        refers = [cue and not self._anaphors.isdisjoint(s.words) for cue, s in zip(cues, parsed, strict=True)]
        wanted = [cue or after for cue, after in zip(cues, [*refers[1:], False], strict=True)]
        readings = self._read([s for s, want in zip(parsed, wanted, strict=True) if want], keep=not everywhere)
        found, before = [], None
        for sentence, cue, want in zip(parsed, cues, wanted, strict=True):
            reading = next(readings) if want else None
            told = reading.findings(self._clauses, before and before.subject) if cue else []
            if cue and found and found[-1] and reading.belittles(self._referring):
                found[-1] = [finding.belittled() for finding in found[-1]]
            places = sentence.places if told else ()
            found.append([finding.placed(places) for finding in told])
            before = reading
        return found

    def acting(self, text):
        """Returns the rules that act in a sentence, see `Reading.acting`.

        Args:
            text: the sentence after `text.fold`.

        Returns:
            list of (`Match`, (start, end) in the text), in order.
        """
        [sentence] = self._parse([text])
        [reading] = self._read([sentence])
        places = sentence.places
        return [(match, (places[match.start][0], places[match.end - 1][1])) for match in reading.acting()]

    def _parse(self, sentences):
        """Returns the `Parsed` of each sentence; the words of all are worked out at once, in half the time."""
        words = [self._words[word] for word in tokens(_BETWEEN.join(sentences))]
        ends = [place for place, word in enumerate(words) if word == END]
        if len(ends) != len(sentences) - 1:  # a sentence holds the mark itself
            return [Parsed(text, [self._words[word] for word in tokens(text)]) for text in sentences]
        bounds = zip([0, *(end + 1 for end in ends)], [*ends, len(words)], strict=True)
        return [Parsed(text, words[start:end]) for text, (start, end) in zip(sentences, bounds, strict=True)]

    def _is_cue(self, sentence):
        words = sentence.words
        if sentence.sizes or not self._cues.isdisjoint(words):
            return True
        return words[0] in self._referring and not self._belittling.isdisjoint(words)

    def _known_word(self, word):
        """Returns the stem of a word that the rules know, `END`, or `GAP`: spaCy and readings keep no other."""
        if word == END:
            return END
        stem = self._stem(word)
        if stem not in self._known:
            stem = self._stem(self._speller.correct(word))
        return stem if stem in self._known else GAP

    def _read(self, sentences, keep=True):
        """Returns an iterator over the readings of sentences, the kept ones or new ones, these in one pass."""
        known = self._readings if keep else {}
        keys = [(tuple(sentence.words), sentence.sizes) for sentence in sentences]
        new = list(dict.fromkeys(key for key in keys if key not in known))
        found = {key: known.pop(key) for key in keys if key in known}
        found |= dict(zip(new, self._match(new), strict=True))
        known |= found  # last in, so that what comes first was least recently read
        while len(known) > KEPT:
            del known[next(iter(known))]
        return (found[key] for key in keys)

    def _match(self, sentences):
        """Yields the readings of (words, sizes), matched in one pass over all."""
        from spacy.tokens import Doc

        # No phrase holds another word, so that one gap may stand for many.
        words, places, ends = [], [], []
        for sentence, _ in sentences:
            for place, word in enumerate(sentence):
                if word in self._in_phrases:
                    words.append(word)
                    places.append(place)
                elif words and words[-1] != GAP:
                    words.append(GAP)
                    places.append(place)
            words.append(GAP)
            places.append(len(sentence))
            ends.append(len(words))
        if not words:
            return
        matches = iter(_longest(self._matcher(Doc(self._vocab, words=words)), len(words)))
        match = next(matches, None)
        for (sentence, sizes), end in zip(sentences, ends, strict=True):
            targets, modifiers = [measured(*size) for size in sizes], []
            while match and match[1] < end:
                rule = self._by_hash[match[0]]
                found = Match(rule, places[match[1]], places[match[2] - 1] + 1)
                (modifiers if "direction" in rule else targets).append(found)
                match = next(matches, None)
            yield Reading(sentence, sorted(targets, key=lambda target: target.start), modifiers, self._clauses)


class Parsed:
    """A sentence: its words as the rules know them, and the sizes that it gives for both exams."""

    __slots__ = ("folded", "sizes", "words")

    def __init__(self, folded, words):
        """Takes the folded text and its words as the rules know them."""
        self.folded, self.words = folded, words
        found = measures.find(folded)
        self.sizes = tuple(self._measured(size) for size in found) if found else ()

    @property
    def places(self):
        """Where each word starts and ends in the text."""
        return list(map(re.Match.span, TOKEN.finditer(self.folded)))

    def _measured(self, size):
        """Returns the growth of a size, its first word and the one after its last."""
        places = self.places
        start = next(place for place, (_, end) in enumerate(places) if end > size.start)
        end = next((place for place, (begin, _) in enumerate(places) if begin >= size.end), len(places))
        return size.growth, start, end


class _Words(dict):
    """Words as the rules know them, each worked out once; faster than a cache around the function."""

    def __init__(self, known):
        super().__init__()
        self._known = known

    def __missing__(self, word):
        # Reports of a hospital share their words; the bound keeps memory flat.
        if len(self) >= WORDS_KEPT:
            self.clear()
        self[word] = self._known(word)
        return self[word]


@contextlib.contextmanager
def _sparing():
    """Keeps what is imported here from loading torch, 0.5 GB that rules do not need, and from hiding later warnings.

    spaCy loads torch wherever it is installed, and medspacy hides every warning of the process.
    """
    unloaded = "torch" not in sys.modules
    if unloaded:
        sys.modules["torch"] = None
    try:
        with warnings.catch_warnings():
            yield
    finally:
        if unloaded:
            del sys.modules["torch"]


def _compiled(rule, phrase):
    """Returns medspacy's form of one phrase of a rule."""
    from medspacy.context import ConTextRule
    from medspacy.target_matcher import TargetRule

    # medspacy runs a matcher of token patterns, too, and spaCy warns (W036) of one without any: signs are patterns.
    pattern = None if phrase[0].isalnum() or len(phrase) > 1 else [{"ORTH": phrase}]
    if "direction" in rule:
        return ConTextRule(phrase, rule["category"], pattern=pattern, direction=rule["direction"], metadata=rule)
    return TargetRule(phrase, rule["category"], pattern=pattern, metadata=rule)


def _longest(matches, words):
    """Keeps of overlapping matches (id, start, end) the longest, of equally long ones the first; sorts by start."""
    taken, kept = bytearray(words), []
    for match in sorted(matches, key=lambda match: (match[1] - match[2], match[1])):
        _, start, end = match
        if taken.find(1, start, end) < 0:
            taken[start:end] = b"\1" * (end - start)
            kept.append(match)
    return sorted(kept, key=lambda match: match[1])
