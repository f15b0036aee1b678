"""Pseudonyms: keyed ids instead of names, days since the first exam instead of dates, the same for all sheets."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from gliodelta.ingest.layouts import day_of
from gliodelta.schema import InvalidInput

# 40 bits: among 10,000 patients two share a pseudonym with a probability of 0.005 %.
ID_DIGITS = 10
MIN_KEY_CHARACTERS = 16


def read_key(path):
    """Returns the secret key in `path`, which is made, readable by its owner only, when it is missing.

    Whoever has the key can find out which pseudonym belongs to a known name. The same key gives the same pseudonyms.

    Raises:
        InvalidInput: the file is too short to be a key.
    """
    path = Path(path)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
    key = path.read_bytes().strip()
    if len(key) < MIN_KEY_CHARACTERS:
        raise InvalidInput(f"the key file holds {len(key)} characters; name a new file, and a key is made there")
    return key


def parse_day(text):
    """Returns the day number of a date (yyyy-mm-dd or yyyymmdd), or of a plain number of at most five digits.

    Raises:
        ValueError: `text` is neither.
    """
    text = text.strip()
    day = int(text) if text.isdecimal() and len(text) <= 5 else day_of(text)
    if day is None:
        raise ValueError("no day")
    return day


class Pseudonyms:
    """The pseudonyms of a cohort.

    Args:
        key: bytes from `read_key`.
        exams: (patient, day) of every exam; a patient's first one becomes session 0.
    """

    def __init__(self, key, exams):
        self._key = key
        self._first = {}
        for patient, day in exams:
            patient = _plain(patient)
            self._first[patient] = min(day, self._first.get(patient, day))

    def knows(self, patient):
        """Returns whether the patient has an exam."""
        return _plain(patient) in self._first

    def subject(self, patient):
        """Returns the pseudonym of a patient."""
        return "s" + self._digits(f"patient:{_plain(patient)}")

    def reader(self, name):
        """Returns the pseudonym of a radiologist."""
        return "r" + self._digits(f"reader:{name.strip()}")

    def session(self, patient, day):
        """Returns the days from the patient's first exam to `day`, negative before it.

        Padded to four digits, so that texts sort like days for 27 years.
        """
        return f"{day - self._first[_plain(patient)]:04d}"

    def _digits(self, text):
        return hmac.new(self._key, text.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()[:ID_DIGITS]


def _plain(patient):
    # BIDS writes sub-01 in some places and 01 in others.
    return patient.strip().removeprefix("sub-")
