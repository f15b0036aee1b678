"""A copy of the project in which a test may edit code, sheets and configuration, and run the workflow."""

import csv
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

PARTS = ("Snakefile", "workflow", "scripts", "config", "profiles", "envs")
# Simulated images of coarse voxels, and trainings of two epochs on maps as small.
IMAGES = {"pixel_mm": 3.0, "slice_mm": 6.0, "grid_mm": 3.0}
SHORT = {
    "training": {
        # 16 voxels are the fewest that four poolings of the encoder allow.
        "grids": {"coarse": {"spacing_mm": [9, 9, 10], "shape": [16, 20, 16]}},
        "epochs": 2,
        "pretraining_epochs": 2,
        "pretraining_learning_rate": 1e-3,
    },
    "tuning": {"workers": 2},
    "evaluation": {"bootstraps": 100},
}


class House:
    """The project's files in a folder of the test's own.

    Attributes:
        folder: where `snakemake` runs.
    """

    def __init__(self, project, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            source = project / part
            if source.is_dir():
                shutil.copytree(source, self.folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, self.folder / part)

    def snakemake(self, *arguments, config="config/house.yaml", check=True):
        """Runs Snakemake and returns its output, stdout and stderr together."""
        command = [sys.executable, "-m", "snakemake", "--configfile", config, "--cores", "2", *arguments]
        return self.run(*command, check=check)

    def python(self, *arguments):
        """Runs Python with the package of this copy."""
        return self.run(sys.executable, *arguments)

    def run(self, *command, check=True):
        """Runs a command in the folder; fails with its output."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder / "workflow" / "src"), "PYTHONHASHSEED": "0"}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command[:6])} ... exited {done.returncode}\n{done.stdout[-6000:]}")
        return done.stdout

    def pending(self, *targets):
        """Returns the number of jobs that would run, by rule (a dry run); {} when nothing would."""
        output = self.snakemake("--dry-run", "--quiet", "reason", *targets)
        if "Nothing to be done" in output:
            return {}
        table = output[output.index("Job stats:") :].splitlines()[3:]
        rows = [line.split() for line in table[: table.index("")]]
        return Counter({name: int(count) for name, count in rows if name not in ("total", "all")})

    def edited(self, name, old, new):
        """Returns a context in which a file has `old` replaced by `new`; its time stamps are put back."""
        return _Edit(self.folder / name, old, new)

    def rows(self, name):
        """Returns the rows of a table as dicts."""
        with open(self.folder / name, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file, delimiter="\t"))


class _Edit:
    def __init__(self, path, old, new):
        self.path, self.old, self.new = path, old, new

    def __enter__(self):
        self.stat, self.text = self.path.stat(), self.path.read_text(encoding="utf-8")
        assert self.old in self.text, f"{self.path.name} does not hold {self.old!r}"
        self.path.write_text(self.text.replace(self.old, self.new, 1), encoding="utf-8")

    def __exit__(self, *error):
        self.path.write_text(self.text, encoding="utf-8")
        os.utime(self.path, ns=(self.stat.st_atime_ns, self.stat.st_mtime_ns))
