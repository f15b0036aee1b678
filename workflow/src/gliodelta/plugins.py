"""A variant is a file: the name of a module in a plug-in folder is its entry in the configuration."""

import ast
import importlib
import pkgutil
from pathlib import Path

from gliodelta.schema import InvalidInput

# The folders of plug-ins that trainings use.
ENCODERS = "gliodelta.training.encoders"
REPRESENTATIONS = "gliodelta.training.representations"
LOSSES = "gliodelta.training.losses"
AUGMENTATIONS = "gliodelta.training.augmentation"
METHODS = "gliodelta.pretraining.methods"
STRATEGIES = "gliodelta.transfer.strategies"


def names(package):
    """Returns the sorted names of the plug-ins of `package`, such as ``gliodelta.imaging.registration``."""
    folder = importlib.import_module(package).__path__
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(folder) if module.name[0] != "_")


def check(package, name, place="configuration"):
    """Checks that `package` has a plug-in called `name`; `place` is where the user wrote it.

    Raises:
        InvalidInput: there is no such plug-in; the text lists those there are.
    """
    if name not in names(package):
        kind = package.rsplit(".")[-1].replace("_", " ")
        raise InvalidInput(f"{place}: no {kind} is called {name!r}; choose from {', '.join(names(package))}")


def load(package, name):
    """Imports the plug-in `name` of `package`; a hyphen in `name` stands for an underscore in the file.

    Raises:
        InvalidInput: there is no such plug-in; the text lists those there are.
    """
    check(package, name)
    return importlib.import_module(f"{package}.{name.replace('-', '_')}")


def constant(package, name, key, default=None):
    """Returns the value of the top-level constant `key` of a plug-in, or `default`; reads the source only.

    Plug-ins may import what takes seconds; a check at the start of Snakemake must not.

    Raises:
        InvalidInput: there is no such plug-in.
    """
    check(package, name)
    source = Path(importlib.import_module(package).__file__).with_name(f"{name.replace('-', '_')}.py")
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and key in [getattr(target, "id", None) for target in node.targets]:
            return ast.literal_eval(node.value)
    return default
