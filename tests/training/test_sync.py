"""Offline runs are sent once, in a later step; the real server is never asked."""

import sys

import pytest

from gliodelta.schema import InvalidInput
from gliodelta.training import sync
from gliodelta.training.tracking import tracked_run

# Marks a run as the real command does, or fails on those named bad.
FAKE = """
import pathlib, sys
(run,) = map(pathlib.Path, sys.argv[1:])
if "bad" in run.name:
    sys.exit(3)
(run / "run-1.wandb.synced").touch()
with open(run.parents[3] / "sent", "a") as sent:
    sent.write(f"{run.name} ")
"""


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """A scratch folder with one run a stage and a wandb that only notes what it is given."""
    (tmp_path / "fake.py").write_text(FAKE)
    monkeypatch.setattr(sync, "COMMAND", (sys.executable, str(tmp_path / "fake.py")))
    for stage, run in (("pretraining", "offline-run-1"), ("transfer", "offline-run-2"), ("transfer", "run-3")):
        (tmp_path / "scratch" / stage / "wandb" / run).mkdir(parents=True)
    return tmp_path / "scratch"


def sent(scratch):
    return (scratch.parent / "sent").read_text().split()


def test_every_offline_run_is_sent_once(scratch, tmp_path):
    for _ in range(2):
        sync.sync_runs(scratch, "offline", tmp_path / "runs.tsv")
        assert sent(scratch) == ["offline-run-1", "offline-run-2"]
    rows = (tmp_path / "runs.tsv").read_text().splitlines()
    assert rows == ["stage\trun", "pretraining\toffline-run-1", "transfer\toffline-run-2"]


def test_a_refused_run_stops_and_the_next_time_goes_on_with_it(scratch, tmp_path):
    bad = scratch / "transfer/wandb/offline-run-1-bad"
    bad.mkdir()
    with pytest.raises(RuntimeError, match=r"offline-run-1-bad.*exit code 3"):
        sync.sync_runs(scratch, "offline", tmp_path / "runs.tsv")
    assert not (tmp_path / "runs.tsv").exists()
    bad.rename(bad.with_name("offline-run-4"))
    sync.sync_runs(scratch, "offline", tmp_path / "runs.tsv")
    assert sent(scratch) == ["offline-run-1", "offline-run-2", "offline-run-4"]


@pytest.mark.parametrize("mode", ["disabled", "online"])
def test_nothing_is_sent_of_runs_that_were_not_offline(scratch, tmp_path, mode):
    with pytest.raises(InvalidInput, match=f"mode: {mode}"):
        sync.sync_runs(scratch, mode, tmp_path / "runs.tsv")
    assert not (scratch.parent / "sent").exists()


def test_the_real_command_knows_the_runs_that_trainings_leave(tmp_path, capfd, monkeypatch):
    with tracked_run({"mode": "offline", "project": "trial"}, "transfer arm-vgg", tmp_path / "transfer") as watch:
        watch({"loss": 1.0})
    monkeypatch.setattr(sync, "COMMAND", (*sync.COMMAND, "--dry-run"))
    sync.sync_runs(tmp_path, "offline", tmp_path / "runs.tsv")
    (run,) = tmp_path.glob("transfer/wandb/offline-run-*/*.wandb")
    assert run.name in capfd.readouterr().err
