"""What a sequence of words says on change: which rules act, clause by clause, and what they add up to.

ConText, but for its scopes: these end with the clause and are worked out here, since medspacy's graph compares every
modifier of a document with every target.
"""

from typing import NamedTuple

from gliodelta.labels import clauses

PROGRESSION, RESPONSE, STABLE, INDETERMINATE = "progression", "response", "stable", "indeterminate"
T2, T1C, MASS, GLOBAL = "t2", "t1c", "mass", "global"
CERTAIN, PROBABLE, UNCERTAIN = "certain", "probable", "uncertain"

KINDS = {
    "PROGRESSION": PROGRESSION, "NEW": PROGRESSION, "RESPONSE": RESPONSE, "STABLE": STABLE, "CHANGE": "",
    "INDETERMINATE": INDETERMINATE,
}  # fmt: skip
_COMPONENTS = {"T2": T2, "T1C": T1C, "MASS": MASS, "OTHER": "other", "AWAY": "other"}
_GROWTH = {1: "PROGRESSION", 0: "STABLE", -1: "RESPONSE"}
MEASURE = "measure"  # the id under which a size given for both exams acts, as a rule would
# What a sentence may hold beside its belittling words and still speak of the sentence before it alone.
_EMPTY = ("CHANGE", "ANAPHOR", "IGNORE", "WHOLE")


class Finding(NamedTuple):
    """One statement on change: what changed how, how surely, by which rules, where (characters of the sentence)."""

    kind: str
    component: str
    certainty: str
    rules: tuple
    span: tuple
    clause: tuple

    def placed(self, places):
        """Returns the finding with characters for words, by the words' (start, end)."""
        (first, last), (begin, end) = self.span, self.clause
        return self._replace(
            span=(places[first][0], places[last - 1][1]), clause=(places[begin][0], places[end - 1][1])
        )

    def belittled(self):
        """Returns the finding where the next sentence calls the change none: "this is within measurement error"."""
        return self._replace(kind=STABLE) if self.kind in (PROGRESSION, RESPONSE) else self


class Match:
    """A rule that acts on the words ``start`` to ``end`` of its sentence."""

    __slots__ = ("category", "end", "rule", "start")

    def __init__(self, rule, start, end):
        """Takes the rule and the places of its words."""
        self.rule, self.start, self.end, self.category = rule, start, end, rule["category"]


def measured(growth, start, end):
    """Returns the target that a size given for both exams makes."""
    return Match({"id": MEASURE, "category": _GROWTH[growth]}, start, end)


class Reading:
    """A sequence of words, the rules that act in it, and what it says.

    It holds stems that rules know and no other word, so that it may be kept for the next report that says the same.
    """

    __slots__ = ("_findings", "clauses", "modifiers", "subject", "targets", "words")

    def __init__(self, words, targets, modifiers, language):
        """Takes the stems, the matches in order, and the language's `clauses.Clauses`."""
        self.words, self.targets, self.modifiers = words, targets, modifiers
        # "New lesion: none" is one clause.
        answers = {match.start for match in modifiers if words[match.start] == ":"}
        changes = [target.start for target in targets if target.category in KINDS]
        self.clauses = language.split(words, changes, answers)
        self.subject = _subject(targets)
        self._findings = {}

    def within(self, begin, end):
        """Returns the targets from word `begin` to word `end`."""
        return [target for target in self.targets if begin <= target.start < end]

    def acting(self):
        """Returns the matches that act: targets, and modifiers that modify one or end a scope."""
        acting = set(self.targets)
        for begin, end in self.clauses:
            inside = [match for match in self.modifiers if begin <= match.start < end]
            acting |= {match for match in inside if match.category == "TERMINATE"}
            for target in self.within(begin, end):
                acting |= set(clauses.modifying(target, inside))
        return sorted(acting, key=lambda match: match.start)

    def findings(self, language, before):
        """Returns the findings, with words for characters.

        Args:
            language: `clauses.Clauses`.
            before: what the sentence before is about (`subject` of its reading), which "it" refers to, or None.
        """
        refers = before if any(target.category == "ANAPHOR" for target in self.targets) else None
        key = refers.rule["id"] if refers else None
        if key not in self._findings:
            self._findings[key] = list(self._judged(language, refers))
        return self._findings[key]

    def belittles(self, referring):
        """Whether it only says that the change in the sentence before is none: "this is within measurement error".

        Args:
            referring: stems that begin a sentence on the one before.
        """
        return (
            any(match.category == "NEGLIGIBLE" for match in self.modifiers)
            and all(target.category in _EMPTY for target in self.targets)
            and (self.words[0] in referring or any(target.category == "CHANGE" for target in self.targets))
        )

    def _judged(self, language, before):
        last = None
        # "Pseudoprogression or growth, indeterminate" doubts the cause and not the change.
        cause = any(target.category == "PSEUDO" for target in self.targets)
        belittling = self._belittling()
        for begin, end in self.clauses:
            targets = self.within(begin, end)
            modifiers = [match for match in self.modifiers if begin <= match.start < end]
            if last is None and before and any(target.category == "ANAPHOR" for target in targets):
                last = before
            spoken = [target for target in targets if target.category in KINDS and target.rule["id"] != MEASURE]
            for change in spoken or [target for target in targets if target.category in KINDS]:
                kind, certainty, acting = _judge(change, [*clauses.modifying(change, modifiers), *belittling])
                if not kind or (kind == INDETERMINATE and cause):
                    continue
                span, clause = (change.start, change.end), (begin, end)
                for target in _spoken_of(change, language.attach(self.words, change, targets, last)):
                    component = _COMPONENTS[target.category] if target else GLOBAL
                    rules = (change.rule["id"], *acting, *([target.rule["id"]] if target else []))
                    yield Finding(kind, component, certainty, rules, span, clause)
            last = _subject(targets) or last

    def _belittling(self):
        """Returns the NEGLIGIBLE modifiers of clauses without a change of their own: they govern the sentence."""
        found = [match for match in self.modifiers if match.category == "NEGLIGIBLE"]
        if not found:
            return []
        own = [clause for clause in self.clauses if any(target.category in KINDS for target in self.within(*clause))]
        return [match for match in found if not any(begin <= match.start < end for begin, end in own)]


def _spoken_of(change, components):
    """Returns of the components of a change those that tell of a tumour, None for the whole."""
    for target in components:
        if target is None:
            if change.category != "NEW":
                yield None
        elif target.category not in ("OTHER", "AWAY"):
            yield target
        # What invades a place is the tumour.
        elif change.rule.get("invades") and target.rule.get("place"):
            yield None


def _judge(change, modifiers):
    """Returns (kind, certainty, ids of the modifiers); no kind where something takes the force."""
    categories = {modifier.category: modifier for modifier in modifiers}
    acting = tuple(sorted({modifier.rule["id"] for modifier in modifiers}))
    kind = KINDS[change.category]
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
