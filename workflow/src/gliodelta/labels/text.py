"""From the bytes of a report to its language, sections and sentences."""

import functools
import itertools
import re
import unicodedata
from collections import Counter
from typing import NamedTuple

from gliodelta.labels import lexicon
from gliodelta.labels.letters import fold, plain_words
from gliodelta.labels.letters import normalise as normalise
from gliodelta.labels.spelling import SHORTEST, Speller
from gliodelta.status import Excluded

INDICATION, COMPARISON, TECHNIQUE = "indication", "comparison", "technique"
DESCRIPTION, CONCLUSION, HEADER = "description", "conclusion", "header"

_HEADINGS = {
    INDICATION: r"indications?(?: cliniques?)?|ind\.?|indic\.?|renseignements?(?: cliniques?)?|rc|ant[ée]c[ée]dents?"
    r"|atcd|anamn[èe]se"
    r"|contexte(?: clinique)?|motif(?: de l'examen)?|clinique|donn[ée]es cliniques|question(?: clinique)?"
    r"|histoire(?: clinique)?"
    r"|(?:clinical |relevant |past |medical )?(?:history|information|details|indication|question|background|context"
    r"|data|presentation)"
    r"|clinical|hx|reason(?: for (?:the )?(?:exam|examination|study|scan|request))?",
    COMPARISON: r"comparaisons?|corr[ée]lations?|comparatifs?|comp\.?"
    r"|examens? (?:ant[ée]rieurs?|comparatifs?|pr[ée]c[ée]dents?"
    r"|de comparaison|de r[ée]f[ée]rence)"
    r"|irm (?:ant[ée]rieures?|comparatives?|pr[ée]c[ée]dentes?|de comparaison|de r[ée]f[ée]rence)"
    r"|comparisons?(?: (?:study|studies|exams?|made with))?"
    r"|priors?|(?:prior|previous|reference) (?:studies|study|exams?|imaging|mri|scans?)",
    TECHNIQUE: r"techniques?|techn?\.|protocoles?|proc[ée]dure|s[ée]quences|technique d'examen|protocol|procedure"
    r"|sequences",
    DESCRIPTION: r"descriptions?|descr?\.?|r[ée]sultats?|r[ée]s\.|observations?|constatations?|interpr[ée]tation"
    r"|rapport|compte[ -]rendu"
    r"|lecture|analyse|findings?|report|results?|description des images|body|brain|cerveau|enc[ée]phale|parenchyme",
    CONCLUSION: r"conclusions?|concl?\.?|ccl|synth[èe]se|au total|en r[ée]sum[ée]|r[ée]sum[ée]|en conclusion|avis"
    r"|impressions?|imp\.?"
    r"|summary|in summary|in conclusion|opinion|assessment|overall impression|comments?|commentaires?|bottom line",
}
# A heading stands at the start of a line or sentence and ends with a colon, or fills its line. "Comparaison avec
# l'examen du 12.03.2019 :" also heads, and keeps its words as text since they hold the date. A conclusion is often
# dictated without a colon: "Conclusion, statu quo".
_START = re.compile(r"[.;?!\n]\s*(?=[^\s\d])")
_HEADING = re.compile(
    r"[ \t*#_•·▪-]*(?:"
    + "|".join(rf"(?P<{name}>{words})" for name, words in _HEADINGS.items())
    + r")(?:[ \t*_]*[:：]|[ \t]+-[ \t]+|[ \t*_]*(?=\n|$)|(?<=total),|(?<=conclusion),|(?<=sum[ée]),|(?<=summary),"
    r"|(?= (?:avec|with|to|au|[àa] l|aux)\b[^\n.]*:[ \t]*(?:\n|$)))",
    re.IGNORECASE,
)
# An indication or a technique ends where a sentence begins to compare.
_DICTATED = re.compile(
    r"(?:(?:donc|alors|so|in|en),? )?(?P<conclusion>(?:conclusions?|concl\.?|ccl|au total|in summary|en r[ée]sum[ée]"
    r"|impression)(?=[ ,.])(?! (?:clinique|visuelle|subjective|g[ée]n[ée]rale|d'|de l|of|from)\b)[ ,.]+(?=\w))"
    r"|(?P<comparison>(?=compar|(?:examen|irm) (?:compar|pr[ée]c[ée]d|ant[ée]rieur)|par rapport [aà]|"
    r"(?:previous|prior) (?:mri|exam|stud)))",
    re.IGNORECASE,
)
# The first two letters of both, since trying each pattern at each sentence is dear: what follows a bracket or a bar.
_FIRST_LETTERS = frozenset(
    re.findall(r"(?:\||\(\?[:=])([a-z]{2})", re.sub(r"\[(\w)\w\]", r"\1", fold(_HEADING.pattern + _DICTATED.pattern)))
    + [words[:2] for words in _HEADINGS.values()]
)
# Templates without colons: lines that begin with a heading in small or capital letters throughout.
_BARE = re.compile(
    r"^[ \t]*(?:"
    + "|".join(rf"(?P<{name}>{words})" for name, words in _HEADINGS.items() if name != TECHNIQUE)
    + r"|(?P<technique>techniques?|protocoles?|protocol|s[ée]quences))[ \t]+(?=\S)",
    re.MULTILINE | re.IGNORECASE,
)
_MISSPELT = re.compile(r"^[ \t]*([^\W\d_]{5,15})[ \t]*:", re.MULTILINE)
_HEADING_WORDS = {
    fold: section
    for section, words in {
        INDICATION: "indication renseignements antecedents motif history clinical background question",
        COMPARISON: "comparaison comparatif comparison comparatifs",
        TECHNIQUE: "technique protocole protocol",
        DESCRIPTION: "description resultat resultats findings observation analyse",
        CONCLUSION: "conclusion conclusions impression synthese opinion summary",
    }.items()
    for fold in words.split()
}
_HEADING_SPELLER = Speller(_HEADING_WORDS)
# Words of comparison and months, which `Sentence.spelt` corrects.
_COMPARISONS = (
    "comparaison comparatif comparatifs comparative comparativement comparee comparees compare compares comparer"
    " comparison compared comparing precedent precedente precedents precedentes anterieur anterieure anterieurs"
    " anterieures anterieurement derniere auparavant previous previously preceding available unavailable disponible"
    " rapport examination interval janvier fevrier juillet septembre octobre novembre decembre january february"
    " september october november december"
)
_NEIGHBOURS = "antecedent antecedents posterieur posterieure rapporte rapports reports internal interieur interieure"
_SPELLER = Speller(_COMPARISONS.split(), _NEIGHBOURS.split())

_SHORT = ["dr", "pr", "prof", "cf", "env", "ca", "vs", "resp", "ex", "approx", "mme", "st", "seq", "séq", "max", "min"]
_SHORT += ["janv", "jan", "févr", "fév", "fevr", "fev", "feb", "apr", "avr", "juil", "aug", "sept", "sep", "oct", "nov"]
_SHORT += ["dec", "déc"]
_ABBREVIATION = re.compile(rf"\b(?:{'|'.join(_SHORT)}|e\.g|i\.e|[a-z])\.$", re.IGNORECASE)
_SHORT_ENDS = frozenset(word[-2:] for word in _SHORT)
# Where a sentence may end: a mark with the space behind it, not one inside a number, or a new line.
_MARK = re.compile(r"[.!?;:\n](?:(?<=[.!?;])(?!\d)\s*|(?<=:)\n|(?<=\n))")
_BLANK = re.compile(r"(?<=\S)\n\n")
_LINE = re.compile(r"(?<=\S)\n\n|(?<=[.!?])\n(?=[^\W\d_a-z][a-zà-ÿ']|(?:IRM|MRI) )")
_LONG = re.compile(rf"[a-z]{{{SHORTEST},}}")

# Small words, and the nouns of terse reports. The other languages are there to be told from the two.
_SMALL_WORDS = {
    "fr": "l la le les d de du des un une et est pas sans par au aux dans avec sur en qui irm examen cerebral cerebrale"
    " comparaison comparatif stabilite inchange inchangee rehaussement contraste pdc ccl droite gauche majoration",
    "en": "the of and is are no with without to has was there from for at mri brain comparison findings impression exam"
    " prior interval left right unchanged stable enhancement tumour tumor lesion disease previously",
    "de": "der die das und ist nicht keine kein mit im von zur zum eine einer ohne bei auf den dem des als"
    " mrt stabil befund beurteilung vergleich kontrolle",
    "it": "il lo gli che di del della nel nella con non senza una dei alla si rispetto assenza la e"
    " stabile lesione nessun nessuna risonanza confronto invariato encefalo",
    "es": "el los las del con una por sin y se no para al la que sin respecto de en"
    " estable cambios resonancia comparacion contraste",
    "pt": "o os as do da dos das com uma sem em na nao e para ao estavel lesao ressonancia comparacao",
    "nl": "het een van en niet met geen zonder op te zijn de is",
}
_LANGUAGES_OF = {
    word: tuple(name for name, words in _SMALL_WORDS.items() if word in words.split())
    for word in " ".join(_SMALL_WORDS.values()).split()
}
_WORD = re.compile(r"\w+")
_PROBE = 1000  # letters that tell a report's language


class Sentence(NamedTuple):
    """A sentence of a report: its section, its first character in the normalised text, its words.

    `folded` are the words as rules match them; `spelt` are these with slips in words of comparison mended, so that its
    places are not those of the text.
    """

    section: str
    start: int
    text: str
    folded: str
    spelt: str


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


def language(text, known=("fr", "en")):
    """Returns the language of a report by its small words; of a report in catchwords by those of the rules.

    Raises:
        Excluded: neither French nor English, or not one of the cohort's languages.
    """
    words = plain_words(fold(text[:_PROBE]))
    counts = Counter(itertools.chain.from_iterable(filter(None, map(_LANGUAGES_OF.get, words))))
    best = max(_SMALL_WORDS, key=lambda name: counts[name])
    # Prose has one in three; a tenth is below any terse report and above what an unlisted language shares with one.
    if counts[best] * 10 < len(words):
        terse = {name: sum(word in rules for word in words) for name, rules in _rule_words().items()}
        best = max(terse, key=terse.get)
        others = max(counts[name] for name in _SMALL_WORDS if name != best)
        best = best if terse[best] >= max(4, 2 * min(terse.values()), 2 * others) else None
    if best not in ("fr", "en"):
        raise Excluded("the report's language is neither French nor English")
    if best not in known:
        raise Excluded(f"the report is in a language that the cohort's settings do not list ({best})")
    return best


@functools.cache
def _rule_words():
    """Returns the words of three letters or more that only the rules of one language use, by language."""
    words = {
        name: {
            word
            for kind in ("targets", "modifiers")
            for rule in lexicon.read(name)[kind]
            for phrase in rule["phrases"]
            for word in plain_words(phrase)
            if len(word) > 2
        }
        for name in ("fr", "en")
    }
    return {"fr": words["fr"] - words["en"], "en": words["en"] - words["fr"]}


def sentences(text):
    """Splits a normalised report into sentences that know their section.

    Returns:
        list of `Sentence`. Text before the first heading is `HEADER` when the report has headings: it holds the exam's
        date, and findings where a report's first part has no heading.
    """
    folded = fold(text)
    long = {word for word in plain_words(folded) if len(word) >= SHORTEST}
    slips = {word: right for word in long if (right := _SPELLER.correct(word)) != word}
    found = []
    for section, start, end in _sections(text, folded):
        begin = start
        for cut in [*_cuts(text, start, end), end]:
            words = text[begin:cut].strip()
            if words and _WORD.search(words):
                first = text.index(words, begin)
                plain = folded[first : first + len(words)]
                slipped = slips and any(slip in plain for slip in slips)
                spelt = _LONG.sub(lambda word: slips.get(word[0], word[0]), plain) if slipped else plain
                found.append(Sentence(section, first, words, plain, spelt))
            begin = cut
    return found


def _sections(text, folded):
    section, start = HEADER, 0
    for name, end, begin in [*_headings(text, folded), (None, len(text), None)]:
        # What follows a blank line, or a sentence on a line of its own, is no longer part of an indication or a
        # technique; but an indication whose heading fills a line goes on to the blank line. Wrapped lines of a
        # technique begin with a sequence's name or a small letter.
        block = section == INDICATION and text[start:end].lstrip(" \t*_").startswith("\n")
        blank = (_BLANK if block else _LINE).search(text, start, end) if section in (INDICATION, TECHNIQUE) else None
        yield section, start, blank.start() if blank else end
        if blank:
            yield DESCRIPTION, blank.end(), end
        if name:
            section, start = name, begin


def _headings(text, folded):
    """Returns (section, start, end) of the headings of a report, in order."""
    found = []
    for start in (0, *(place.end() for place in _START.finditer(text))):
        if text[start : start + 1].isalpha() and folded[start : start + 2] not in _FIRST_LETTERS:
            continue
        if match := _HEADING.match(text, start):
            found.append((match.lastgroup, *match.span()))
        if match := _DICTATED.match(text, start):
            found.append((match.lastgroup, *match.span(match.lastgroup)))
    for match in _MISSPELT.finditer(text):
        section = _HEADING_WORDS.get(_HEADING_SPELLER.correct(fold(match[1])))
        if section:
            found.append((section, *match.span()))
    if len({name for name, _, _ in found}) < 2:
        bare = [(match.lastgroup, *match.span()) for match in _BARE.finditer(text)]
        found += bare if len({name for name, _, _ in bare}) > 1 else []
    kept = []
    for heading in sorted(found, key=lambda heading: heading[1:]):
        if not kept or heading[1] >= kept[-1][2]:
            kept.append(heading)
    return kept


def _cuts(text, start, end):
    for mark in _MARK.finditer(text, start, end):
        first, last = mark.span()
        if last == end or not _is_end(mark.group(), text[first - 1 : first], text[last : last + 2]):
            continue
        if text[first] != "." or not _is_abbreviation(text, start, first):
            yield last


def _is_abbreviation(text, start, stop):
    """Whether the full stop at `stop` is that of an abbreviation, in a section that begins at `start`."""
    # Most words end in other letters, and are longer than one.
    if text[stop - 2 : stop].lower() not in _SHORT_ENDS and text[stop - 2 : stop - 1].isalnum():
        return False
    # The longest abbreviation above has six letters.
    return _ABBREVIATION.search(text[max(start, stop - 7) : stop + 1])


def _is_end(mark, before, after):
    """Whether a mark, with the letter before and the two after it, ends a sentence."""
    if mark[0] == "\n":  # a new line, unless it goes on with a small letter, "FLAIR" or "T2"
        return not (after[0].islower() or (after[0].isupper() and not after[1:].islower() and after[1:].isalnum()))
    if mark[0] == ":":
        return True
    if len(mark) > 1:
        return not (before.isdigit() and after[0].isdigit())  # no cut inside "12. 03. 2019"
    # French reports often lack the space: "récente.Stabilité".
    return (before.islower() or before == ")") and after[0].isupper()
