"""Whether there is room for what a run writes, asked before its first job."""

import tempfile
from pathlib import Path

from gliodelta.schema import InvalidInput


def check_room(folder):
    """Writes a small file into a folder, which is made when missing, and removes it.

    Raises:
        InvalidInput: the system refuses; names the folder and why.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            # A full disk lets empty files be made.
            file.write(bytes(4096))
    except OSError as error:
        raise InvalidInput(
            f"{folder}: nothing can be written there ({error.strerror}). Make room, or have the folder made writable, "
            "and type the same command again: what is complete stays"
        ) from None
