"""From the bytes of a report to its language, sections and sentences."""

import re
import unicodedata
from dataclasses import dataclass

from gliodelta.status import Excluded

INDICATION, COMPARISON, TECHNIQUE = "indication", "comparison", "technique"
DESCRIPTION, CONCLUSION, HEADER = "description", "conclusion", "header"

_HEADINGS = {
    INDICATION: r"indications?(?: cliniques?)?|renseignements? cliniques?|ant[ée]c[ée]dents?|anamn[èe]se|contexte(?: clinique)?"
    r"|motif|clinique|question|history|clinical (?:history|information|details|indication)|reason for (?:exam|study)",
    COMPARISON: r"comparaisons?|comparatifs?|examens? (?:ant[ée]rieurs?|comparatifs?|de comparaison)|comparisons?"
    r"|prior (?:studies|study|exams?|imaging)",
    TECHNIQUE: r"techniques?|protocoles?|proc[ée]dure|s[ée]quences|technique d'examen|protocol|procedure",
    DESCRIPTION: r"descriptions?|r[ée]sultats?|observations?|constatations?|interpr[ée]tation|rapport|compte[ -]rendu|findings?"
    r"|report|results?",
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

_ABBREVIATION = re.compile(r"(?:\b(?:dr|pr|prof|cf|env|ca|vs|resp|p\. ?ex|approx|mme|st|e\.g|i\.e|no|s[ée]q|max|min)|\b[A-Z])\.$", re.I)
# After a full stop: white space and no digit on both sides ("12. 03. 2019"), or a capital without any space, as
# French reports often have it ("récente.Stabilité").
_SENTENCE_END = re.compile(r"(?<=[.!?;])(?<!\d\.)\s+|(?<=\d\.)\s+(?!\d)|(?<=[a-zà-ÿ)0-9][.!?])(?=[A-ZÀ-Þ])|\n\s*\n|\n(?=\s*[-*•A-ZÀ-Þ])|(?<=[:.])\n")
# A line that begins so goes on with the sentence of the line before, capital or not.
_GOES_ON = re.compile(r"\s*(?:T1|T2|FLAIR|IRM|MRI|[A-Z]{2,5}\b)")

_FRENCH = re.compile(r"\b(?:le|la|les|de|du|des|une?|et|est|pas|sans|par|au|aux|en|dans|irm|avec|l|d)\b", re.IGNORECASE)
_ENGLISH = re.compile(r"\b(?:the|of|and|is|are|no|with|without|in|to|has|there|mri|since|from|compared|for)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Sentence:
    """A sentence of a report: its section, its first character in the normalised text, its words."""

    section: str
    start: int
    text: str


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
    """Makes spellings of one thing one: NFKC, straight quotes, plain hyphens and spaces, no ligatures, ``\\n`` line ends."""
    text = unicodedata.normalize("NFKC", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = re.sub("[‘’ʼ´`]", "'", text)
    text = re.sub("[‐‑‒–—−]", "-", text)
    text = text.replace("œ", "oe").replace("Œ", "Oe").replace("æ", "ae")
    return re.sub(r"[^\S\n]", " ", text)


def fold(text):
    """Lower case without accents, letter for letter, so that ``Œdème inchangé`` and ``oedeme inchange`` match alike."""
    return "".join(_fold(letter) for letter in text)


def _fold(letter):
    if letter.isascii():
        return letter.lower()
    base = unicodedata.normalize("NFD", letter)[0].lower()
    return base if len(base) == 1 else letter


def language(text, known=("fr", "en")):
    """Returns the language of a report by its small words.

    Raises:
        Excluded: neither French nor English, or not one of the cohort's languages.
    """
    counts = {"fr": len(_FRENCH.findall(text)), "en": len(_ENGLISH.findall(text))}
    best = max(counts, key=counts.get)
    # Terse reports hold few small words; one in fifteen words is below any French or English prose.
    if counts[best] * 15 < len(re.findall(r"\w+", text)):
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
            words = text[begin:cut]
            if words.strip(" \n-*•.:"):
                indent = len(words) - len(words.lstrip())
                found.append(Sentence(section, begin + indent, words.strip()))
            begin = cut
    return found


def _sections(text):
    section, start = HEADER, 0
    for heading in _HEADING.finditer(text):
        yield section, start, heading.start()
        section, start = heading.lastgroup, heading.end()
    yield section, start, len(text)


def _cuts(text, start, end):
    begin = start
    for gap in _SENTENCE_END.finditer(text, start, end):
        wrapped = "\n" in gap.group() and "\n\n" not in gap.group() and _GOES_ON.match(text, gap.end(), end)
        unfinished = text[begin : gap.start()].rstrip()[-1:] not in (".", ":", "!", "?")
        if (wrapped and unfinished) or _ABBREVIATION.search(text[begin : gap.start()]):
            continue
        begin = gap.end()
        yield begin
