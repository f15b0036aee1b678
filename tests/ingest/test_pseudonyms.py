"""Pseudonyms depend on the key, on nothing else, and give nothing away."""

import re
import stat

import pytest

from gliodelta.ingest.pseudonyms import Pseudonyms, parse_day, read_key
from gliodelta.schema import InvalidInput


def test_a_missing_key_is_made_for_its_owner_only_and_then_kept(tmp_path):
    key = read_key(tmp_path / "secret" / "key")
    assert stat.S_IMODE((tmp_path / "secret" / "key").stat().st_mode) == 0o600
    assert read_key(tmp_path / "secret" / "key") == key
    assert read_key(tmp_path / "other") != key


def test_a_short_key_is_refused(tmp_path):
    (tmp_path / "key").write_text("secret\n")
    with pytest.raises(InvalidInput, match="6 characters"):
        read_key(tmp_path / "key")


def test_ids_are_keyed_and_the_same_patient_has_the_same_one():
    first, other = (Pseudonyms(key * 16, [("Dupont", 5), ("Durand", 5)]) for key in (b"a", b"b"))
    assert re.fullmatch("s[0-9a-f]{10}", first.subject("Dupont"))
    assert first.subject(" sub-Dupont ") == first.subject("Dupont")
    assert len({first.subject("Dupont"), first.subject("Durand"), other.subject("Dupont")}) == 3
    assert first.reader("Dupont")[1:] != first.subject("Dupont")[1:]


def test_sessions_are_days_since_the_patients_first_exam():
    days = [parse_day(text) for text in ("2020-02-10", "20200131", "2019-12-31")]
    names = Pseudonyms(b"k" * 16, [("a", days[0]), ("a", days[1])])
    assert [names.session("a", day) for day in days] == ["0010", "0000", "-031"]


@pytest.mark.parametrize("text", ["", "10/02/2020", "2020-13-01", "2020-1-11", "yesterday", "123456"])
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError, match="no day"):
        parse_day(text)


def test_plain_numbers_are_days():
    assert parse_day("0200") == 200
