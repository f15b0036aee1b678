"""The dates in a report's words, and the date of its own exam."""

import datetime
import re
from collections import Counter
from dataclasses import dataclass

from gliodelta.labels import numerals
from gliodelta.labels import text as texts
from gliodelta.labels.letters import plain_words
from gliodelta.sheets import day_of_session, is_date

_MONTHS = [
    "jan janv janvier january", "feb fev fevr fevrier february", "mar mars march", "apr avr avril april", "may mai",
    "jun juin june", "jul juil juillet july", "aug aout august", "sep sept septembre september",
    "oct octobre october", "nov novembre november", "dec decembre december",
]  # fmt: skip
_MONTH_NUMBER = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split()}
_MONTH_SIGNS = frozenset(name[:3] for name in _MONTH_NUMBER)
_NAMES = "|".join(sorted(_MONTH_NUMBER, key=len, reverse=True))
_MONTH = f"(?P<{{}}>{_NAMES})" + r"\.?"
# On folded text: lower case, no accents.
_FORMS = [
    re.compile(r"(?<![\d.])(?P<y>(?:19|20)\d{2})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?![\d])"),
    re.compile(r"(?<![\d.])(?P<a>\d{1,2})(?P<sep>[./-]|\. )(?P<b>\d{1,2})(?P=sep)(?P<y>(?:19|20)\d{2}|\d{2})(?!\d)"),
    re.compile(rf"\b(?P<d>\d{{1,2}})(?:er|st|nd|rd|th)?[ .-]{_MONTH.format('n')}[ ,.-]+(?P<y>(?:19|20)\d{{2}})\b"),
    # In words; a year of digits is read, too.
    re.compile(
        rf"\b(?P<dw>{numerals.pattern(numerals.DAYS)}) (?:of )?{_MONTH.format('n')}"
        rf"(?:,? (?P<yw>{numerals.pattern(numerals.YEARS)})\b| (?P<y>(?:19|20)\d{{2}})\b|\b)"
    ),
    re.compile(
        rf"\b{_MONTH.format('n')} (?:the )?(?P<dw>{numerals.pattern(numerals.DAYS)})"
        rf"(?:,? (?P<yw>{numerals.pattern(numerals.YEARS)})\b|,? (?P<y>(?:19|20)\d{{2}})\b|\b)"
    ),
    # A year of two digits, and no size: "12 mars 21", "08-MAY-18".
    re.compile(
        rf"\b(?P<d>\d{{1,2}})(?:er|st|nd|rd|th)?[ .-]{_MONTH.format('n')}[ -]'?(?P<y>[0-4]\d)"
        r"(?![\w/:]|[.,]\d| ?(?:mm|cm|ml|x|h)\b)"
    ),
    re.compile(rf"\b{_MONTH.format('n')} (?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y>(?:19|20)\d{{2}})\b"),
    re.compile(rf"\b{_MONTH.format('n')} (?P<y>(?:19|20)\d{{2}})\b"),
    re.compile(r"(?<![\d./-])(?P<m>0?[1-9]|1[0-2])[./](?P<y>(?:19|20)\d{2})(?!\d)"),
    re.compile(
        r"(?<![\d.])(?P<d>\d{1,2})[./-] ?(?P<roman>i{1,3}|i?[vx]|vi{1,3}|xi{1,2})[./-] ?(?P<y>(?:19|20)\d{2})\b"
    ),
    # Without a year: digits need a word before them or a full date behind, since 12.04 may be a size.
    re.compile(
        r"(?:\b(?:le|du|au|des|of|on|dated|irm|mri|exam|examen|controle) |\()(?P<d>\d{2})[./](?P<m>0[1-9]|1[0-2])"
        r"(?![\d./-]|,\d| ?(?:mm|cm|ml|cc|x|%|h)\b)"
    ),
    re.compile(
        r"(?<![\d./-])(?P<d>\d{1,2})[./](?P<m>0?[1-9]|1[0-2])\.?"
        r"(?= ?(?:et|and|&|,)(?: du| of)? ?\d{1,2}[./]\d{1,2}[./]\d{2})"
    ),
    # Without a year. "May" and "mars" alone are other words, too, so that a month needs a word before it.
    re.compile(rf"\b(?P<d>\d{{1,2}})(?:er|st|nd|rd|th)?[ .-](?:of )?{_MONTH.format('n')}(?!\w)"),
    re.compile(rf"\b{_MONTH.format('n')} (?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?![\w.,]*\d| ?(?:mm|cm|x|ml)\b)(?!\w)"),
    re.compile(
        r"\b(?:en|de|d'|depuis|entre|et|au|debut|fin|mi-|mois|in|since|of|from|between|and|early|late|mid|last|the"
        r"|than)[ -]?"
        rf"(?:mois de |early |late )?{_MONTH.format('n')}(?!\w)(?! (?:be|represent|reflect|correspond|well|also"
        rf"|not)\b)"
    ),
]

_ROMANS = "i ii iii iv v vi vii viii ix x xi xii"
_ROMAN = {roman: month for month, roman in enumerate(_ROMANS.split(), start=1)}
_EITHER = _FORMS[1]
_NUMERIC = frozenset(form for form in _FORMS if "n" not in form.groupindex)
_STUCK = _FORMS[-1]  # a month may stick to the word before it: "enmars"
# A text without any of these holds no date but one with the name of a month.
_DIGITS = re.compile(r"\d(?:\d{3}|\d?[./-] ?\d{1,2}[./-] ?\d|\d[./]\d\d(?!\d| ?[cm]))")
COMPARING = re.compile(
    r"\b(?:compar|comp\b|par rapport|preceden|precedem|anterieur|derni(?:er|ere) (?:examen|controle|irm|bilan)"
    rf"|depuis (?:le|la|l'|\d|mois|{_NAMES})|superposable|controle d|versus\b|vs\b|dispose|confront|auparavant|relu"
    rf"|en regard de"
    r"|c/w\b|prior\b|previous|preceding|last (?:examination|exam|mri|study|scan)|since\b|relative to\b|interval\b"
    r"|read against|against (?:the|that|\d)|earlier (?:exam|mri|scan|study)|reviewed (?:with|alongside)|side by side)"
)
_OWN = re.compile(
    r"\b(?:date (?:de l')?examen|date of (?:the )?(?:exam|study|examination|scan)"
    r"|(?:exam|examination|study|scan) date|date"
    r"|examen du|effectuee? le|realisee? le|performed on)\s*:?\s*(?:le )?$"
)


@dataclass(frozen=True)
class Date:
    """A date written at ``text[start:end]``; `day` is None where only the month is given.

    `either` says that digits leave open which number is the month.
    """

    start: int
    end: int
    year: int
    month: int
    day: int | None
    either: bool = False

    def exact(self):
        """Returns the datetime.date, or None for a month."""
        return datetime.date(self.year, self.month, self.day) if self.day else None

    def swapped(self):
        """Returns the date with day and month exchanged."""
        return Date(self.start, self.end, self.year, self.day, self.month)

    def last(self):
        """Returns the last datetime.date that this may be."""
        return self.exact() or datetime.date(self.year, self.month, 28)


def find(folded, order="DMY", latest=None):
    """Finds the dates of a text.

    Args:
        folded: text after `text.fold`.
        order: order of day, month and year in all-digit dates, "DMY", "MDY" or "YMD" (ISO dates are always read).
        latest: datetime.date that a date without a year does not pass ("le 15 janvier"); None leaves such dates out. In
            "15 January and 16 April 2019" it does not pass the date that follows.

    Returns:
        list of `Date`, in the order of the text, none overlapping.
    """
    named = any(sign in folded for sign in _MONTH_SIGNS) and not _MONTH_NUMBER.keys().isdisjoint(plain_words(folded))
    numbers = _DIGITS.search(folded)
    if not named and not numbers:
        return []
    found = []
    for form in _FORMS:
        if not (numbers if form in _NUMERIC else named or form is _STUCK):
            continue
        for match in form.finditer(folded):
            part = _in_digits(match.groupdict())
            start = min(match.start(name) for name in match.groupdict() if match[name])
            if any(start < other.end and other.start < match.end() for other in found):
                continue
            last = latest
            if "y" not in part and latest:
                following = [date for date in found if match.end() <= date.start <= match.end() + 30]
                last = min(following, key=lambda date: date.start).last() if following else latest
            date = _date(start, match.end(), part, order, last)
            if date:
                found.append(date)
    return sorted(found, key=lambda date: date.start)


def _in_digits(part):
    """Returns the parts of a date, those in words as digits; without a year where none is given."""
    if "dw" not in part:
        return part
    digits = {"n": part["n"], "d": numerals.DAYS[part["dw"].replace("-", " ")]}
    year = part["y"] or (part["yw"] and numerals.YEARS[part["yw"].replace("-", " ")])
    return digits | ({"y": year} if year else {})


def _date(start, end, part, order, latest):
    either = False
    if "a" in part:
        day, month = (int(part["b"]), int(part["a"])) if order == "MDY" else (int(part["a"]), int(part["b"]))
        if month > 12 >= day:
            day, month = month, day
        either = day <= 12
    elif "roman" in part:
        day, month = int(part["d"]), _ROMAN[part["roman"]]
    else:
        month = _MONTH_NUMBER[part["n"]] if "n" in part else int(part["m"])
        day = int(part["d"]) if part.get("d") else None
    try:
        if "y" in part:
            year = int(part["y"])
            year += 2000 if year < 100 else 0
        elif latest:
            year = latest.year - (datetime.date(latest.year, month, day or 1) > latest)
        else:
            return None
        datetime.date(year, month, day or 1)
    except ValueError:
        return None
    return Date(start, end, year, month, day, either)


def order_shown(text):
    """Returns the order of day and month that the all-digit dates of a report show ("DMY", "MDY"), or None."""
    shown = {
        "DMY" if int(match["a"]) > 12 else "MDY"
        for match in _EITHER.finditer(text)
        if max(int(match["a"]), int(match["b"])) > 12
    }
    return shown.pop() if len(shown) == 1 else None


def own_date(sentences, order="DMY"):
    """Returns the calendar date of the report's own exam, or None.

    It is the first full date that a phrase such as "examen du" precedes, else the first of the header, outside
    sentences that compare.
    """
    first = None
    for sentence in sentences:
        if sentence.section != texts.HEADER:
            continue
        folded = sentence.folded
        compares = COMPARING.search(folded)
        for date in find(folded, order):
            if date.day is None or (compares and date.start > compares.start()):
                continue
            if _OWN.search(folded[: date.start]):
                return date.exact()
            first = first or date.exact()
    return first


def day_zero(sessions_and_dates):
    """Returns the ordinal of the patient's day 0: what most of the patient's reports agree on, or None.

    Args:
        sessions_and_dates: (session, own date or None) of each report of the patient. One mistyped date among several
            reports is thereby outvoted, and a report without its own date still has a scale.
    """
    zeros = Counter(
        0 if is_date(session) else date.toordinal() - day_of_session(session)
        for session, date in sessions_and_dates
        if is_date(session) or date
    )
    return min(zeros, key=lambda zero: (-zeros[zero], zero)) if zeros else None
