"""Two users of one cluster: what one has preprocessed the other takes, group-readable, and nothing lands elsewhere."""

import os
import stat

import pair
import pytest
from house import House

from gliodelta import io

# Folders in which a run may leave something.
OWN = {"results", "logs", "benchmarks", "scratch"}


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Exams that all users may read."""
    return pair.write_exams(tmp_path_factory.mktemp("raw"))


class User:
    """A house of its own, on the same configuration as everybody's."""

    def __init__(self, project, raw, folder):
        self.house = House(project, folder)
        pair.configure(self.house, raw)
        self.given = self.files()

    def files(self):
        found = (path for path in self.house.folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {path for path in found if ".snakemake" not in path.parts}

    def run(self):
        """Runs the imaging of the pair with `--cache` and returns what Snakemake printed."""
        return self.house.snakemake("--cache", "--until", "map_difference")

    def written(self):
        """What runs left in the house, without Snakemake's own records."""
        return self.files() - self.given


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache that users share; home and temporary files are elsewhere, under umask 027."""
    for variable in ("SNAKEMAKE_OUTPUT_CACHE", "HOME", "TMPDIR"):
        (tmp_path / variable).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / variable))
    umask = os.umask(0o027)
    yield tmp_path / "SNAKEMAKE_OUTPUT_CACHE"
    os.umask(umask)


def test_the_second_user_takes_what_the_first_has_preprocessed(project, raw, tmp_path, cache):
    one, two = (User(project, raw, tmp_path / name) for name in ("one", "two"))
    assert one.run().count("Moving output file") == pair.OUTPUTS
    kept = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    printed = two.run()
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == kept and len(kept) == pair.OUTPUTS
    assert printed.count("Symlinking output file") == pair.OUTPUTS and "Moving output file" not in printed
    assert io.read_json(two.house.folder / pair.QC)["status"] == io.read_json(one.house.folder / pair.QC)["status"]
    assert (two.house.folder / pair.MAP).resolve() == (one.house.folder / pair.MAP).resolve()
    for user in (one, two):
        # The group reads what was written, and it lies where it should.
        assert {path.relative_to(user.house.folder).parts[0] for path in user.written()} <= OWN
        assert all(path.stat().st_mode & stat.S_IRGRP for path in user.written())
    assert list((tmp_path / "TMPDIR").iterdir()) == []
    # Snakemake caches its sources at home; the jobs write nothing there.
    assert [path for path in (tmp_path / "HOME").rglob("*") if path.is_file() and "snakemake" not in path.parts] == []
