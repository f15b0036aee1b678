"""The guard: takes what names a person out of a report before anything else reads it.

A guard, not anonymisation: names without a title, nicknames and places pass. This stage is safe because its outputs
hold no text at all; the guard keeps the rules from seeing more than they need, and birth dates from being taken for
dates of exams.
"""

import re

from gliodelta.labels.letters import fold, plain_words

_NAME = r"[A-ZÀ-ÖØ-Þ][\w'’-]+"
_NAMES = rf"(?:(?:{_NAME}|[A-Z]\.|de|von|van|di|da)[ ,]*){{0,4}}{_NAME}"
_TITLES = (
    r"M\.|(?:Mr|Mme|Mlle|Mrs|Ms|Dr|Dre|Dresse|Pr|Prof)\b\.?"
    r"|Monsieur|Madame|Mademoiselle|Docteure?|Professeure?|Doctor|Professor"
)
_DATE = r"(?:\d{1,2}[./ -]\d{1,2}[./ -]\d{2,4}|\d{4}-\d{2}-\d{2}|\d{1,2}(?:er)? \w+\.? \d{4}|\w+ \d{1,2}, \d{4})"
_NUMBERED = (
    r"IPP|NIP|MRN|PID|AVS|AHV|n°|no\.?|number|patient id|num[ée]ro|dossier|s[ée]jour"
    r"|t[ée]l\.?|t[ée]l[ée]phone|phone|fax"
)
_PERSONS = r"patiente?|nom|pr[ée]nom|name|surname|referring physician|m[ée]decin\w*|signed by|sign[ée] par"

LONGEST_ANNOUNCEMENT = 20  # letters of the longest of these words, with its colon and spaces

# Each pattern hides its group `who`, or the whole match.
PATTERNS = {
    "titled name": re.compile(rf"(?<!\w)(?:{_TITLES})[ \t]+(?P<who>{_NAMES})"),
    "labelled name": re.compile(rf"(?im:^[ \t]*(?:{_PERSONS})(?: name)?[ \t]*:[ \t]*)(?P<who>{_NAMES})"),
    "birth date": re.compile(
        rf"(?i:\bn[ée](?:\(e\)|e)?[ \t]+le|\bdate de naissance|\bDDN|\bDOB|\bborn(?: on)?|\bdate of birth)"
        rf"[ \t]*:?[ \t]*(?P<who>{_DATE})"
    ),
    "insurance number": re.compile(r"\b756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}\b"),
    "e-mail": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    # Nine digits at least and a leading + or 0, so that dates and sizes in mm are left alone; not "01/09/2021 (1 sept".
    "phone number": re.compile(
        r"[+0](?<![\w.].)(?!\d?[./-]\d{1,2}[./-](?:19|20)?\d\d(?![./-]?\d))0?\d(?:[ ./()-]{0,2}\d){7,12}(?!\w)"
    ),
}

# What a folded text must hold one of for a pattern to be worth trying: words after `letters.plain_words`, and strings.
_TITLE_SIGNS = (
    "m mr mme mlle mrs ms dr dre dresse pr prof monsieur madame mademoiselle docteur docteure professeur professeure"
    " doctor professor"
)
_TITLE_SIGNS = frozenset(_TITLE_SIGNS.split())
_SIGNS = {
    "birth date": ("ne le", "nee le", "ne(e) le", "naissance", "ddn", "dob", "born", "birth"),
    "insurance number": ("756",),
    "e-mail": ("@",),
}
_NUMBERED_SIGNS = "ipp nip mrn pid avs ahv number id numero dossier sejour tel telephone phone fax"
_NUMBERED_SIGNS = frozenset(_NUMBERED_SIGNS.split())
# "No" is everywhere, but not before a number.
_NO = re.compile(r"[nN][oO]\.?[ \t]*[:#]?[ \t]*\d")
_NUMBER = re.compile(r"\d[\d. -]{3,}\d\b(?![./-]\d)")
_NUMBERED_AT_END = re.compile(rf"(?i:\b(?:{_NUMBERED}))[ \t]*[:#]?[ \t]*\Z")


def scrub(text):
    """Overwrites what names a person with underscores of the same length, so that character offsets hold.

    Args:
        text: a report, normalised.

    Returns:
        Text of the same length without titled or labelled names, birth dates, insurance, phone and hospital numbers and
        e-mail addresses.
    """
    folded = fold(text)
    words = frozenset(plain_words(folded))
    for name, pattern in PATTERNS.items():
        if name in _SIGNS and not any(sign in folded for sign in _SIGNS[name]):
            continue
        if name == "titled name" and _TITLE_SIGNS.isdisjoint(words):
            continue
        text = pattern.sub(_hide, text)
    if not _NUMBERED_SIGNS.isdisjoint(words) or "n°" in text or "N°" in text or ("no" in words and _NO.search(text)):
        text = _NUMBER.sub(_hide_numbered, text)
    return text


def _hide_numbered(match):
    """Hides the number of a person, a file or a telephone, which a word before it announces."""
    start = match.start()
    announced = _NUMBERED_AT_END.search(match.string, max(0, start - LONGEST_ANNOUNCEMENT), start)
    return "_" * len(match.group()) if announced else match.group()


def _hide(match):
    start, end = match.span("who" if "who" in match.re.groupindex else 0)
    start, end = start - match.start(), end - match.start()
    found = match.group()
    return found[:start] + "_" * (end - start) + found[end:]
