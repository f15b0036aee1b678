"""A folder that cannot be written to is named before any job runs."""

import pytest

from gliodelta.room import check_room
from gliodelta.schema import InvalidInput


def test_a_folder_that_can_be_written_to_is_made_and_left_empty(tmp_path):
    check_room(tmp_path / "a" / "b")
    assert list((tmp_path / "a").iterdir()) == [tmp_path / "a" / "b"] and not any((tmp_path / "a" / "b").iterdir())


def test_a_folder_that_cannot_be_written_to_is_named_with_the_reason(tmp_path):
    # Nothing can be made inside a file, nor in the system's view of itself; root may write nearly everywhere else.
    (tmp_path / "file").touch()
    for folder, reason in ((tmp_path / "file", "File exists"), ("/proc/self", "")):
        with pytest.raises(InvalidInput, match=f"{folder}: nothing can be written there.*{reason}"):
            check_room(folder)
