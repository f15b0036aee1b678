"""A variant is a file: the name of a module in a plug-in folder is its entry in the configuration."""

import importlib
import pkgutil


def names(package):
    """Returns the sorted names of the plug-ins of `package`, such as ``gliodelta.imaging.registration``."""
    folder = importlib.import_module(package).__path__
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(folder) if module.name[0] != "_")


def load(package, name):
    """Imports the plug-in `name` of `package`; a hyphen in `name` stands for an underscore in the file.

    Raises:
        ValueError: there is no such plug-in; the text lists those there are.
    """
    if name not in names(package):
        raise ValueError(
            f"no {package.rsplit('.')[-1]} plug-in is called {name!r}; choose from {', '.join(names(package))}"
        )
    return importlib.import_module(f"{package}.{name.replace('-', '_')}")
