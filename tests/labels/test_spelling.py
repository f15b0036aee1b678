"""Slips are mended, good words stay."""

import pytest

from gliodelta.labels.spelling import Speller

SPELLER = Speller(["augmentation", "stable", "progression", "inchange", "oedeme"], other=["processions"])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("augmetation", "augmentation"),  # left out
        ("augmenttation", "augmentation"),  # added
        ("augmentatuon", "augmentation"),  # changed
        ("augmentaiton", "augmentation"),  # swapped
        ("progresion", "progression"),
        ("loedeme", "oedeme"),
        ("table", "table"),  # too short to tell
        ("progressive", "progressive"),  # two letters away
        ("augmentatinos2", "augmentatinos2"),
        ("oedeme", "oedeme"),
    ],
)
def test_one_slip_in_a_long_word_is_mended(written, meant):
    assert SPELLER.correct(written) == meant


def test_a_good_word_near_one_stays():
    assert Speller(["reduction"]).correct("seduction") == "reduction"
    assert Speller(["reduction"], other=["seduction"]).correct("seduction") == "seduction"
