"""Sends the offline runs of Weights & Biases that trainings left on a cluster, from a machine with internet."""

import subprocess
import sys
from pathlib import Path

from gliodelta import io
from gliodelta.schema import InvalidInput

# The wandb of this Python, whichever stands on PATH.
COMMAND = (sys.executable, "-m", "wandb", "sync")


def sync_runs(scratch, mode, table):
    """Sends the runs that have not been sent and lists all of them.

    Args:
        scratch: folder of unfinished state of all stages; a stage's runs are in its ``wandb/offline-run-*``.
        mode: the setting ``wandb: mode`` of the configuration.
        table: written, a row a run: stage, run.

    Raises:
        InvalidInput: the trainings of this configuration leave nothing to send.
        RuntimeError: wandb refused a run. Those sent before it are marked by wandb and not sent again.
    """
    if mode != "offline":
        raise InvalidInput(f"configuration, wandb: mode: {mode} leaves no runs to send; only offline does")
    runs = sorted(Path(scratch).glob("*/wandb/offline-run-*"))
    for run in runs:
        if not list(run.glob("*.wandb.synced")):
            _send(run)
    rows = [f"{run.parents[1].name}\t{run.name}\n" for run in runs]
    io.write_text("".join(["stage\trun\n", *rows]), table)


def _send(run):
    # wandb's own output, which goes to the rule's log, says what the matter is.
    code = subprocess.run([*COMMAND, str(run)], check=False).returncode
    if code:
        raise RuntimeError(
            f"wandb did not take {run.name} (exit code {code}, see above). Is this machine on the internet, and did "
            "you say `wandb login`? Then ask for the same target again: it goes on with this run"
        )
