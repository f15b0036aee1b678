"""Sizes then and now: "46 x 35 mm contre 34 x 27 mm", "from 17 to 10 mm"."""

import math
import re
from dataclasses import dataclass

# Not ``\d{1,3}``: a pattern that begins with one letter or class is several times faster.
_NUMBER = r"\d\d{0,2}(?:[.,]\d{1,2})?"
_UNIT = r"(?:millimetres?|millimeters?|centimetres?|centimeters?|mm|cm|cc|ml|cm3|mm3)\b"
_SIZE = rf"{_NUMBER}(?: ?(?:{_UNIT})?)(?: ?[x*] ?{_NUMBER}(?: ?(?:{_UNIT})?)){{0,2}}"
_CONTRASTED = (
    r"(?:contre|comparateur|comparator|versus|vs|v|against|compared (?:to|with)|previously|formerly"
    r"|anciennement|auparavant|precedemment|anterieurement|(?:it )?was|etait|mesurait|down from|up from|from"
    r"|on l'avait mesuree a|initialement|par rapport a|was)[ :,]*"
)
_EARLIER = (
    r" (?:en|in|le|au|auparavant|precedemment|anterieurement|previously|before|on the prior"
    r"|(?:lors de|a|sur) l'(?:examen|irm) (?:precedent|anterieur)e?)"
)
# Each form of words, and what is quick to look for and must be there.
_FORMS = [
    (
        re.compile(
            rf"\b(?:de|from|went from|passe de|passant de|passee de)[ :]*(?P<then>{_SIZE})(?: \w+){{0,3}}"
            rf" (?:a|to)[ :]*(?P<now>{_SIZE})"
        ),
        re.compile(r" (?:a|to)[ :]*\d"),
    ),
    (
        re.compile(rf"(?P<now>{_SIZE})[ ,;(]+(?P<then>{_SIZE}){_EARLIER}"),
        re.compile(rf"[\dcelmrs]{_EARLIER}"),
    ),
    (
        re.compile(rf"(?P<now>{_SIZE})(?: \w+){{0,3}}[ ,;(]*{_CONTRASTED}(?P<then>{_SIZE})"),
        re.compile(rf"{_CONTRASTED}\d"),
    ),
]
# A sentence without a unit, or without a word for then, gives no two sizes.
_THEN = re.compile(
    r"\b(?:contre|comparat|versus|vs?\b|against|compared|previously|formerly|ancien|auparavant|precedem|anterieur|was\b|etait"
    r"|mesurait"
    r"|down|up from|from|mesuree|initial|par rapport|de \d|passe|before|on the prior|lors de|sur l'|(?:en|in|le"
    r"|au)\b)"
)
_UNITS = re.compile(r"mm|cm|ml|cc|metre|meter")
# Numbers, unlike that of "T2".
_NUMBERS = re.compile(r"\d(?<![a-z\d.,].)[\d.,]*")
_PART = re.compile(rf"({_NUMBER}) ?({_UNIT})?")
# Readers differ by about 2 mm and a tenth of a diameter (a quarter of an area is RANO's progression), and by a fifth
# of a volume.
LEAST_MM, LEAST_SHARE, LEAST_VOLUME = 3, 0.12, 0.2
_VOLUMES = ("ml", "cc", "cm3", "mm3")


@dataclass(frozen=True)
class Measure:
    """A size given for both exams at ``text[start:end]``; `growth` is 1 for larger, -1 for smaller, 0 for the same."""

    start: int
    end: int
    growth: int


def find(folded):
    """Finds the sizes that a sentence gives for both exams.

    Args:
        folded: text after `text.fold`.

    Returns:
        list of `Measure` in the order of the text.
    """
    found = []
    if len(_NUMBERS.findall(folded)) < 2 or not _UNITS.search(folded) or not _THEN.search(folded):
        return found
    for form, needed in _FORMS:
        for match in form.finditer(folded) if needed.search(folded) else ():
            growth = _growth(match["now"], match["then"])
            if growth is not None and not any(match.start() < m.end and m.start < match.end() for m in found):
                found.append(Measure(*match.span(), growth))
    return sorted(found, key=lambda measure: measure.start)


def _growth(now, then):
    """Returns the sign of a change beyond measurement error, or None where two numbers are no two sizes."""
    units = [unit for _, unit in _PART.findall(now) + _PART.findall(then) if unit]
    if not units:
        return None
    sizes = [_size(words, units[-1]) for words in (now, then)]
    if not all(sizes):
        return None
    change = sizes[0] - sizes[1]
    if units[-1] in _VOLUMES:
        small = abs(change) < LEAST_VOLUME * sizes[1]
    else:
        small = abs(change) < max(LEAST_MM, LEAST_SHARE * sizes[1])
    return 0 if small else (1 if change > 0 else -1)


def _size(words, unit):
    """Returns a volume, or the geometric mean of one or more diameters in mm."""
    parts = _PART.findall(words)
    values = [float(number.replace(",", ".")) for number, _ in parts]
    unit = next((written for _, written in parts if written), unit)
    return math.prod(values) ** (1 / len(values)) * (10 if unit.startswith("c") and unit not in _VOLUMES else 1)
