"""Weights & Biases gets numbers and the run's name, and nothing about the machine, the user or the files."""

import getpass
import os
import socket
import sys

from gliodelta.training.tracking import run_name, tracked_run


def test_disabled_means_that_it_is_not_even_imported(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with tracked_run({"mode": "disabled", "project": "p"}, "name", tmp_path) as watch:
        assert watch is None
    assert not any(tmp_path.iterdir())


def test_an_offline_run_holds_numbers_and_its_name_only(tmp_path):
    name = run_name("transfer", arm="vgg-a", repeat=1, fold=2, inner=1)
    with tracked_run({"mode": "offline", "project": "trial"}, name, tmp_path) as watch:
        watch({"epoch": 1, "loss": 0.123456})
    (record,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    content = record.read_bytes()
    assert b"transfer arm-vgg-a repeat-1 fold-2 inner-1" in content
    assert b"0.123456" in content
    for secret in (socket.gethostname(), os.getcwd(), str(tmp_path), sys.executable, getpass.getuser() + "@"):
        assert secret.encode() not in content
    # Whatever lay there would be sent: the list of installed packages, facts about the machine.
    assert not list(tmp_path.glob("wandb/offline-run-*/files/*"))
