"""A data fault writes every output and its reason; a bug fails."""

import errno

import pytest

from gliodelta import io
from gliodelta.status import Excluded, is_machine_fault, reporting


def test_a_fault_writes_placeholders_and_the_reason_travels(tmp_path):
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    with reporting(first, images=[tmp_path / "a.nii.gz"]) as facts:
        facts["slices"] = 3
        raise Excluded("too few slices")
    with reporting(second, images=[tmp_path / "b.nii.gz", tmp_path / "b.mat"], after=[first]) as facts:
        facts.check()
        pytest.fail("the step ran on an excluded exam")
    assert io.read_json(second) == {"status": "excluded", "reason": "too few slices"}
    assert io.read_image(tmp_path / "b.nii.gz").shape == (1, 1, 1)
    assert (tmp_path / "b.mat").read_text() == ""


def test_success_writes_the_facts(tmp_path):
    with reporting(tmp_path / "s.json") as facts:
        facts["volume_ml"] = 1400
    assert io.read_json(tmp_path / "s.json") == {"status": "included", "reason": "", "volume_ml": 1400}


def test_a_bug_is_no_exclusion(tmp_path):
    with pytest.raises(ZeroDivisionError), reporting(tmp_path / "s.json"):
        1 / 0  # noqa: B018
    assert not (tmp_path / "s.json").exists()


def test_what_the_system_says_of_itself_is_no_fault_of_the_data():
    machine = [MemoryError(), OSError(errno.EIO, ""), OSError(errno.ENOSPC, ""), OSError(errno.ESTALE, "")]
    data = [FileNotFoundError(errno.ENOENT, ""), PermissionError(errno.EACCES, ""), OSError("truncated"), ValueError()]
    assert all(map(is_machine_fault, machine)) and not any(map(is_machine_fault, data))
