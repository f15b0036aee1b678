"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
# Processes that tests start find the package as the tests do.
os.environ["PYTHONPATH"] = str(PROJECT / "workflow" / "src")
# One thread a process, as the workflow's jobs have: with as many as cores each, parallel tests waited for one another
# and took ten times as long. Before NumPy is imported, which reads it once.
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(scope="session")
def project():
    """Folder of this checkout."""
    return PROJECT


@pytest.fixture(scope="session")
def shared():
    """Folder with real data beside the project, which users do not have: tests that need it are skipped without."""
    folder = PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the real data in ../shared/data, which this machine does not have")
    return folder
