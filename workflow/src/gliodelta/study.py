"""What a configuration asks for: cohorts, arms, recipes and splits. Read at every start of Snakemake, so kept light."""

from itertools import product
from pathlib import Path

from gliodelta import plugins
from gliodelta.evidence.design import check_design
from gliodelta.experiments import listed, read_experiments, training_plugins
from gliodelta.fingerprint import code_of, digest
from gliodelta.ingest import LAYOUTS
from gliodelta.schema import InvalidInput, validate
from gliodelta.sheets import find, map_path, read_cohort, report_path, source_path
from gliodelta.splits import check_share

DEVELOPMENT, EXTERNAL, INFERENCE = "development", "external", "inference"
# The only representation that can be made of a difference map without its exams.
MAPS_ONLY = "absolute-difference"
# Models that read reports, by name in the configuration.
PARTS = "gliodelta.labels.parts"
# Steps of imaging whose engine the configuration names.
ENGINES = ("brain_extraction", "bias_correction", "registration", "normalisation")


class Study:
    """A validated configuration with everything it names.

    Attributes:
        config: dict with all defaults filled in (schema `config`).
        cohorts: dict of name to cohort (`sheets.read_cohort`), in the configured order.
        arms, recipes: dicts of name to row; empty without a development cohort or a study on simulated patients.
        development: name of the development cohort, or None.
        external, inference: names of the cohorts with these roles.
    """

    def __init__(self, config):
        """Reads and checks everything.

        Args:
            config: dict from config.yaml.

        Raises:
            InvalidInput: with the file and what to write instead.
        """
        self.config = validate(dict(config), "config", "configuration")
        self.cohorts = {name: read_cohort(self.cohort_file(name)) for name in self.config["cohorts"]}
        self.development = self._development()
        self.external = [name for name, cohort in self.cohorts.items() if cohort["role"] == EXTERNAL]
        self.inference = [name for name, cohort in self.cohorts.items() if cohort["role"] == INFERENCE]
        trains = self.development or self.config["evidence"]["replicates"]
        self.arms, self.recipes = read_experiments(self.config) if trains else ({}, {})
        self._exams = {
            (name, row["subject"], row["session"]): row
            for name, cohort in self.cohorts.items()
            for row in cohort["exams"]
        }
        self._check_plugins()
        self._check_representations()
        self._check_patients()
        self._check_tuning()
        if self.development:
            check_share(self.config["splits"])
        check_design(self.config, self.arms, self.recipes)

    def cohort_file(self, name):
        """Returns the path of the YAML of cohort `name`."""
        return str(Path(self.config["cohorts_folder"]) / f"{name}.yaml")

    def sheet(self, kind, cohort=None):
        """Returns the path of a sheet, by default the development cohort's."""
        cohort = cohort or self.development
        return str(
            Path(self.cohorts[cohort].get("sheets") or Path(self.cohort_file(cohort)).with_suffix("")) / f"{kind}.tsv"
        )

    def subjects(self, cohort):
        """Returns the subjects of a cohort in the order of its sheet."""
        return list(dict.fromkeys(row["subject"] for row in self.cohorts[cohort]["exams"]))

    def exam_state(self, cohort, subject, session):
        """Returns the digest of where an exam lies, how it is read and when its source last changed: no raw path."""
        found = self.cohorts[cohort]
        row = self._exams[cohort, subject, session]
        where = None if "simulation" in found else self._state(source_path, self.cohort_file(cohort), subject, session)
        return digest([row, found["layout"], where])

    def map_state(self, cohort, subject, prior, current):
        """Returns the digest of where the given difference map of a pair lies and when it last changed."""
        return digest(self._state(map_path, self.cohort_file(cohort), subject, prior, current))

    def with_maps_only(self):
        """Returns the names of the cohorts of which difference maps are given, and no exams."""
        return [name for name, cohort in self.cohorts.items() if cohort.get("map_links")]

    def report_states(self, cohort):
        """Returns the digest of the cohort's reports: where each lies and when it last changed."""
        found = self.cohorts[cohort]
        states = [None if "simulation" in found else self._state(report_path, found, row) for row in found["reports"]]
        return digest([found["reports"], states])

    def simulated_subject(self, cohort, subject):
        """Returns the digest of what a subject's simulation depends on: its exams and the cohort's settings."""
        found = self.cohorts[cohort]
        settings = validate(found["simulation"], "simulation", f"{self.cohort_file(cohort)}, simulation")
        return digest([find(found, "exams", subject=subject), found["layout"], settings])

    def rows(self, cohort, *kinds):
        """Returns the digest of sheets, for a rule that depends on their content."""
        return digest([self.cohorts[cohort][kind] for kind in kinds])

    def folds(self):
        """Returns (repeat, fold) of every outer fold, counted from 1."""
        splits = self.config["splits"]
        return list(product(range(1, splits["repeats"] + 1), range(1, splits["folds"] + 1)))

    def inner(self):
        """Returns the numbers of the inner splits, counted from 1."""
        return list(range(1, self.config["splits"]["inner"] + 1))

    def rungs(self):
        """Returns the numbers of the rungs of a tuning, from 1: one an inner split where settings are pruned."""
        return [1] if self.config["tuning"]["pruning"] == "none" else self.inner()

    def recipes_of(self, arm):
        """Returns the names of the recipes that an arm chooses from."""
        return listed(self.arms[arm], "recipes")

    def label_models(self):
        """Returns the plug-ins that read reports: those that are stacked, then those to compare with."""
        labels = self.config["labels"]
        return list(dict.fromkeys([*labels["parts"], *labels["baselines"]]))

    def code_of_layout(self, module, cohort):
        """Returns the fingerprint of `module` with the layout that the cohort lies in."""
        return code_of(module, [f"{LAYOUTS}.{self.cohorts[cohort]['layout']}"])

    def code_of_recipe(self, module, recipe):
        """Returns the fingerprint of `module` with the plug-ins that the recipe uses."""
        row = self.recipes[recipe]
        return code_of(module, [f"{plugins.METHODS}.{row['method']}", *training_plugins(row)])

    def code_of_arm(self, module, arm):
        """Returns the fingerprint of `module` with the plug-ins that the arm uses."""
        row = self.arms[arm]
        strategies = [f"{plugins.STRATEGIES}.{name}" for name in listed(row, "strategies")]
        return code_of(module, [*strategies, *training_plugins(row)])

    def training(self, grids, *unused):
        """Returns what the weights of a training on `grids` depend on: section training with no other grid and without
        the keys `unused`.
        """
        training = {
            **self.config["training"],
            "grids": {grid: self.config["training"]["grids"][grid] for grid in grids},
        }
        return {key: value for key, value in training.items() if key not in unused}

    def grids_of(self, arm):
        """Returns the names of the grids that an arm may train on: its own, then those of its recipes' encoders."""
        rows = [self.arms[arm], *(self.recipes[recipe] for recipe in self.recipes_of(arm))]
        return list(dict.fromkeys(row["grid"] for row in rows))

    def grids(self):
        """Returns the names of the grids that the arms use."""
        return sorted({row["grid"] for row in self.arms.values()})

    @staticmethod
    def _state(find_path, *where):
        try:
            path = find_path(*where)
            stat = path.stat()
        except (LookupError, OSError):
            # The job that reads it will say what is missing.
            return None
        return [str(path), stat.st_size, stat.st_mtime_ns]

    def _development(self):
        names = [name for name, cohort in self.cohorts.items() if cohort["role"] == DEVELOPMENT]
        if len(names) > 1:
            raise InvalidInput(
                f"configuration: cohorts {', '.join(names)} all have the role development; keep one of them"
            )
        if names and not self.cohorts[names[0]]["labels"]:
            raise InvalidInput(
                f"{self.sheet('labels', names[0])}: no human labels; a development cohort needs some. "
                "Add labels, or give the cohort the role inference to stop at the difference maps"
            )
        return names[0] if names else None

    def _check_plugins(self):
        imaging = self.config["imaging"]
        wanted = [(LAYOUTS, cohort["layout"], self.cohort_file(name)) for name, cohort in self.cohorts.items()]
        wanted += [(f"gliodelta.imaging.{kind}", imaging[kind], f"configuration, imaging: {kind}") for kind in ENGINES]
        place = "configuration, imaging: registration_fallback"
        wanted += [("gliodelta.imaging.registration", name, place) for name in imaging["registration_fallback"]]
        wanted += [(PARTS, name, "configuration, labels: parts or baselines") for name in self.label_models()]
        for package, name, place in wanted:
            plugins.check(package, name, place)

    def _check_patients(self):
        home = set(self.subjects(self.development)) if self.development else set()
        for name in self.external:
            both = sorted(home & set(self.subjects(name)))
            if both:
                raise InvalidInput(
                    f"{self.sheet('exams', name)}: {len(both)} subjects, such as {both[0]}, are also in the "
                    "development cohort, so that the external test would not be one; leave them out, or, if they are "
                    "other people, give them other ids"
                )

    def _check_tuning(self):
        if self.config["tuning"]["pruning"] != "none" and len(self.rungs()) < 2:
            raise InvalidInput(
                "configuration, tuning: pruning: halving decides after each inner split, and there is one; "
                "write splits: inner: 3, or pruning: none"
            )

    def _check_representations(self):
        """Refuses what cannot be made of a difference map alone."""
        for cohort, (kind, rows) in product(self.with_maps_only(), (("arms", self.arms), ("recipes", self.recipes))):
            for name, row in rows.items():
                if row["representation"] != MAPS_ONLY:
                    raise InvalidInput(
                        f"{self.config[kind]}, row {name}: the representation {row['representation']} needs both "
                        f"exams of a pair, but of cohort {cohort} only difference maps are given; write {MAPS_ONLY}, "
                        "or leave the cohort out"
                    )
