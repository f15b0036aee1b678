"""One spelling of one thing: texts made comparable letter by letter, their words and signs."""

import re
import unicodedata

_SPELLINGS = str.maketrans(
    {**dict.fromkeys("‘’ʼ´`", "'"), **dict.fromkeys("‐‑‒–—−", "-"), "œ": "oe", "Œ": "Oe", "æ": "ae"}
)
_SPECIAL = re.compile(f"[{re.escape(''.join(map(chr, _SPELLINGS)))}]")
_OTHER_SPACE = re.compile(r"[^\S\n ]")
_SPACES = re.compile(r"[^\S\n ][^\S\n]*| [^\S\n]+")
_LINE_END = re.compile(r" \n ?|\n ")
_SPOKEN_STOP = re.compile(r" (?:full stop|point)(?! (?:de|d'|d\b|final|of|at|mm|cm))(?=\W|$)", re.IGNORECASE)
_SPOKEN_COLON = re.compile(r" (?:deux points|colon)\b", re.IGNORECASE)
_SPOKEN_COMMA = re.compile(r" (?:virgule|comma)\b", re.IGNORECASE)

_WORD = re.compile(r"\w+")
# Words and single signs: "d'une" is d ' une, "pseudo-progression" is pseudo - progression.
TOKEN = re.compile(r"\w+|[^\w\s]")


def normalise(text):
    """Makes spellings of one thing one: NFKC, straight quotes, plain hyphens, single spaces, no ligatures.

    Marks that a dictation spells out ("point", "full stop") become marks.
    """
    text = unicodedata.normalize("NFKC", text.replace("\r\n", "\n").replace("\r", "\n"))
    if _SPECIAL.search(text):
        text = text.translate(_SPELLINGS)
    if "  " in text or _OTHER_SPACE.search(text):
        text = _SPACES.sub(" ", text)
    if " \n" in text or "\n " in text:
        text = _LINE_END.sub("\n", text)
    # Who speaks the marks writes none: "point de départ" in a text with full stops stays.
    spoken = (" point" in text or " stop" in text) and len(_SPOKEN_STOP.findall(text))
    if spoken and spoken > max(1, text.count(". ") + text.count(".\n")):
        text = _SPOKEN_STOP.sub(".", _SPOKEN_COLON.sub(":", _SPOKEN_COMMA.sub(",", text)))
    return text


def fold(text):
    """Lower case without accents, letter for letter, so that ``Œdème inchangé`` and ``oedeme inchange`` match alike."""
    try:
        return text.encode("latin-1").translate(_FOLDED_LATIN).decode("latin-1")
    except UnicodeEncodeError:  # ten times slower
        return text.translate(_FOLDED)


def words(folded):
    r"""Returns the words of a folded text, as the pattern ``\w+`` finds them in twice the time."""
    try:
        return folded.encode("latin-1").translate(_WORDS_ALONE).decode("latin-1").split()
    except UnicodeEncodeError:
        return _WORD.findall(folded)


def plain_words(folded):
    """Returns the runs of the letters a to z in a folded text."""
    return folded.encode("ascii", "replace").translate(_LETTERS_ALONE).decode("ascii").split()


def tokens(folded):
    """Returns the words and single signs of a folded text, as `TOKEN` finds them in twice the time."""
    try:
        signs = folded.encode("latin-1").translate(None, _NO_SIGNS)
    except UnicodeEncodeError:
        return TOKEN.findall(folded)
    for code in set(signs):
        folded = folded.replace(*_SET_APART[code])
    return folded.split()


class _Folded(dict):
    """A table for `str.translate` that works out each letter once."""

    def __missing__(self, code):
        base = unicodedata.normalize("NFD", chr(code))[0].lower()
        self[code] = base if len(base) == 1 else chr(code)
        return self[code]


_FOLDED = _Folded()
# Tables for `bytes.translate`, the fastest way through a text; nearly every report is Latin-1 once normalised.
_LATIN = [(code, chr(code)) for code in range(256)]
_FOLDED_LATIN = bytes(ord(_FOLDED[code]) if ord(_FOLDED[code]) < 256 else code for code, _ in _LATIN)
_WORDS_ALONE = bytes(code if _WORD.match(letter) else ord(" ") for code, letter in _LATIN)
_LETTERS_ALONE = bytes(code if "a" <= letter <= "z" else ord(" ") for code, letter in _LATIN)
_NO_SIGNS = bytes(code for code, letter in _LATIN if _WORD.match(letter) or letter.isspace())
_SET_APART = [(letter, f" {letter} ") for _, letter in _LATIN]
