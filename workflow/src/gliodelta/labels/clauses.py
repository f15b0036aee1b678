"""Where clauses begin, what a modifier governs, and what a word of change speaks of."""

import itertools
import re

COMPONENTS = ("T2", "T1C", "MASS", "OTHER", "AWAY")
CHANGES = ("PROGRESSION", "NEW", "RESPONSE", "STABLE", "CHANGE", "INDETERMINATE")
_TOKEN = re.compile(r"\w+|[^\w\s]")


class Clauses:
    """The words of a language that begin clauses and tie nouns together."""

    def __init__(self, boundaries, stem):
        """Takes the rules' lists of words by role, and the function that stems a word."""
        self._roles = {
            role: {tuple(stem(word) for word in _TOKEN.findall(phrase)) for phrase in phrases}
            for role, phrases in boundaries.items()
        }
        self._sizes = {role: sorted({len(phrase) for phrase in phrases}) for role, phrases in self._roles.items()}
        self._single = {role: {phrase[0] for phrase in phrases} for role, phrases in self._roles.items()}
        self.words = frozenset(word for phrases in self._roles.values() for phrase in phrases for word in phrase)

    def split(self, words, changes, answers=()):
        """Returns the clauses of a sentence, (first, after last) word of each.

        Args:
            words: stems.
            changes: places of the words of change. A comma or "and" begins a clause only where both sides hold one.
            answers: places where a rule answers what stands before (": none"), so that no clause begins.
        """
        strong = [place for place in self._places("strong", words) if place not in answers]
        if len(changes) < 2:
            return list(itertools.pairwise([0, *strong, len(words)])) if words else []
        weak = [place for place in self._places("weak", words) if not self._continues(words, place, strong)]
        starts, begin = {0, *strong}, 0
        for place, following in itertools.pairwise([*sorted({*strong, *weak}), len(words)]):
            both = any(begin <= i < place for i in changes) and any(place < i < following for i in changes)
            if place in starts or both:
                starts.add(place)
                begin = place
        return list(itertools.pairwise([*sorted(starts), len(words)])) if words else []

    def _places(self, role, words):
        phrases, first = self._roles[role], self._single[role]
        if first.isdisjoint(words):
            return []
        return [
            place
            for place in range(1, len(words))
            if words[place] in first
            and any(tuple(words[place : place + size]) in phrases for size in self._sizes[role])
        ]

    def _continues(self, words, place, strong):
        """Whether a comma or "and" goes on with a list: a continuing word follows or, after a comma, ends it."""
        if words[place + 1 : place + 2] and words[place + 1] in self._single["continuing"]:
            return True
        end = min((other for other in strong if other > place), default=len(words))
        return words[place] == "," and not self._single["alternatives"].isdisjoint(words[place:end])

    def attach(self, words, change, targets, last):
        """Returns the components that a word of change speaks of, [None] for the whole.

        Args:
            words: stems of the sentence.
            change: the word of change.
            targets: the targets of its clause.
            last: what the sentence spoke of before, for a clause that names nothing, or None.
        """
        components = [target for target in targets if target.category in COMPONENTS]
        if not components:
            return [last if _elliptic(change, targets) else None]
        heads = [
            target
            for target, before in zip(components, [None, *components], strict=False)
            if self._heads(words, before, target, targets)
        ]
        nearest = min(heads, key=lambda target: (_gap(target, change), target.start))
        others = [target for target in targets if target.category in CHANGES and target != change]
        chosen = {nearest.category: nearest}
        for target in heads:
            tied = target.category == nearest.category or self._tied(words, target, nearest)
            nearer = any(_gap(target, other) < _gap(target, change) for other in others)
            if target.end <= change.start < nearest.start and not self._single["places"].isdisjoint(
                words[target.end : change.start]
            ):
                continue  # "no enhancement within the stable lesion"
            if not nearer and (tied or nearest.category != "OTHER"):
                chosen.setdefault(target.category, target)
        return [
            target
            for target in chosen.values()
            if target.category not in ("T2", "MASS") or not self._is_away(words, change, target, components)
        ]

    def _heads(self, words, before, target, targets):
        """Whether a component is a thing of its own, and no complement of the one before it ("edema of the lesion")."""
        if before is None or before.end > target.start:
            return True
        changes = [other for other in targets if other.category in CHANGES and before.end <= other.start < target.start]
        # In "no enhancement within the stable lesion" the word of change belongs to what follows it.
        between = words[changes[-1].end if changes else before.end : target.start]
        if not self._single["places"].isdisjoint(between):
            return False
        if changes:
            return True
        if not self._single["weak"].isdisjoint(between) or not self._single["alternatives"].isdisjoint(between):
            return True
        # "The lesion, hyperintense on T2": the tumour's signal, not its place.
        return before.category == "MASS" and target.category != "OTHER"

    def _is_away(self, words, change, target, components):
        """Whether a signal or lesion that changed is no tumour's: vascular, of a seizure, of a bleeding."""
        away = [other for other in components if other.category == "AWAY"]
        if change.category != "STABLE":
            return any(
                self._single["without"].isdisjoint(words[max(0, other.start - 4) : other.start]) for other in away
            )
        return any(
            self._single["weak"].isdisjoint(words[min(other.end, target.end) : max(other.start, target.start)])
            for other in away
        )

    def _tied(self, words, one, other):
        """Whether "and" or "or" joins two components."""
        between = words[min(one.end, other.end) : max(one.start, other.start)]
        return not self._single["joining"].isdisjoint(between)


def modifying(target, modifiers):
    """Returns the modifiers of a clause that govern a target.

    A scope runs to the end of the clause or to a TERMINATE rule, and no further than `max_scope` words.
    """
    ends = [modifier for modifier in modifiers if modifier.category == "TERMINATE"]
    found = []
    for modifier in modifiers:
        if modifier.category == "TERMINATE" or target.category in modifier.rule.get("not_for", ()):
            continue
        direction, reach = modifier.rule["direction"], modifier.rule.get("max_scope", 1000)
        if modifier.end <= target.start:
            fits, low, high = direction != "BACKWARD", modifier.end, target.start
        else:
            fits, low, high = direction != "FORWARD" and modifier.start >= target.end, target.end, modifier.start
        if fits and high - low < reach and not any(low <= end.start < high for end in ends):
            found.append(modifier)
    return found


def _elliptic(change, targets):
    """Whether a clause goes on with what the sentence spoke of before: it says "it", or names nothing of its own."""
    if any(target.category == "ANAPHOR" for target in targets):
        return True
    whole = any(target.category == "WHOLE" for target in targets)
    return not whole and not change.rule.get("disease")


def _gap(one, other):
    return max(one.start - other.end, other.start - one.end)
