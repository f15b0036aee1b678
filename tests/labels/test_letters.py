"""The quick ways through a text find what the patterns find."""

import re

from hypothesis import given
from hypothesis import strategies as st

from gliodelta.labels import letters

# Mostly what reports hold, and anything else now and then.
TEXTS = st.text(st.one_of(st.sampled_from("abz09_ \t\n.,'-(/:éœ°\x85\xa0µ²"), st.characters()))


@given(TEXTS)
def test_words_and_tokens(folded):
    assert letters.words(folded) == re.findall(r"\w+", folded)
    assert letters.plain_words(folded) == re.findall("[a-z]+", folded)
    assert letters.tokens(folded) == re.findall(r"\w+|[^\w\s]", folded)


@given(TEXTS)
def test_a_normalised_text_has_single_spaces_and_none_beside_a_line_end(text):
    normal = letters.normalise(text)
    assert not re.search(r"[^\S\n ]|  | \n|\n ", normal)
