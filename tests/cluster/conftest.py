"""A cluster, and a site on it that runs the smallest study through `snakemake --profile slurm`."""

import os
import shutil
import subprocess
import sys

import pytest
from house import IMAGES, SHORT, House
from slurm import Slurm

from gliodelta import io

# The smallest cohort in which every stage has work to do and every part of every fold pairs of both classes.
PEOPLE = {"seed": 3, "patients": 8, "human_patients": 1, "human_pairs": 0.5, "early_postoperative": 0, **IMAGES}
STRANGERS = {"seed": 4, "prefix": "b", "patients": 1, "exams": [2, 2], "reports": False, "human_patients": 1, **IMAGES}
COHORTS = {
    "home": {"role": "development", "layout": "dicom", "simulation": PEOPLE},
    "away": {"role": "external", "layout": "brats2015", "skull_stripped": True, "simulation": STRANGERS},
}
CONFIG = {
    "cohorts": list(COHORTS),
    "splits": {"folds": 2, "inner": 1, "validation": 0.5},
    **SHORT,
}
# What this site writes into the profile beside its partitions: the queue is asked soon, and groups are so small that
# several run at a time.
SITE = {
    "slurm-init-seconds-before-status-checks": 3,
    "latency-wait": 5,
    "group-components": {"patients": 5, "exams": 9, "pairs": 9},
}
PARTITIONS = {"SITE-cpu-partition": "cpu", "SITE-gpu-partition": "gpu"}


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """A running cluster, stopped at the end."""
    if os.getuid() or not shutil.which("apt-get"):
        pytest.fail("the cluster tests start a Slurm of their own: they need root on Debian")
    cluster = Slurm(tmp_path_factory.mktemp("slurm"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


class Site(House):
    """A house on a cluster: `cluster` runs there what `snakemake` runs here."""

    def __init__(self, project, folder, slurm):
        super().__init__(project, folder)
        self.slurm = slurm
        for name, cohort in COHORTS.items():
            io.write_yaml(cohort, self.folder / f"config/cohorts/{name}.yaml")
            self.python("-m", "gliodelta.simulation", "sheets", f"config/cohorts/{name}.yaml")
        io.write_yaml(CONFIG, self.folder / "config/house.yaml")
        self._fill_in_profile()
        self._link_profile()

    def copy(self, folder):
        """Returns a site in another folder that stands where this one stands: results, time stamps and records."""
        other = object.__new__(Site)
        other.folder, other.slurm = folder, self.slurm
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        other._link_profile()
        return other

    def cluster(self, *arguments, check=True):
        """Runs the README's command and returns its output."""
        done = subprocess.run(self.command(*arguments), **self.surroundings)
        if check and done.returncode:
            raise AssertionError(f"exited {done.returncode}\n{done.stdout[-6000:]}")
        return done.stdout

    def command(self, *arguments):
        """Returns the command, for a test that starts it itself."""
        return ["snakemake", "--configfile", "config/house.yaml", "--profile", "slurm", *arguments]

    @property
    def surroundings(self):
        """What `subprocess` needs for that command: folder, environment, and the output as one text."""
        environment = {name: value for name, value in self.slurm.environment.items() if not name.startswith("XDG_")}
        environment |= {
            "HOME": str(self.folder / ".home"),
            "PATH": f"{os.path.dirname(sys.executable)}:{environment['PATH']}",
            "PYTHONPATH": str(self.folder / "workflow/src"),
        }
        return {
            "cwd": self.folder,
            "env": environment,
            "text": True,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
        }

    def _fill_in_profile(self):
        """Does what profiles/README.md asks a site to do."""
        file = self.folder / "profiles/slurm/config.yaml"
        text = file.read_text(encoding="utf-8")
        for placeholder, partition in PARTITIONS.items():
            assert placeholder in text, f"the profile does not hold {placeholder}"
            text = text.replace(placeholder, partition)
        file.write_text(text, encoding="utf-8")
        profile = io.read_yaml(file) | SITE
        profile["default-resources"].pop("slurm_account", None)
        io.write_yaml(profile, file)
        assert "SITE" not in file.read_text(encoding="utf-8")

    def _link_profile(self):
        """Makes the README's link in a home of the test's own."""
        home = self.folder / ".home/.config/snakemake"
        home.mkdir(parents=True, exist_ok=True)
        (home / "slurm").unlink(missing_ok=True)
        (home / "slurm").symlink_to(self.folder / "profiles/slurm")


@pytest.fixture(scope="session")
def new_site(project, slurm):
    """A function of a folder that makes it a site on which nothing has run."""
    return lambda folder: Site(project, folder, slurm)


@pytest.fixture(scope="session")
def site(new_site, tmp_path_factory):
    """A site that ran the whole study on the cluster; `console` is what was printed."""
    place = new_site(tmp_path_factory.mktemp("site"))
    place.console = place.cluster()
    return place
