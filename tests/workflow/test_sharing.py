"""Two users of one cluster: what one has preprocessed the other takes, group-readable, and nothing lands elsewhere."""

import os
import stat

import nibabel as nib
import numpy as np
import pytest
from house import House

from gliodelta import io

PAIR = "results/imaging/site/sub-a/pair-0to90/sub-a_pair-0to90_"
QC, MAP = f"{PAIR}qc.json", f"{PAIR}diff.nii.gz"
SHEETS = {
    "exams": "subject\tsession\tsource\na\t0\ta/0.nii.gz\na\t90\ta/90.nii.gz\n",
    "pairs": "subject\tprior\tcurrent\na\t0\t90\n",
}
# Folders in which a run may leave something.
OWN = {"results", "logs", "benchmarks", "scratch"}
# Of two exams: image, mask and corrected image with a sidecar each; of the pair: transform with sidecar, and six files.
OUTPUTS = 2 * 6 + 2 + 6


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Two equal exams that all users may read: noise in a ball."""
    folder = tmp_path_factory.mktemp("raw")
    axes = np.meshgrid(*[np.linspace(-1.2, 1.2, 40)] * 3, indexing="ij")
    ball = sum(axis**2 for axis in axes) < 1
    image = ball * np.random.default_rng(0).uniform(80, 120, ball.shape)
    (folder / "a").mkdir()
    for visit in (0, 90):
        nib.save(nib.Nifti1Image(image.astype(np.float32), np.diag([4, 4, 4, 1])), folder / f"a/{visit}.nii.gz")
    return folder


class User:
    """A house of its own, on the same configuration as everybody's."""

    def __init__(self, project, raw, folder):
        self.house = House(project, folder)
        for kind, text in SHEETS.items():
            io.write_text(text, self.house.folder / f"config/cohorts/site/{kind}.tsv")
        cohort = {"role": "inference", "layout": "nifti", "root": str(raw)}
        io.write_yaml(cohort, self.house.folder / "config/cohorts/site.yaml")
        config = {"cohorts": ["site"], "imaging": {"registration_fallback": []}}
        io.write_yaml(config, self.house.folder / "config/house.yaml")
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
    assert one.run().count("Moving output file") == OUTPUTS
    kept = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    printed = two.run()
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == kept and len(kept) == OUTPUTS
    assert printed.count("Symlinking output file") == OUTPUTS and "Moving output file" not in printed
    assert io.read_json(two.house.folder / QC)["status"] == io.read_json(one.house.folder / QC)["status"]
    assert (two.house.folder / MAP).resolve() == (one.house.folder / MAP).resolve()
    for user in (one, two):
        # The group reads what was written, and it lies where it should.
        assert {path.relative_to(user.house.folder).parts[0] for path in user.written()} <= OWN
        assert all(path.stat().st_mode & stat.S_IRGRP for path in user.written())
    assert list((tmp_path / "TMPDIR").iterdir()) == []
    # Snakemake caches its sources at home; the jobs write nothing there.
    assert [path for path in (tmp_path / "HOME").rglob("*") if path.is_file() and "snakemake" not in path.parts] == []
