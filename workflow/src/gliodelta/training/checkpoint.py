"""The live state of a training: saved each epoch, resumed by the next job, gone once its results are written."""

import copy
import math
import pickle
import shutil
import time
from io import BytesIO
from pathlib import Path

from gliodelta import io
from gliodelta.schema import InvalidInput

# sysexits.h: a temporary failure; the profile's retry goes on from here.
RESUME_LATER = 75
# What lies beside the state from an exit with 75 to the next epoch: whether a job has gone on from there yet.
STOPPED, RESUMED = "stopped", "resumed"


class Checkpoint:
    """Where the trainings of one job keep their state: ``<folder>/<run_id>/last.pt``.

    The run id is a digest of all that a training depends on, so the state of another training is never resumed.
    """

    def __init__(self, folder=None, code="", deadline_minutes=None, clock=time.monotonic):
        """Starts the job's time.

        Args:
            folder: scratch folder of the stage; None keeps nothing.
            code: fingerprint of the job's code: a state saved by other code is another run.
            deadline_minutes: the job's time; when the next epoch would not fit, the job ends with exit code 75. None
                is no limit.
            clock: function that returns seconds.
        """
        self.folder, self.code, self.clock = folder, code, clock
        self.deadline = math.inf if deadline_minutes is None else clock() + 60 * deadline_minutes
        self.file, self.saved_at, self.job = None, clock(), ""
        self.opened = []

    def of(self, job):
        """Returns this checkpoint for the training that `job` (JSON-able) names.

        Two trainings may depend on the same things, as those of two recipes whose cuts keep the same labels do. Named,
        they do not share one state, which both would write at the same time.
        """
        named = copy.copy(self)
        named.job = job
        return named

    def open(self, run_id):
        """Begins or resumes a training.

        Returns:
            What `save` was last given in this run, or None.

        Raises:
            InvalidInput: the job before this one resumed after an exit with 75, too, and made no new epoch.
        """
        import torch

        self.saved_at = self.clock()
        if self.folder is None:
            return None
        self.file = Path(self.folder) / run_id / "last.pt"
        self.opened.append(self.file.parent)
        self._mark_resumed()
        try:
            return torch.load(self.file, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            return None
        except (RuntimeError, EOFError, pickle.UnpicklingError):
            print("the saved state cannot be read; training starts again")
            return None

    def save(self, state, finished=False):
        """Saves a dict of tensors and plain values whole or not at all.

        Args:
            state: the dict.
            finished: whether there is no epoch to follow.

        Raises:
            SystemExit: 75, after saving, when an epoch as long as the last one would end after the deadline.
        """
        import torch

        if self.folder is None:
            return
        packed = BytesIO()
        torch.save(state, packed)
        with io.atomic(self.file) as temporary:
            # Not by torch, which says of a full disk "unexpected pos 704 vs 598".
            temporary.write_bytes(packed.getbuffer())
        self._mark().unlink(missing_ok=True)
        now = self.clock()
        if not finished and now + (now - self.saved_at) > self.deadline:
            print("the time is up: the state is saved, and the next job goes on from there")
            io.write_text(STOPPED, self._mark())
            raise SystemExit(RESUME_LATER)
        self.saved_at = now

    def close(self):
        """Removes the states of the finished trainings of this job.

        Whoever has written their results calls this, not the training: results that a full disk refused are then
        written by the next job from the state of the last epoch.
        """
        for folder in self.opened:
            shutil.rmtree(folder, ignore_errors=True)
        self.opened.clear()

    def _mark(self):
        return self.file.with_name("stopped.txt")

    def _mark_resumed(self):
        """Lets one job go on from an exit with 75: where it made no epoch, all that follow would fare alike."""
        mark = self._mark()
        if not mark.exists():
            return
        if mark.read_text(encoding="utf-8") == RESUMED:
            # Whoever starts once more, with more time, gets another try.
            mark.unlink()
            raise InvalidInput(
                "the training was resumed twice at the same epoch: the job before ended before it had made a new one. "
                "Give the rule more time (runtime in the profile), unless that job was cancelled or preempted"
            )
        io.write_text(RESUMED, mark)
