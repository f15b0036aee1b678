"""Reasons are counted whatever their numbers and details."""

import pytest

from gliodelta.tables import count_reasons


@pytest.mark.parametrize(
    ("reason", "general"),
    [
        ("no T2 series among 5: 1 FLAIR, 4 T1", "no T2 series among N"),
        ("the image covers 60.5 x 200 mm, less than a head", "the image covers N x N mm, less than a head"),
        ("doubtful (TR 9000 ms), and the image does not show a head", "doubtful, and the image does not show a head"),
        ("3 of 22 files cannot be decoded; ask for them again", "N of N files cannot be decoded"),
        ("a contrast of -0.45 (T2)", "a contrast of N"),
        ("", ""),
    ],
)
def test_the_general_form_of_a_reason(reason, general):
    assert count_reasons([reason]) == [(general, 1)]


def test_the_most_frequent_comes_first_and_none_is_lost():
    reasons = ["b 1", "a", "b 22", "c: x", "c: y", "b 3"]
    assert count_reasons(reasons) == [("b N", 3), ("c", 2), ("a", 1)]
    assert count_reasons([]) == []
