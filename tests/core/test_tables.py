"""Reasons are counted whatever their numbers and details."""

import pytest

from gliodelta.tables import count_reasons, general_reasons


@pytest.mark.parametrize(
    ("reason", "general"),
    [
        ("no T2 series among 5: 1 FLAIR, 4 T1", "no T2 series among 5"),
        ("the image covers 60.5 x 200 mm, less than a head", "the image covers 60.5 x 200 mm, less than a head"),
        ("doubtful (TR 9000 ms), and the image does not show a head", "doubtful, and the image does not show a head"),
        ("3 of 22 files cannot be decoded; ask for them again", "3 of 22 files cannot be decoded"),
        ("a contrast of -0.45 (T2)", "a contrast of -0.45"),
        ("", ""),
    ],
)
def test_details_of_a_reason_are_left_out(reason, general):
    assert count_reasons([reason]) == [(general, 1)]


def test_the_most_frequent_comes_first_and_none_is_lost():
    reasons = ["b 1", "a", "b 22", "c: x", "c: y", "b 3"]
    assert count_reasons(reasons) == [("b 1 to 22", 3), ("c", 2), ("a", 1)]
    assert count_reasons([]) == []


def test_reasons_that_differ_in_numbers_are_one_with_their_ranges():
    reasons = ["a brain of 650 ml, not 700 to 2200 ml", "other", "a brain of 99.5 ml, not 700 to 2200 ml"]
    both = "a brain of 99.5 to 650 ml, not 700 to 2200 ml"
    assert general_reasons(reasons) == [both, "other", both]
