"""Columns that tables of several stages have in common, and how their reasons are counted."""

import re
from collections import Counter

# What names a pair of exams.
PAIR = ["subject", "prior", "current"]
# What names a split, and so a model of an arm; each counted from 1.
SPLIT = ["repeat", "fold", "inner"]
# predictions.tsv: score is the logit, probability that of unstable after calibration.
PREDICTIONS = [*PAIR, "split", "y_true", "score", "probability", *SPLIT, "arm"]

# The digit of T2 is no number.
_NUMBER = re.compile(r"(?<![A-Za-z])[-+]?\d+(?:\.\d+)?")


def count_reasons(reasons):
    """Counts the reasons for which rows of a table were left out, so that a cohort's fit on a page.

    Args:
        reasons: texts, such as "no T2 series among 5: 1 FLAIR, 4 T1".

    Returns:
        list of (reason, count) as `general_reasons` puts them, the most frequent first.
    """
    return sorted(Counter(general_reasons(reasons)).items(), key=lambda item: (-item[1], item[0]))


def general_reasons(reasons):
    """Puts reasons that differ in numbers or details only as one, such as "no T2 series among 3 to 5".

    Args:
        reasons: texts, as for `count_reasons`.

    Returns:
        list of texts in the same order, without what follows a colon or semicolon or stands in brackets; each number is
        the range over the reasons that are otherwise the same.
    """
    texts = [re.split("[:;]", re.sub(r" ?\([^()]*\)", "", text))[0].strip() for text in reasons]
    alike = {}
    for text in texts:
        alike.setdefault(_NUMBER.sub("N", text), []).append(_NUMBER.findall(text))
    ranges = {form: [_range(numbers) for numbers in zip(*found, strict=True)] for form, found in alike.items()}
    return [_fill(text, ranges[_NUMBER.sub("N", text)]) for text in texts]


def _range(numbers):
    low, high = min(numbers, key=float), max(numbers, key=float)
    return low if float(low) == float(high) else f"{low} to {high}"


def _fill(text, numbers):
    left = iter(numbers)
    return _NUMBER.sub(lambda _: next(left), text)
