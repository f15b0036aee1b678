"""Dates in words, as a dictation may leave them: "trois juillet deux mille vingt", "june seventeenth"."""

_FRENCH = (
    "un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit"
    " dix-neuf"
)
_ENGLISH = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_ORDINAL = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
    " fifteenth sixteenth seventeenth eighteenth nineteenth"
)


def _numbers(ones, tens, whole, joint):
    """Returns the words of 1 to 39 by number.

    Args:
        ones: the words of 1 to 19.
        tens: what 20 and 30 are before another word ("twenty").
        whole: what they are alone ("twentieth").
        joint: function of the last digit: what stands before it.
    """
    ones = ones.split()
    words = dict(enumerate(ones, start=1))
    for ten, (name, alone) in enumerate(zip(tens, whole, strict=True), start=2):
        words[10 * ten] = alone
        words |= {10 * ten + one: f"{name}{joint(one)}{ones[one - 1]}" for one in range(1, 10)}
    return words


_IN_FRENCH = _numbers(_FRENCH, ["vingt", "trente"], ["vingt", "trente"], lambda one: " et " if one == 1 else "-")
_IN_ENGLISH = _numbers(_ENGLISH, ["twenty", "thirty"], ["twenty", "thirty"], lambda one: "-")
_ORDINALS = _numbers(_ORDINAL, ["twenty", "thirty"], ["twentieth", "thirtieth"], lambda one: "-")

# A hyphen may be missing: keys hold spaces.
DAYS = {"premier": 1}
DAYS |= {
    words.replace("-", " "): day
    for numbers in (_IN_FRENCH, _IN_ENGLISH, _ORDINALS)
    for day, words in numbers.items()
    if day < 32
}
YEARS = {"deux mille": 2000, "two thousand": 2000}
YEARS |= {f"deux mille {words}".replace("-", " "): 2000 + number for number, words in _IN_FRENCH.items()}
YEARS |= {f"two thousand {words}".replace("-", " "): 2000 + number for number, words in _IN_ENGLISH.items()}
YEARS |= {f"two thousand and {words}".replace("-", " "): 2000 + number for number, words in _IN_ENGLISH.items()}
YEARS |= {f"twenty {words}".replace("-", " "): 2000 + number for number, words in _IN_ENGLISH.items() if number > 9}


def pattern(numbers):
    """Returns a pattern of the words of `numbers`, the longest first, with hyphens or spaces between them."""
    return "|".join(sorted(numbers, key=len, reverse=True)).replace(" ", "[ -]")
