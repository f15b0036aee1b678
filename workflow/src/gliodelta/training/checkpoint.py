"""The live state of a training: saved each epoch, resumed by the next job, gone when the training is done."""

import math
import pickle
import shutil
import time
from pathlib import Path

from gliodelta import io

# sysexits.h: a temporary failure; the profile's retry goes on from here.
RESUME_LATER = 75


class Checkpoint:
    """Where the trainings of one job keep their state: ``<folder>/<run_id>/last.pt``.

    The run id is a digest of all that a training depends on, so the state of another training is never resumed.
    """

    def __init__(self, folder=None, code="", deadline_minutes=0, clock=time.monotonic):
        """Starts the job's time.

        Args:
            folder: scratch folder of the stage; None keeps nothing.
            code: fingerprint of the job's code: a state saved by other code is another run.
            deadline_minutes: the job's time; when the next epoch would not fit, the job ends with exit code 75. 0 is
                no limit.
            clock: function that returns seconds.
        """
        self.folder, self.code, self.clock = folder, code, clock
        self.deadline = clock() + 60 * deadline_minutes if deadline_minutes else math.inf
        self.file, self.saved_at = None, clock()

    def open(self, run_id):
        """Begins or resumes a training.

        Returns:
            What `save` was last given in this run, or None.
        """
        import torch

        self.saved_at = self.clock()
        if self.folder is None:
            return None
        self.file = Path(self.folder) / run_id / "last.pt"
        try:
            return torch.load(self.file, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            return None
        except (RuntimeError, EOFError, pickle.UnpicklingError):
            print("the saved state cannot be read; training starts again")
            return None

    def save(self, state):
        """Saves a dict of tensors and plain values whole or not at all.

        Raises:
            SystemExit: 75, after saving, when an epoch as long as the last one would end after the deadline.
        """
        import torch

        if self.folder is None:
            return
        with io.atomic(self.file) as temporary:
            torch.save(state, temporary)
        now = self.clock()
        if now + (now - self.saved_at) > self.deadline:
            print("the time is up: the state is saved, and the next job goes on from there")
            raise SystemExit(RESUME_LATER)
        self.saved_at = now

    def close(self):
        """Removes the state of a finished training."""
        if self.folder is not None:
            shutil.rmtree(self.file.parent, ignore_errors=True)
