"""A bad exam stops nobody: how a step reports a data fault and still succeeds.

A step that meets a recognised fault of the data raises `Excluded`. `reporting` then writes placeholders for
the images it could not make and a sidecar that says ``status: excluded`` with the reason; steps further down read the
sidecar first and pass it on. Anything else (memory, time, a bug) is an error and fails the job.
"""

import contextlib
import errno

from gliodelta import io

INCLUDED, EXCLUDED = "included", "excluded"
# How the system says that a file is not there or not to be read. Other errors of the system (disk, network, quota) are
# no fault of the data; those without a number come from readers, of a file that is damaged.
OF_THE_FILE = (
    None,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EACCES,
    errno.EPERM,
    errno.ELOOP,
    errno.ENAMETOOLONG,
)


class Excluded(Exception):
    """A fault of the data. The text goes into tables that people read: no path, name or other raw text in it."""


def is_machine_fault(error):
    """Whether an error met while reading a file says nothing about the file: memory, disk or network failed."""
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno not in OF_THE_FILE)


@contextlib.contextmanager
def reporting(sidecar, images=(), after=()):
    """Runs a step and writes its sidecar, whatever the data were like.

    Args:
        sidecar: JSON file to write, ``{"status": "included" | "excluded", "reason": "...", **facts}``.
        images: files that the step writes; each becomes an empty image when the step excludes its data.
        after: sidecars of the steps before; when one of them is excluded the block's body must not run, so the
            body begins with ``facts.check()``.

    Yields:
        `Facts`, a dict for the sidecar.

    Example:
        >>> with reporting("mask.json", images=["mask.nii.gz"], after=["T2w.json"]) as facts:  # doctest: +SKIP
        ...     facts.check()
        ...     facts["volume_ml"] = make_mask()
    """
    facts = Facts(after)
    try:
        yield facts
    except Excluded as fault:
        for image in images:
            write_placeholder(image)
        io.write_json({"status": EXCLUDED, "reason": str(fault)}, sidecar)
    else:
        io.write_json({"status": INCLUDED, "reason": "", **facts}, sidecar)


class Facts(dict):
    """What a step found out, for its sidecar; knows the sidecars of the steps before."""

    def __init__(self, after):
        super().__init__()
        self.after = list(after)

    def check(self):
        """Raises `Excluded` with the first reason found in the sidecars of the steps before."""
        for sidecar in self.after:
            report = io.read_json(sidecar)
            if report["status"] == EXCLUDED:
                raise Excluded(report["reason"])


def write_placeholder(path):
    """Writes what stands for an image or text that could not be made: one zero voxel, or an empty file."""
    if str(path).endswith((".nii", ".nii.gz")):
        import numpy as np

        io.write_image(np.zeros((1, 1, 1), np.uint8), np.eye(4), path)
    else:
        io.write_text("", path)
