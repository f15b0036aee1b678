"""Which earlier exam a report compares with, and which of its statements tell of another time."""

import datetime
import functools
import itertools
import re

from gliodelta.labels import text as texts
from gliodelta.labels.dates import COMPARING, find
from gliodelta.labels.letters import words
from gliodelta.sheets import day_of_session as _day_of_session
from gliodelta.status import Excluded

# Each exam is asked for many times.
day_of_session = functools.lru_cache(maxsize=10_000)(_day_of_session)

_STUDY = r"(?:examens?|irm|controles?|bilans?|imageries?|comparatifs?|etudes?|cliches?|images)"
# "Antérieur" alone is a direction of the anatomy.
_PREVIOUS = re.compile(
    rf"\b{_STUDY} (?:\w+ ){{0,2}}(?:precedent|anterieur|dernier)|(?:precedent|anterieur|dernier"
    rf"|derniere)e?s? {_STUDY}\b"
    r"|\b(?:au|aux|du|le|la|celui|vs|versus) (?:\w+ ){0,1}(?:precedente?s?|comparatifs?)\b|precedemment"
    r"|anterieurement|comparativement"
    r"|auparavant|\bil y a \w+ (?:mois|semaines|ans?)\b|\bimages anterieures|\b(?:rapport"
    r"|compar\w+) (?:\w+ ){1,3}(?:anterieur|precedent)"
    r"|\bprior\b|\bprevious|\bpreceding|\b(?:last|latest|earlier|older) (?:examination|exam|mri|study|scan|imaging"
    r"|time)|\binterval\b"
    r"|\w+ months? (?:ago|earlier)\b|\bas before\b"
)
_BEFORE = re.compile(r"precedent|anterieur|dernier|\bprior|\bprevious|\blast\b|\bavailable\b|\bdisponible")
_EXAM = r"(?:(?:examen|irm|imagerie|bilan|mri|mr|imaging|exam|examination|study|studies|scan|scans|image|images) ?)"
_NO_PRIOR = re.compile(
    rf"\b(?:pas d[e']|aucune?|absence d[e']|sans) ?{_EXAM}?(?:cerebrale? )?"
    r"(?:anterieure?s?|precedente?s?|comparati[fv]e?s?|comparaisons?|prealable)"
    r"|\bcomparaison (?:im|non )possible|\bpremiere? (?:irm|examen)|\b(?:bilan|examen) initial\b"
    rf"|\b(?:no|without|lacking|absence of) (?:relevant |available |mri |mr )?(?:prior|previous|earlier|older"
    rf"|comparison|old)\b"
    rf"|\bno {_EXAM}(?:for comparison|to compare)|\bnothing to compare|\bnone available|\bfirst (?:mri|scan|study)\b"
    r"|\bbaseline (?:exam|mri|study|scan)\b"
)
# Without one of these words the long pattern above cannot match.
_EARLIER = re.compile(
    r"\b(?:anterieur|preceden|compar|preal|premier|initial|prior|previous|earlier|old|none\b|first|baseline|nothing)"
)
# "No enhancement" after "Compared to the last MRI, ..." says nothing on exams.
_NONE = re.compile(r"^(?:none|nil|neant|n/a)\b|^(?:no|aucune?|pas|0|-)\W*$")
_LATER = re.compile(
    r"\ba comparer\b|\bsera compare|\bcomparaison (?:\w+ ){0,2}(?:a faire|ulterieure|suivra)|\bto be compared"
    r"|\bwill be (?:compared|added)"
)
# An exam that was not looked at, or is to be looked at later.
_NOT_SEEN = re.compile(
    r"(?:n'est|n'etait|ne sont|n'etaient|n'ont|n'a) (?:malheureusement |actuellement )?pas (?:ete )?(?:disponible"
    r"|accessible|transmis|fourni"
    r"|importe|charge|recu|retrouve|pu etre|consultable)|\bnon (?:disponible|accessible|transmis|fourni|recu"
    r"|consultable)"
    r"|\bindisponible|\bmanquant"
    r"|\bnot (?:yet )?(?:been )?(?:available|accessible|provided|retrievable|retrieved|loaded|sent|received|looked"
    r"|seen|to hand|on file|reviewed)"
    r"|(?:n'est|n'etait|ne sont|ne nous est|ne nous sont|n'a|n'ont) pas (?:ete )?(?:parvenu|recu|a disposition)"
    r"|^(?:,[^,.;]*,)? ?(?:n'est|n'etait|is|was) (?:pas|not) (?:exploitable|interpretable|comparable|usable|diagnostic)"
    r"|\bunavailable|\binaccessible|\b(?:could|can) ?not be (?:loaded|retrieved|opened|obtained|imported|accessed"
    r"|found|reviewed)|\bwithout images"
)
_NOT_SEEN_SIGNS = ("pas ", "non ", "indisp", "manqu", "not ", "unav", "inacc", "without")
_OTHER_MODALITY = re.compile(
    r"\b(?:scanner|scanners|ct|tdm|tomodensitometrie|computed tomography|pet|tep|angiographie|cbct|scanographique)\b"
)
# A sentence without one of these first six letters matches none of `COMPARING`, `_EARLIER`, `_LATER`, `_PREVIOUS` and
# `_BEFORE`: ten times faster to see.
_SIGNS = (
    "compar comp rappor preced anteri dernie depuis superp contro versus vs dispos confro aupara relu relue relus"
    " relues w regard prior priors previo since relati interv read agains earlie review side last preala premie initia"
    " old older oldest none first baseli nothin il latest month months before availa dispon added"
)
_SIGNS = frozenset(_SIGNS.split())
_MRI = re.compile(r"\b(?:irm|irms|mri|mris|mr|rm|remnographie|imagerie par resonance|magnetic resonance)\b")
_BOTH = re.compile(r"\b(?:irm|mri|mr) (?:et|and|&|/) ?(?:au |du |le |the )?(?:ct|scanner|tdm|pet|tep)\b")
_SINCE = re.compile(
    r"(?:depuis|since|for|over|sur|par rapport [^,;]{0,20}|than|qu'|que) ?(?:le |la |l'|the )?(?:debut |fin |early "
    r"|late )?$"
)
# What precedes is looked at last: a pattern that begins with letters is many times faster.
_YEAR = re.compile(r"(?:19|20)(?<![\d./-]..)\d{2}(?![\d./-]\d)")
_FROM = re.compile(r"\b(?:entre|between|de|d'|from) ?(?:le |la |l'|the )?$")
_TO = re.compile(r"^ ?(?:et|and|a|to|until|till|jusqu'en|jusqu'a|-) ?(?:le |la |l'|the )?$")


def compared_session(sentences, session, exams, zero, order="DMY", tolerance_days=3):
    """Finds the exam that a report compares with.

    Args:
        sentences: list of `text.Sentence` of the report.
        session: the report's own exam.
        exams: the patient's known sessions.
        zero: ordinal of day 0 (`dates.day_zero`), or None.
        order: order of digits in dates.
        tolerance_days: days by which a named date may miss an exam's.

    Returns:
        (session of the prior exam, whether it was inferred from "previous exam" without a date).

    Raises:
        Excluded: no comparison, one with another modality, or one with an exam that is not known.
    """
    own = zero + day_of_session(session) if zero is not None else None
    latest = datetime.date.fromordinal(own) if own is not None else None
    named, other_modality, undated, none = _comparisons(sentences, order, latest)
    earlier = sorted((exam for exam in exams if day_of_session(exam) < day_of_session(session)), key=day_of_session)
    if named and zero is None:
        raise Excluded("the report compares by date but no report of the patient gives the date of its own exam")
    matched = {match for date in named if (match := _match_either(date, earlier, zero, tolerance_days))}
    if matched:
        return max(matched, key=day_of_session), False
    previous = any(_names_previous(*sentence) for sentence in undated)
    if own is not None and not none and not previous:
        told = {match for date in _told(sentences, order, latest) if (match := match_exam(date, earlier, zero, 0))}
        if told:
            return max(told, key=day_of_session), False
    if any(date.day is None or date.exact().toordinal() < own - tolerance_days for date in named):
        raise Excluded("the date that the report compares with is no known exam of the patient")
    if any(date.exact().toordinal() > own + tolerance_days for date in named):
        raise Excluded("the report compares with a date after its own exam; correct the date or the exam's session")
    if other_modality:
        raise Excluded("the report compares with another modality than MRI")
    if none or not previous:
        raise Excluded("the report names no earlier exam that it compares with")
    if not earlier:
        raise Excluded("the report compares with a previous exam but none is known")
    return earlier[-1], True


def _comparisons(sentences, order, latest):
    """Returns the MRI dates compared with, whether another modality is, undated ones, and whether expressly none.

    The undated ones are pairs of a sentence and whether its section is that of the comparison.
    """
    named, other_modality, undated, none = [], False, [], False
    signs = [word for word in set(words(" ".join([sentence.spelt for sentence in sentences]))) if word[:6] in _SIGNS]
    for sentence in sentences:
        folded = sentence.spelt
        in_section = sentence.section == texts.COMPARISON
        if sentence.section in (texts.INDICATION, texts.TECHNIQUE):
            continue
        signed = any(sign in folded for sign in signs)
        if not (in_section or signed):
            continue
        if signed and _EARLIER.search(folded):
            none |= bool(_NO_PRIOR.search(folded))
        none |= bool(in_section and _NONE.search(folded))
        comparing = signed and COMPARING.search(folded)
        if not (in_section or comparing) or (signed and _LATER.search(folded)):
            continue
        begin = comparing.start() if sentence.section == texts.HEADER and comparing else 0
        dates = [date for date in find(folded, order, latest) if date.start >= begin]
        seen = list(_seen(folded, dates))
        named += [date for date, is_mri in seen if is_mri]
        other_modality |= any(not is_mri for _, is_mri in seen)
        if not dates:
            other = bool(_OTHER_MODALITY.search(folded) and not _MRI.search(folded))
            other_modality |= other
            if signed and not other:
                undated.append((folded, in_section))
    return named, other_modality, undated, none


def _seen(folded, dates):
    """Yields the dates of exams that a sentence compares with, and whether they are of MRI."""
    full = any(date.day for date in dates)
    for place, date in enumerate(dates):
        ahead = folded[dates[place - 1].end if place else 0 : date.start]
        behind = folded[date.end : dates[place + 1].start if place + 1 < len(dates) else None]
        if not _was_not_seen(behind) and (date.day or not full):
            yield date, _is_mri(ahead, behind)


def _told(sentences, order, latest):
    """Returns the days that a report names outside indication and technique, as in "31 mm (05.05.2020: 22 mm)"."""
    told = [s for s in sentences if s.section not in (texts.INDICATION, texts.TECHNIQUE)]
    return [
        date
        for sentence in told
        for date, is_mri in _seen(sentence.folded, find(sentence.folded, order, latest))
        if is_mri and date.day
    ]


def _names_previous(folded, in_section):
    """Whether a sentence speaks of an earlier exam that was looked at."""
    named = _PREVIOUS.search(folded) or (in_section and _BEFORE.search(folded))
    return bool(named) and not _was_not_seen(folded)


def _was_not_seen(folded):
    """Whether some words say that an exam was not, or not yet, looked at."""
    return any(sign in folded for sign in _NOT_SEEN_SIGNS) and bool(_NOT_SEEN.search(folded))


def _is_mri(ahead, behind):
    """Whether the words around a date speak of MRI: the modality named last before it counts; none is MRI."""
    if _OTHER_MODALITY.match(behind.lstrip(" (")[:12]) and not _MRI.search(ahead):
        return False
    others, mris = list(_OTHER_MODALITY.finditer(ahead)), list(_MRI.finditer(ahead))
    return not others or bool(_BOTH.search(ahead)) or bool(mris and mris[-1].start() > others[-1].start())


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


def _match_either(date, earlier, zero, tolerance_days):
    """Returns what `match_exam` does, else the exam on the very day that "04/09/2021" is with the month first."""
    match = match_exam(date, earlier, zero, tolerance_days)
    return match or (match_exam(date.swapped(), earlier, zero, 0) if date.either else None)


def other_time(folded, lasting, prior, current, order="DMY", tolerance_days=3):
    """Whether a clause tells of another time than from the prior to the current exam.

    Args:
        folded: text of the clause after `text.fold`.
        lasting: whether it says that nothing changed: stable since an older exam is stable since the prior, too.
        prior: datetime.date of the prior exam.
        current: datetime.date of the report's exam.
        order: order of digits in dates.
        tolerance_days: days by which a named date may miss an exam's.
    """
    dates = find(folded, order, current)
    spans = [(date.start, date.end) for date in dates]
    years = [m for m in _YEAR.finditer(folded) if not any(start <= m.start() < end for start, end in spans)]
    if not dates and not years:
        return False
    of_prior = [date for date in dates if _is_of(date, prior, tolerance_days)]
    of_current = [date for date in dates if _is_of(date, current, tolerance_days)]
    times = sorted([(*span, date in of_current) for span, date in zip(spans, dates, strict=True)])
    times = sorted([*times, *((*m.span(), m.group() == str(current.year)) for m in years)])
    for (start, end, _), (following, _, is_current) in itertools.pairwise(times):
        if _FROM.search(folded[:start]) and _TO.search(folded[end:following]) and not is_current:
            return True
    if of_prior:
        return False
    older = [date.start for date in dates if date not in of_current and date.last() < current]
    older += [m.start() for m in years if int(m.group()) < prior.year]
    return bool(older) and not (lasting and all(_SINCE.search(folded[:start]) for start in older))


def _is_of(date, exam, tolerance_days):
    if date.day is None:
        return (date.year, date.month) == (exam.year, exam.month)
    return abs((date.exact() - exam).days) <= tolerance_days


def _month(exam, zero):
    date = datetime.date.fromordinal(day_of_session(exam) + zero)
    return date.year, date.month
