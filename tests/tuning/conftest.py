"""A fold's files and a study of them, fresh for each test."""

import pytest
from studies import Fold, Run


@pytest.fixture
def fold(tmp_path):
    return Fold(tmp_path / "fold")


@pytest.fixture
def start(tmp_path):
    """A function that writes a study of a fold with so many inner splits, and returns its `Run`."""
    return lambda splits=2, **changes: Run(Fold(tmp_path / "fold", splits), tmp_path / "scratch", **changes)


@pytest.fixture
def run(start):
    return start()
