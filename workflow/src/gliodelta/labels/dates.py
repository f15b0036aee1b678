"""Which earlier exam a report compares with: dates in its words, matched to the patient's known exams."""

import datetime
import re
from collections import Counter
from dataclasses import dataclass

from gliodelta.labels import text as texts
from gliodelta.sheets import day_of_session, is_date
from gliodelta.status import Excluded

_MONTHS = [
    "jan janv janvier january", "feb fev fevr fevrier february", "mar mars march", "apr avr avril april", "may mai",
    "jun juin june", "jul juil juillet july", "aug aout august", "sep sept septembre september",
    "oct octobre october", "nov novembre november", "dec decembre december",
]  # fmt: skip
_MONTH_NUMBER = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split()}
_MONTH = "(?P<{}>" + "|".join(sorted(_MONTH_NUMBER, key=len, reverse=True)) + r")\.?"
# On folded text: lower case, no accents.
_FORMS = [
    re.compile(r"(?<![\d.])(?P<y>(?:19|20)\d{2})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?![\d])"),
    re.compile(r"(?<![\d.])(?P<a>\d{1,2})(?P<sep>[./-]|\. )(?P<b>\d{1,2})(?P=sep)(?P<y>(?:19|20)\d{2}|\d{2})(?!\d)"),
    re.compile(rf"\b(?P<d>\d{{1,2}})(?:er|st|nd|rd|th)?[ .-]{_MONTH.format('n')}[ ,.-]+(?P<y>(?:19|20)\d{{2}})\b"),
    re.compile(rf"\b{_MONTH.format('n')} (?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y>(?:19|20)\d{{2}})\b"),
    re.compile(rf"\b{_MONTH.format('n')} (?P<y>(?:19|20)\d{{2}})\b"),
    re.compile(r"(?<![\d./-])(?P<m>0?[1-9]|1[0-2])[./](?P<y>(?:19|20)\d{2})(?!\d)"),
]

COMPARING = re.compile(
    r"\bcompar|\bpar rapport|\bprecedent|\banterieur|\bdernier (?:examen|controle)|\bderniere irm|\bdepuis l"
    r"|\bsuperposable|\bcontrole du\b|\bprior\b|\bprevious|\blast (?:examination|exam|mri|study)|\bsince\b"
    r"|\brelative to\b|\bversus (?:le|l'|the)\b"
)
_PREVIOUS = re.compile(
    r"precedent|anterieur|dernier|comparatif|comparativement"
    r"|\bprior\b|\bprevious|\blast (?:examination|exam|mri|study)"
)
_NO_PRIOR = re.compile(
    r"\b(?:pas d[e']|aucune?|absence d[e']|sans) ?(?:examen |irm |imagerie )?"
    r"(?:anterieure?|precedente?|comparati[fv]e?|comparaison)"
    r"|\bcomparaison (?:im|non )possible|\bpremiere? (?:irm|examen)|\bno (?:prior|previous|comparison)|\bnot? available"
    r"|\bnone available|\bbaseline (?:exam|mri|study)|^(?:none|aucune?|neant|pas|n/a)\b"
)
_OTHER_MODALITY = re.compile(r"\b(?:scanner|ct|tdm|tomodensitometrie|pet|tep|angiographie)\b")
_MRI = re.compile(r"\b(?:irm|mri|mr|rm|imagerie par resonance|magnetic resonance)\b")
_OWN = re.compile(
    r"\b(?:date (?:de l')?examen|date of (?:the )?(?:exam|study|examination|scan)"
    r"|(?:exam|examination|study|scan) date|date"
    r"|examen du|effectuee? le|realisee? le|performed on)\s*:?\s*(?:le )?$"
)


@dataclass(frozen=True)
class Date:
    """A date written at ``text[start:end]``; `day` is None where only the month is given."""

    start: int
    end: int
    year: int
    month: int
    day: int | None

    def exact(self):
        """Returns the datetime.date, or None for a month."""
        return datetime.date(self.year, self.month, self.day) if self.day else None


def find(folded, order="DMY"):
    """Finds the dates of a text.

    Args:
        folded: text after `text.fold`.
        order: order of day, month and year in all-digit dates, "DMY", "MDY" or "YMD" (ISO dates are always read).

    Returns:
        list of `Date`, in the order of the text, none overlapping.
    """
    found = []
    for form in _FORMS:
        for match in form.finditer(folded):
            date = _date(match, order)
            if date and not any(date.start < other.end and other.start < date.end for other in found):
                found.append(date)
    return sorted(found, key=lambda date: date.start)


def _date(match, order):
    part = match.groupdict()
    year = int(part["y"])
    year += 2000 if year < 100 else 0
    if "a" in part:
        day, month = (int(part["b"]), int(part["a"])) if order == "MDY" else (int(part["a"]), int(part["b"]))
    else:
        month = _MONTH_NUMBER[part["n"]] if "n" in part else int(part["m"])
        day = int(part["d"]) if part.get("d") else None
    try:
        datetime.date(year, month, day or 1)
    except ValueError:
        return None
    return Date(*match.span(), year, month, day)


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


def compared_session(sentences, session, exams, zero, order="DMY", tolerance_days=3):
    """Finds the exam that a report compares with.

    Args:
        sentences: list of `text.Sentence` of the report.
        session: the report's own exam.
        exams: the patient's known sessions.
        zero: ordinal of day 0 (`day_zero`), or None.
        order: order of digits in dates.
        tolerance_days: days by which a named date may miss an exam's.

    Returns:
        (session of the prior exam, whether it was inferred from "previous exam" without a date).

    Raises:
        Excluded: no comparison, one with another modality, or one with an exam that is not known.
    """
    named, other_modality, previous = _comparisons(sentences, order)
    earlier = sorted((exam for exam in exams if day_of_session(exam) < day_of_session(session)), key=day_of_session)
    if named and zero is None:
        raise Excluded("the report compares by date but no report of the patient gives the date of its own exam")
    matched = {match for date in named if (match := match_exam(date, earlier, zero, tolerance_days))}
    if matched:
        return max(matched, key=day_of_session), False
    own = zero + day_of_session(session) if zero is not None else None
    if any(date.day is None or date.exact().toordinal() < own - tolerance_days for date in named):
        raise Excluded("the date that the report compares with is no known exam of the patient")
    if other_modality:
        raise Excluded("the report compares with another modality than MRI")
    if not previous:
        raise Excluded("the report names no earlier exam that it compares with")
    if not earlier:
        raise Excluded("the report compares with a previous exam but none is known")
    return earlier[-1], True


def _comparisons(sentences, order):
    """Returns the MRI dates compared with, whether another modality is, and whether "the previous exam" is."""
    named, other_modality, previous = [], False, False
    for sentence in sentences:
        folded = sentence.folded
        in_section = sentence.section == texts.COMPARISON
        if sentence.section in (texts.INDICATION, texts.TECHNIQUE) or not (in_section or COMPARING.search(folded)):
            continue
        if _NO_PRIOR.search(folded):
            continue
        begin = COMPARING.search(folded).start() if sentence.section == texts.HEADER else 0
        dates = [date for date in find(folded, order) if date.start >= begin]
        for before, date in zip([None, *dates], dates, strict=False):
            if _is_mri(folded[before.end if before else 0 : date.start]):
                named.append(date)
            else:
                other_modality = True
        if not dates:
            other = _OTHER_MODALITY.search(folded) and not _MRI.search(folded)
            other_modality |= bool(other)
            previous |= not other and bool(_PREVIOUS.search(folded))
    return named, other_modality, previous


def _is_mri(words):
    """Whether the words before a date speak of MRI: the modality named last counts, and MRI goes without saying."""
    others, mris = list(_OTHER_MODALITY.finditer(words)), list(_MRI.finditer(words))
    return not others or bool(mris and mris[-1].start() > others[-1].start())


def match_exam(date, earlier, zero, tolerance_days):
    """Returns the session of `earlier` that `date` names, or None.

    That is the exam of the very day, else the nearest within `tolerance_days`; for a month the only exam in it.
    """
    if date.day is None:
        months = [exam for exam in earlier if _month(exam, zero) == (date.year, date.month)]
        return months[0] if len(months) == 1 else None
    day = date.exact().toordinal() - zero
    near = sorted(earlier, key=lambda exam: (abs(day_of_session(exam) - day), -day_of_session(exam)))
    return near[0] if near and abs(day_of_session(near[0]) - day) <= tolerance_days else None


def _month(exam, zero):
    date = datetime.date.fromordinal(day_of_session(exam) + zero)
    return date.year, date.month
