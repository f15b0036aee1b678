"""Weights & Biases gets numbers and the run's name, and nothing about the machine, the user or the files."""

import getpass
import os
import socket
import sys

import pytest

from gliodelta.training.tracking import run_name, tracked_run, training_job


def test_disabled_means_that_it_is_not_even_imported(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with tracked_run({"mode": "disabled", "project": "p"}, "name", tmp_path) as watch:
        assert watch is None
    assert not any(tmp_path.iterdir())


def test_a_job_keeps_its_state_by_stage_and_name_until_its_time_is_up(tmp_path):
    settings = {"scratch": tmp_path, "code": "c", "tracking": {"mode": "disabled", "project": "p"}}
    states = {}
    for stage, fold, deadline in (("transfer", 1, None), ("transfer", 2, None), ("pretraining", 1, 1e-9)):
        with training_job(stage, {"fold": fold}, deadline=deadline, **settings) as job:
            checkpoint = job["checkpoint"]
        assert job["watch"] is None
        checkpoint.open("run")
        states[stage, fold] = checkpoint.job
        if deadline:
            with pytest.raises(SystemExit):
                checkpoint.save({})
        else:
            checkpoint.save({})
    assert len(set(states.values())) == 3
    assert {file.relative_to(tmp_path).parts[0] for file in tmp_path.rglob("last.pt")} == {"transfer", "pretraining"}


def test_an_offline_run_holds_numbers_and_its_name_only(tmp_path):
    name = run_name("transfer", arm="vgg-a", repeat=1, fold=2, inner=1)
    with tracked_run({"mode": "offline", "project": "trial"}, name, tmp_path) as watch:
        watch({"epoch": 1, "loss": 0.123456})
    (record,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    content = record.read_bytes()
    assert b"transfer arm-vgg-a repeat-1 fold-2 inner-1" in content
    assert b"0.123456" in content
    for secret in (os.getcwd(), str(tmp_path), sys.executable, getpass.getuser() + "@"):
        assert secret.encode() not in content
    # A machine may be called "vm", and random ids hold such letters: sought as a field, whose length stands before it.
    host = socket.gethostname().encode()
    assert bytes([len(host)]) + host not in content
    # Whatever lay there would be sent: the list of installed packages, facts about the machine.
    assert not list(tmp_path.glob("wandb/offline-run-*/files/*"))
