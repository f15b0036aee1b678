"""The files of one outer fold with its inner splits, a study of them, and ways to run it."""

import contextlib
import multiprocessing
import os
import signal
from itertools import count
from unittest.mock import Mock, patch

import torch

from gliodelta import io
from gliodelta.training.models import save_model
from gliodelta.tuning import select
from gliodelta.tuning.journal import Journal
from gliodelta.tuning.study import study_folder, write_study
from gliodelta.tuning.worker import work

FORK = multiprocessing.get_context("fork")

ARM = {
    "arm": "transfer",
    "encoder": "vgg",
    "representation": "absolute-difference",
    "grid": "coarse",
    "strategies": "scratch,mix,fine-tune",
    "recipes": "most,sure",
    "learning_rates": "1e-3,1e-4",
    "weight_decays": "0",
    "primary": "yes",
}
RECIPES = {
    "most": {"recipe": "most", "grid": "coarse", "cut": "0.8"},
    "sure": {"recipe": "sure", "grid": "fine", "cut": "0.4"},
}
TRAINING = {"epochs": 2, "seed": 7}


class Fold:
    """Files of an outer fold, as the rule hands them over."""

    def __init__(self, folder, splits=2):
        self.folder = folder
        self.caches = {grid: folder / f"grid-{grid}.safetensors" for grid in ("coarse", "fine")}
        self.checksums = [
            self.write(f"grid-{grid}.sha256", f"{grid}  grid-{grid}.safetensors\n") for grid in self.caches
        ]
        inner = range(1, splits + 1)
        both = [(recipe, split) for recipe in RECIPES for split in inner]
        self.files = {
            name: [self.write(f"inner-{split}/{name}.tsv", f"subject\ty\n{name}\t0\n{name}\t1\n") for split in inner]
            for name in ("train", "validation", "weak")
        }
        self.files["lineages"] = [self.lineage(f"inner-{split}/lineage.json", split) for split in inner]
        self.files["encoder_lineages"] = [self.lineage(f"{recipe}/inner-{split}.json", split) for recipe, split in both]
        self.files["encoders"] = [self.encoder(path) for path in self.files["encoder_lineages"]]

    def write(self, name, text):
        io.write_text(text, self.folder / name)
        return self.folder / name

    def lineage(self, name, inner):
        io.write_json({"repeat": 1, "fold": 1, "inner": inner, "excluded": f"patients{inner}"}, self.folder / name)
        return self.folder / name

    def encoder(self, lineage):
        """Writes weights whose card names the lineage beside them."""
        path = lineage.with_suffix(".safetensors")
        save_model(torch.nn.LayerNorm(1), {"lineage": io.read_json(lineage)}, path)
        return path

    def study(self, **changes):
        """Writes study.json and returns its path."""
        given = {
            "arm": ARM,
            "recipes": RECIPES,
            "training": TRAINING,
            "fold": {"repeat": 1, "fold": 1},
            "seed": 123,
            "code": "c",
        }
        output = self.folder / "study.json"
        write_study(**{**given, **changes}, files=self.files, checksums=self.checksums, output=output)
        return output


def auc(setting, inner):
    """A known function of the setting and the inner split, best for fine-tuning from `sure` at 1e-4."""
    value = {"scratch": 0.5, "mix": 0.6, "fine-tune": 0.7}[setting["strategy"]]
    value += 0.05 * (setting["recipe"] == "sure") + 0.02 * (setting["learning_rate"] == 1e-4)
    return value + 0.1 * inner


class Run:
    """A study on its way: its content, its folder under scratch, and its workers."""

    def __init__(self, fold, scratch, **changes):
        self.path = fold.study(**changes)
        self.study = io.read_json(self.path)
        self.scratch, self.out = scratch, scratch.parent
        self.folder = study_folder(self.study, scratch)

    def worker(self, number, objective=auc, rung=1):
        work(self.study, rung, number, self.folder, objective)

    def workers(self, *arguments):
        """Runs one worker process per tuple of arguments, all at the same time; returns the exit codes."""
        processes = [FORK.Process(target=self.worker, args=given) for given in arguments]
        for process in processes:
            process.start()
        for process in processes:
            process.join(timeout=60)
        return [process.exitcode for process in processes]

    def trials(self):
        return Journal(self.study, self.folder).trials()

    def select(self, name="selected", pictures=True):
        """Selects into the folder `name`, which it returns; pictures take most of the time."""
        files = {"best": "best.yaml", "trials": "trials.tsv", "journal": "journal.log"}
        files |= {"figure": "trials.png", "optuna_figure": "optuna.png"}
        with contextlib.nullcontext() if pictures else patch.multiple(select, draw_settings=Mock(), draw_optuna=Mock()):
            select.select_trial(self.path, self.scratch, **{key: self.out / name / file for key, file in files.items()})
        return self.out / name

    def table(self):
        """What trials.tsv says so far."""
        return select.tabulate(self.study, self.trials()[: self.study["budget"]])


def killed_at(call, objective=auc):
    """An objective whose process is killed at its `call`-th call, as a cluster kills a job."""
    calls = count(1)

    def killed(setting, inner):
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return objective(setting, inner)

    return killed
