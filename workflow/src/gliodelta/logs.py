"""Where a job's output goes: everything it and its tools print, into the rule's log file and nowhere else."""

import contextlib
import errno
import os
import sys
import traceback
from pathlib import Path

# Where the system refuses to write, in words for the user.
NOWHERE_TO_WRITE = {
    errno.ENOSPC: "The disk that this job writes to is full. Free some of it",
    errno.EDQUOT: "Your quota of the disk that this job writes to is used up. Free some of it",
    errno.EROFS: "What this job writes to is mounted read-only. Have it mounted for writing",
    errno.EACCES: "The system forbids this job to read or write a file. Get the right to",
}
GO_ON = ", then type the same command again: what is complete stays, and a training goes on from its last saved epoch."


@contextlib.contextmanager
def job_log(path, private=False):
    """Sends stdout and stderr of this process and of its children to the log file `path`.

    Args:
        path: the rule's log.
        private: set by the stages that touch raw data (simulation, ingest, labels): an error's text may hold a raw
            path or words of a report, so that only its type and the lines of code go into the log.

    Raises:
        SystemExit: 1 after any error, once the log names it; the exit code of a SystemExit is kept.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as log:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(log.fileno(), stream.fileno())
        try:
            yield
        except Exception as error:
            print(without_text(error) if private else traceback.format_exc(), file=sys.stderr)
            if isinstance(error, OSError) and error.errno in NOWHERE_TO_WRITE:
                print(NOWHERE_TO_WRITE[error.errno] + GO_ON, file=sys.stderr)
            raise SystemExit(1) from None


def without_text(error):
    """Returns what may be told of an error whose text may hold raw paths: its type and the lines of code."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    return "\n".join(
        [f"{type(error).__name__} (its text is withheld: it may hold raw paths or report text) at", *lines]
    )
