"""From the bytes of a report to its language, sections and sentences."""

import functools
import re
import unicodedata
from dataclasses import dataclass

from gliodelta.status import Excluded

INDICATION, COMPARISON, TECHNIQUE = "indication", "comparison", "technique"
DESCRIPTION, CONCLUSION, HEADER = "description", "conclusion", "header"

_HEADINGS = {
    INDICATION: r"indications?(?: cliniques?)?|renseignements? cliniques?|ant[ée]c[ée]dents?|anamn[èe]se"
    r"|contexte(?: clinique)?|motif|clinique|question|history|clinical (?:history|information|details|indication)"
    r"|reason for (?:exam|study)",
    COMPARISON: r"comparaisons?|comparatifs?|examens? (?:ant[ée]rieurs?|comparatifs?|de comparaison)|comparisons?"
    r"|prior (?:studies|study|exams?|imaging)",
    TECHNIQUE: r"techniques?|protocoles?|proc[ée]dure|s[ée]quences|technique d'examen|protocol|procedure",
    DESCRIPTION: r"descriptions?|r[ée]sultats?|observations?|constatations?|interpr[ée]tation|rapport|compte[ -]rendu"
    r"|findings?|report|results?",
    CONCLUSION: r"conclusions?|ccl|synth[èe]se|au total|en r[ée]sum[ée]|r[ée]sum[ée]|en conclusion|avis|impressions?"
    r"|summary|in summary|in conclusion|opinion",
}
# A heading stands at the start of a line or sentence and ends with a colon, or fills its line. "Comparaison avec
# l'examen du 12.03.2019 :" also heads, and keeps its words as text since they hold the date.
_HEADING = re.compile(
    r"(?:^|(?<=[.;?!] )|(?<=\n))[ \t*#_-]*(?:"
    + "|".join(rf"(?P<{name}>{words})" for name, words in _HEADINGS.items())
    + r")(?:[ \t*_]*[:：]|[ \t*_]*(?=\n|$)|(?<=total),|(?<=conclusion),|(?<=sum[ée]),|(?<=summary),"
    r"|(?= (?:avec|with|to|au|[àa] l|aux)\b[^\n.]*:[ \t]*(?:\n|$)))",
    re.IGNORECASE,
)

_ABBREVIATION = re.compile(
    r"\b(?:dr|pr|prof|cf|env|ca|vs|resp|ex|approx|mme|st|e\.g|i\.e|s[ée]q|max|min|[a-z])\.$", re.IGNORECASE
)
_SENTENCE_END = re.compile(
    r"(?<=[.!?;])\s+(?!\d)|(?<=[^\d\s][.!?;])\s+"  # no cut inside "12. 03. 2019"
    r"|(?<=[a-zà-ÿ)][.!?])(?=[A-ZÀ-Þ])"  # French reports often lack the space: "récente.Stabilité"
    r"|\n(?=\n|[-*•\d]|[A-ZÀ-Þ](?![A-Z\d]))"  # a new line, unless it goes on with a small letter, "FLAIR" or "T2"
    r"|(?<=:)\n"
)

# Small words, and the headings and nouns that stand in for them in terse reports.
_FRENCH = re.compile(
    r"\b(?:l[ae']|les|d[eu']|des|une?|et|est|pas|sans|par|au|aux|dans|avec|sur|irm|examen|c[ée]r[ée]brale?|comparaison|stabilit[ée])\b",
    re.IGNORECASE,
)
_ENGLISH = re.compile(
    r"\b(?:the|of|and|is|are|no|with|without|to|has|there|from|for|mri|brain|comparison|findings|impression|exam)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Sentence:
    """A sentence of a report: its section, its first character in the normalised text, its words."""

    section: str
    start: int
    text: str

    @functools.cached_property
    def folded(self):
        """The words as rules match them."""
        return fold(self.text)


def decode(data):
    """Decodes the bytes of a report: UTF-16 and UTF-8 by their marks, else UTF-8, else Latin-1.

    Raises:
        Excluded: nothing is written there, or it is not text.
    """
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if data.startswith(mark):
            text = data.decode(encoding, errors="replace")
            break
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
    if not text.strip():
        raise Excluded("the report is empty")
    # Text holds no control characters but tabs and line ends; a Word or PDF file is full of them.
    controls = sum(unicodedata.category(letter) == "Cc" and letter not in "\t\r\n\f\v" for letter in text[:2000])
    if controls > 20:
        raise Excluded("the report is not a text file")
    return text


def normalise(text):
    """Makes spellings of one thing one: NFKC, straight quotes, plain hyphens, single spaces, no ligatures."""
    text = unicodedata.normalize("NFKC", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = re.sub("[‘’ʼ´`]", "'", text)
    text = re.sub("[‐‑‒–—−]", "-", text)
    text = text.replace("œ", "oe").replace("Œ", "Oe").replace("æ", "ae")
    text = re.sub(r"[^\S\n]+", " ", text)
    return re.sub(r" ?\n ?", "\n", text)


def fold(text):
    """Lower case without accents, letter for letter, so that ``Œdème inchangé`` and ``oedeme inchange`` match alike."""
    return text.translate(_FOLDED)


class _Folded(dict):
    """A table for `str.translate` that works out each letter once."""

    def __missing__(self, code):
        base = unicodedata.normalize("NFD", chr(code))[0].lower()
        self[code] = base if len(base) == 1 else chr(code)
        return self[code]


_FOLDED = _Folded()


def language(text, known=("fr", "en")):
    """Returns the language of a report by its small words.

    Raises:
        Excluded: neither French nor English, or not one of the cohort's languages.
    """
    counts = {"fr": len(_FRENCH.findall(text)), "en": len(_ENGLISH.findall(text))}
    best = max(counts, key=counts.get)
    # Prose has one in three; a tenth is below any terse report and above what German or Italian share with either.
    if counts[best] * 10 < len(re.findall(r"\w+", text)):
        raise Excluded("the report's language is neither French nor English")
    if best not in known:
        raise Excluded(f"the report is in a language that the cohort's settings do not list ({best})")
    return best


def sentences(text):
    """Splits a normalised report into sentences that know their section.

    Returns:
        list of `Sentence`. Text before the first heading is `HEADER` when the report has headings: it holds the exam's
        date, and findings where a report's first part has no heading.
    """
    found = []
    for section, start, end in _sections(text):
        begin = start
        for cut in [*_cuts(text, start, end), end]:
            words = text[begin:cut].strip()
            if re.search(r"\w", words):
                found.append(Sentence(section, text.index(words, begin), words))
            begin = cut
    return found


def _sections(text):
    section, start = HEADER, 0
    for heading in [*_HEADING.finditer(text), None]:
        end = heading.start() if heading else len(text)
        # What follows a blank line after an indication or a technique is no longer part of it.
        blank = re.compile(r"(?<=\S)\n\n").search(text, start, end) if section in (INDICATION, TECHNIQUE) else None
        yield section, start, blank.start() if blank else end
        if blank:
            yield DESCRIPTION, blank.end(), end
        if heading:
            section, start = heading.lastgroup, heading.end()


def _cuts(text, start, end):
    for gap in _SENTENCE_END.finditer(text, start, end):
        # The longest abbreviation above has six letters.
        if not _ABBREVIATION.search(text[max(start, gap.start() - 8) : gap.start()]):
            yield gap.end()
