"""A job's log says what went wrong, in words where the user can help it."""

import subprocess
import sys

import pytest

JOB = """
import sys
from pathlib import Path
from gliodelta.logs import job_log
with job_log(sys.argv[1], private=sys.argv[2] == "private"):
    # This device of Linux is always full.
    Path("/dev/full").write_bytes(b"x")
"""


@pytest.mark.parametrize("kind", ["private", "open"])
def test_a_full_disk_is_told_with_what_to_do(tmp_path, kind):
    job = subprocess.run([sys.executable, "-c", JOB, tmp_path / "log", kind], capture_output=True)
    assert job.returncode == 1
    told = (tmp_path / "log").read_text(encoding="utf-8")
    assert "The disk that this job writes to is full." in told and "type the same command again" in told
