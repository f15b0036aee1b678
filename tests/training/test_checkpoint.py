"""A state is kept whole, found again by its run only, and given up when unreadable."""

import pytest
import torch

from gliodelta.schema import InvalidInput
from gliodelta.training.checkpoint import Checkpoint


def test_a_state_comes_back_in_the_same_run_only(tmp_path):
    checkpoint = Checkpoint(tmp_path)
    assert checkpoint.open("run1") is None
    checkpoint.save({"weight": torch.arange(3), "epoch": 4, "best": -float("inf")})
    state = Checkpoint(tmp_path).open("run1")
    assert state["epoch"] == 4 and torch.equal(state["weight"], torch.arange(3))
    assert Checkpoint(tmp_path).open("run2") is None


def test_a_closed_run_leaves_nothing(tmp_path):
    checkpoint = Checkpoint(tmp_path)
    checkpoint.open("run1")
    checkpoint.save({})
    checkpoint.close()
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"not a state", b"PK\x03\x04 cut off"])
def test_an_unreadable_state_starts_the_training_again(tmp_path, content):
    file = tmp_path / "run1" / "last.pt"
    file.parent.mkdir()
    file.write_bytes(content)
    assert Checkpoint(tmp_path).open("run1") is None


def test_the_job_ends_when_another_epoch_as_long_would_pass_the_deadline(tmp_path):
    # Looks at the clock: start, start again for `saved_at`, opening, then after epochs of 4 and of 3 minutes.
    clock = iter([0, 0, 0, 4 * 60, 7 * 60]).__next__
    checkpoint = Checkpoint(tmp_path, deadline_minutes=9, clock=clock)
    checkpoint.open("run1")
    checkpoint.save({"epoch": 1})
    with pytest.raises(SystemExit) as stop:
        checkpoint.save({"epoch": 2})
    assert stop.value.code == 75
    assert Checkpoint(tmp_path).open("run1") == {"epoch": 2}


def test_without_a_folder_nothing_is_kept_and_nothing_stops():
    checkpoint = Checkpoint(deadline_minutes=1, clock=iter(range(0, 10**6, 3600)).__next__)
    assert checkpoint.open("run1") is None
    checkpoint.save({})
    checkpoint.close()


def resume(folder, minutes):
    """A job of this many minutes whose every epoch takes an hour: its checkpoint and the state it begins with."""
    checkpoint = Checkpoint(folder, deadline_minutes=minutes, clock=iter(range(0, 10**6, 3600)).__next__)
    return checkpoint, checkpoint.open("run1")


@pytest.fixture
def stopped(tmp_path):
    """Folder of a training that stopped for its deadline after its first epoch."""
    with pytest.raises(SystemExit):
        resume(tmp_path, minutes=1)[0].save({"epoch": 1})
    return tmp_path


def test_a_second_resumption_at_the_same_epoch_is_refused_once(stopped):
    assert resume(stopped, minutes=1)[1] == {"epoch": 1}
    with pytest.raises(InvalidInput, match="twice at the same epoch"):
        resume(stopped, minutes=1)
    assert resume(stopped, minutes=1)[1] == {"epoch": 1}


def test_a_job_that_was_killed_after_a_new_epoch_is_resumed(stopped):
    killed, _ = resume(stopped, minutes=600)
    killed.save({"epoch": 2})
    assert resume(stopped, minutes=600)[1] == {"epoch": 2}
