"""What a configuration asks for: cohorts, arms, recipes and splits. Read at every start of Snakemake, so kept light."""

from itertools import product
from pathlib import Path

from gliodelta.fingerprint import code_of, digest
from gliodelta.ingest import LAYOUTS
from gliodelta.schema import InvalidInput, validate
from gliodelta.sheets import pair_id, read_cohort, read_sheet

DEVELOPMENT, EXTERNAL, INFERENCE = "development", "external", "inference"
# Where the variants live that an arm or a recipe chooses by name.
ENCODERS = "gliodelta.training.encoders"
REPRESENTATIONS = "gliodelta.training.representations"
STRATEGIES = "gliodelta.transfer.strategies"
METHODS = "gliodelta.pretraining.methods"


class Study:
    """A validated configuration with everything it names.

    Attributes:
        config: dict with all defaults filled in (schema `config`).
        cohorts: dict of name to cohort (`sheets.read_cohort`), in the configured order.
        arms, recipes: dicts of name to row; empty without a development cohort.
        development: name of the development cohort, or None.
        external: names of the external cohorts.
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
        self.arms = self._rows("arms", "arm") if self.development else {}
        self.recipes = self._rows("recipes", "recipe") if self.development else {}
        self._check_arms()
        self._exams = self._index("exams", lambda row: row["session"])
        self._pairs = self._index("pairs", pair_id)

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

    def row(self, kind, cohort, subject, key):
        """Returns the row of an exam (`key` is its session) or of a pair (`key` is its id), with the keys of its cohort
        that decide how it is read.
        """
        row = (self._exams if kind == "exams" else self._pairs)[cohort, subject, key]
        return {**row, "layout": self.cohorts[cohort]["layout"], "links": "links" in self.cohorts[cohort]}

    def rows(self, cohort, *kinds, subject=None):
        """Returns the digest of sheets' rows, of one subject or of all, for a rule that depends on their content."""
        sheets = [self.cohorts[cohort][kind] for kind in kinds]
        return digest([[row for row in sheet if subject in (None, row["subject"])] for sheet in sheets])

    def folds(self):
        """Returns (repeat, fold) of every outer fold, counted from 1."""
        splits = self.config["splits"]
        return list(product(range(1, splits["repeats"] + 1), range(1, splits["folds"] + 1)))

    def inner(self):
        """Returns the numbers of the inner splits, counted from 1."""
        return list(range(1, self.config["splits"]["inner"] + 1))

    def recipes_of(self, arm):
        """Returns the names of the recipes that an arm chooses from."""
        return _list(self.arms[arm].get("recipes", ""))

    def code_of_layout(self, module, cohort):
        """Returns the fingerprint of `module` with the layout that the cohort lies in."""
        return code_of(module, [f"{LAYOUTS}.{self.cohorts[cohort]['layout']}"])

    def code_of_recipe(self, module, recipe):
        """Returns the fingerprint of `module` with the plug-ins that the recipe uses."""
        row = self.recipes[recipe]
        return code_of(module, [f"{METHODS}.{row['method']}", *_model_plugins(row)])

    def code_of_arm(self, module, arm):
        """Returns the fingerprint of `module` with the plug-ins that the arm uses."""
        row = self.arms[arm]
        return code_of(module, [*(f"{STRATEGIES}.{name}" for name in _list(row["strategies"])), *_model_plugins(row)])

    def training(self, grid, *unused):
        """Returns what the weights of a training on `grid` depend on: section training with no other grid, without the
        deadline, which decides when and not what, and without the keys `unused`.
        """
        training = {**self.config["training"], "grids": {grid: self.config["training"]["grids"][grid]}}
        return {key: value for key, value in training.items() if key not in ("deadline_minutes", *unused)}

    def grids(self):
        """Returns the names of the grids that the arms use."""
        return sorted({row["grid"] for row in self.arms.values()})

    def _index(self, kind, key):
        return {(name, row["subject"], key(row)): row for name, cohort in self.cohorts.items() for row in cohort[kind]}

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

    def _rows(self, kind, column):
        file = self.config[kind]
        rows = {}
        for line, row in enumerate(read_sheet(file, kind), start=2):
            if row[column] in rows:
                raise InvalidInput(
                    f"{file} line {line}: {column} {row[column]!r} stands there twice; rename one of them"
                )
            if row["grid"] not in self.config["training"]["grids"]:
                raise InvalidInput(
                    f"{file} line {line}: grid {row['grid']!r} is not under training: grids: in the configuration"
                )
            rows[row[column]] = row
        return rows

    def _check_arms(self):
        primary = [name for name, row in self.arms.items() if row["primary"] == "yes"]
        if self.arms and len(primary) != 1:
            raise InvalidInput(
                f"{self.config['arms']}: {len(primary)} arms have primary yes; declare exactly one beforehand"
            )
        for name, row in self.arms.items():
            place = f"{self.config['arms']}: arm {name}"
            if _list(row["strategies"]) != ["scratch"] and not self.recipes_of(name):
                raise InvalidInput(
                    f"{place} has strategies that transfer but no recipes; name rows of {self.config['recipes']}"
                )
            for recipe in self.recipes_of(name):
                if recipe not in self.recipes:
                    raise InvalidInput(f"{place}: recipe {recipe!r} is no row of {self.config['recipes']}")
                self._check_fit(place, row, recipe)

    def _check_fit(self, place, arm, recipe):
        for column in ("encoder", "representation", "grid"):
            theirs = self.recipes[recipe][column]
            if theirs != arm[column]:
                raise InvalidInput(
                    f"{place}: its {column} is {arm[column]} but recipe {recipe} has {theirs}; "
                    "weights fit only the network, input and grid that they were trained with"
                )


def _list(text):
    return text.split(",") if text else []


def _model_plugins(row):
    return [f"{ENCODERS}.{row['encoder']}", f"{REPRESENTATIONS}.{row['representation']}"]
