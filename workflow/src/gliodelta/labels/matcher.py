"""What a sentence says about change: medspacy's target matcher and ConText with this project's own rules.

medspacy's shipped rules and its sentence splitter are not used: the French ones are unusable (they call "on ne peut
exclure une progression" negated) and PyRuSH prints report tokens to the log.
"""

import functools
import itertools
import re
from dataclasses import dataclass

from gliodelta.labels import lexicon
from gliodelta.labels.text import fold

PROGRESSION, RESPONSE, STABLE = "progression", "response", "stable"
T2, T1C, MASS, GLOBAL = "t2", "t1c", "mass", "global"
CERTAIN, PROBABLE, UNCERTAIN = "certain", "probable", "uncertain"

_CHANGES = {"PROGRESSION": PROGRESSION, "NEW": PROGRESSION, "RESPONSE": RESPONSE, "STABLE": STABLE, "CHANGE": ""}
_COMPONENTS = {"T2": T2, "T1C": T1C, "MASS": MASS, "OTHER": "other"}
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


@functools.cache
def load(language):
    """Returns the `Matcher` of a language, made once a process (importing medspacy takes seconds)."""
    return Matcher(language)


class Matcher:
    """A medspacy pipeline over sentences: targets, then clauses, then ConText within each clause."""

    def __init__(self, language):
        """Compiles the rules of `language`, "fr" or "en"."""
        from loguru import logger

        logger.disable("PyRuSH")
        import spacy
        from medspacy.context import ConText, ConTextRule
        from medspacy.target_matcher import TargetMatcher, TargetRule

        rules = lexicon.read(language)
        nlp = spacy.blank("xx")
        # The matchers split their phrases with it too.
        nlp.tokenizer = self._tokenise = functools.partial(_tokenise, nlp.vocab)
        self._targets = TargetMatcher(nlp)
        targets = [
            TargetRule(phrase, rule["category"], metadata={"id": rule["id"]})
            for rule in rules["targets"]
            for phrase in rule["phrases"]
        ]
        self._targets.add(targets)
        self._context = ConText(nlp, rules=None, span_attrs=None)
        modifiers = [
            ConTextRule(
                literal=phrase,
                category=rule["category"],
                direction=rule["direction"],
                max_scope=rule.get("max_scope"),
                metadata={"id": rule["id"]},
            )
            for rule in rules["modifiers"]
            for phrase in rule["phrases"]
        ]
        self._context.add(modifiers)
        self._boundaries = {
            role: {tuple(_TOKEN.findall(words)) for words in phrases} for role, phrases in rules["boundaries"].items()
        }
        # The longest word of each phrase on change: a sentence without any of them needs no pipeline.
        self._cues = frozenset(
            max(_TOKEN.findall(phrase), key=len)
            for rule in rules["targets"]
            if rule["category"] in _CHANGES
            for phrase in rule["phrases"]
        )

    def speaks_of_change(self, folded):
        """Whether a sentence, folded, may hold a finding; cheap, and never wrong about one that does."""
        return not self._cues.isdisjoint(_TOKEN.findall(folded))

    def findings(self, sentence, before=""):
        """Returns the findings of a sentence.

        Args:
            sentence: text of one sentence.
            before: the sentence before it, for "it" and "celle-ci".
        """
        doc = self._parse(sentence)
        clauses = [[target for target in doc.ents if target.sent == clause] for clause in doc.sents]
        last, findings = None, []
        for targets in clauses:
            if last is None and any(target.label_ == "ANAPHOR" for target in targets):
                last = _last_component(self._parse(before).ents) if before else None
            components = [target for target in targets if target.label_ in _COMPONENTS]
            for change in (target for target in targets if target.label_ in _CHANGES):
                findings += self._judge(doc, change, targets, components, last)
            last = _last_component(targets) or last
        return findings

    def rules(self, sentence):
        """Returns the ids of the rules that act in a sentence: targets, and modifiers that modify one."""
        doc = self._parse(sentence)
        found = {_rule(target) for target in doc.ents}
        modifiers = {modifier.rule.metadata["id"] for target in doc.ents for modifier in target._.modifiers}
        terminators = {m.rule.metadata["id"] for m in doc._.context_graph.modifiers if m.direction == "TERMINATE"}
        return found | modifiers | terminators

    def _parse(self, sentence):
        doc = self._targets(self._tokenise(fold(sentence)))
        starts = self._clause_starts(doc)
        for token in doc:
            token.is_sent_start = token.i == 0 or token.i in starts
        return self._context(doc)

    def _clause_starts(self, doc):
        words = [token.text for token in doc]
        changes = {target.start for target in doc.ents if target.label_ in _CHANGES}
        strong = self._places_of("strong", words)
        weak = [place for place in self._places_of("weak", words) if not self._continues(words, place, strong)]
        places = sorted({*strong, *weak})
        starts, begin = set(strong), 0
        for place, following in itertools.pairwise([*places, len(words)]):
            both = any(begin <= i < place for i in changes) and any(place < i < following for i in changes)
            if place in starts or both:
                starts.add(place)
                begin = place
        return starts

    def _places_of(self, role, words):
        phrases = self._boundaries[role]
        sizes = {len(phrase) for phrase in phrases}
        return [i for i in range(1, len(words)) if any(tuple(words[i : i + size]) in phrases for size in sizes)]

    def _continues(self, words, place, strong):
        """Whether a comma or "and" goes on with a list: a continuing word follows or, after a comma, ends it."""
        continuing = {phrase[0] for phrase in self._boundaries["continuing"]}
        if words[place + 1 : place + 2] and words[place + 1] in continuing:
            return True
        end = min((other for other in strong if other > place), default=len(words))
        return words[place] == "," and not {"or", "nor", "ou", "ni"}.isdisjoint(words[place:end])

    def _judge(self, doc, change, targets, components, last):
        """Returns the findings of one word of change: none when negation, a condition or the past takes its force."""
        modifiers = {modifier.category: modifier for modifier in change._.modifiers}
        if {"HYPOTHETICAL", "HISTORICAL"} & set(modifiers):
            return []
        kind = _CHANGES[change.label_]
        negation = modifiers.get("NEGATED")
        if negation and kind == STABLE:
            # "No enhancement in the stable lesion" denies the enhancement; only "not stable" denies stability.
            if abs(change.start - negation.modifier_span[1]) <= 1:
                return []
        elif negation:
            # "No new lesion" says nothing on the known one; "no decrease" may be anything else.
            if change.label_ not in ("PROGRESSION", "CHANGE"):
                return []
            kind = STABLE
        elif not kind:
            return []
        certainty = PROBABLE if "PROBABLE" in modifiers else CERTAIN
        if "UNCERTAIN" in modifiers and not negation:
            certainty = UNCERTAIN
        rules = (_rule(change), *sorted(modifier.rule.metadata["id"] for modifier in change._.modifiers))
        attached = self._attach(doc, change, targets, components, last)
        if change.label_ == "NEW":
            attached = [target for target in attached if target]
        return [
            Finding(
                kind,
                _COMPONENTS[target.label_] if target else GLOBAL,
                certainty,
                (*rules, *([_rule(target)] if target else [])),
                (change.start_char, change.end_char),
                (change.sent.start_char, change.sent.end_char),
            )
            for target in attached
            if not target or target.label_ != "OTHER"
        ]

    def _attach(self, doc, change, targets, components, last):
        """Returns the components that a word of change speaks of, [None] for the whole."""
        if not components:
            return [last if any(target.label_ == "ANAPHOR" for target in targets) else None]
        nearest = min(components, key=lambda component: (_gap(component, change), component.start))
        if nearest.label_ == "OTHER":
            return [nearest]
        others = [target for target in targets if target.label_ in _CHANGES and target != change]
        places = {phrase[0] for phrase in self._boundaries["places"]}
        chosen = {_COMPONENTS[nearest.label_]: nearest}
        for component in components:
            between = doc[min(component.end, nearest.end) : max(component.start, nearest.start)]
            nearer = any(_gap(component, other) < _gap(component, change) for other in others)
            if component.label_ != "OTHER" and not nearer and places.isdisjoint(token.text for token in between):
                chosen.setdefault(_COMPONENTS[component.label_], component)
        return list(chosen.values())


def _tokenise(vocab, text):
    from spacy.tokens import Doc

    tokens = list(_TOKEN.finditer(text))
    ends = [token.end() for token in tokens]
    # spaCy knows one space or none between two tokens; `normalise` leaves no others, so that its offsets hold.
    spaces = [text[end : end + 1].isspace() for end in ends]
    return Doc(vocab, words=[token.group() for token in tokens], spaces=spaces)


def _last_component(targets):
    components = [target for target in targets if target.label_ in _COMPONENTS and target.label_ != "OTHER"]
    # "The T2 hyperintensity of the lesion ... it": what is named first is what the sentence is about.
    return components[0] if components else None


def _gap(one, other):
    return max(one.start - other.end, other.start - one.end)


def _rule(target):
    return target._.target_rule.metadata["id"]
