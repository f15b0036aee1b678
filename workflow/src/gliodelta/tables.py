"""Columns that tables of several stages have in common, and how their reasons are counted."""

import re
from collections import Counter

# What names a pair of exams.
PAIR = ["subject", "prior", "current"]
# What names a split, and so a model of an arm; each counted from 1.
SPLIT = ["repeat", "fold", "inner"]
# predictions.tsv: score is the logit, probability that of unstable after calibration.
PREDICTIONS = [*PAIR, "split", "y_true", "score", "probability", *SPLIT, "arm"]


def count_reasons(reasons):
    """Counts the reasons for which rows of a table were left out, so that a cohort's fit on a page.

    Args:
        reasons: texts, such as "no T2 series among 5: 1 FLAIR, 4 T1".

    Returns:
        list of (reason, count), the most frequent first. Numbers became N, and what follows a colon or semicolon or
        stands in brackets is dropped, since it differs from row to row: "no T2 series among N".
    """
    # The digit of T2 is no number.
    general = (re.sub(r"(?<![A-Za-z])[-+]?\d+(\.\d+)?", "N", re.sub(r" ?\([^()]*\)", "", text)) for text in reasons)
    counts = Counter(re.split("[:;]", text)[0].strip() for text in general)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
