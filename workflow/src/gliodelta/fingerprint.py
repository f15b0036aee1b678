"""What a job's code is, as a short hash: equal as long as only comments, docstrings or layout change.

Snakemake does not see the package behind a thin script. Every rule therefore has ``params: code=code_of(...)``: the
hash of the syntax trees of the module, of all modules of this package that it imports (at any depth, also inside
functions), of the plug-ins that the job loads by name, and of the scripts that call the module. A changed hash is a
changed parameter, which reruns the rule.
"""

import ast
import functools
import hashlib
import json
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1]
SCRIPTS = SOURCE.parents[1] / "scripts"
PACKAGE = __name__.split(".")[0]


def digest(document, length=12):
    """Returns the first `length` hexadecimal digits of the SHA-256 of a JSON-able `document`."""
    text = json.dumps(document, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def code_of(module, plugins=()):
    """Returns the fingerprint of the code that a job runs.

    Args:
        module: dotted name of the module that the script calls, such as ``gliodelta.imaging.register``.
        plugins: dotted names of the plug-in modules that this job loads by name (hyphens allowed).
    """
    return _code_of(module, tuple(name.replace("-", "_") for name in plugins))


# Asked for every exam of a cohort.
@functools.cache
def _code_of(module, plugins):
    closure = sorted(set().union(*(_closure(name) for name in (module, *plugins))))
    files = {**{name: _file_of(name) for name in closure}, **_callers(module)}
    return digest({name: _tree_hash(file) for name, file in files.items()})


def _callers(module):
    """Scripts that import `module`; only those that hold its last name are parsed to see whether they do."""
    named = [file for file in sorted(SCRIPTS.glob("*.py")) if module.rpartition(".")[2] in _text(file)]
    return {f"scripts/{file.name}": file for file in named if module in _names_in(file)}


@functools.cache
def _closure(module):
    """Names of `module` and of all modules of the package that it imports, directly or not."""
    found, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imports(name)
    return frozenset(found)


@functools.cache
def _imports(module):
    names = {module.rsplit(".", depth)[0] for depth in range(1, module.count(".") + 1)} - {PACKAGE}
    names |= _names_in(_file_of(module))
    return sorted(name for name in names if name.startswith(f"{PACKAGE}.") and _file_of(name))


@functools.cache
def _names_in(file):
    """Dotted names that a file imports: modules, and what it takes from them, which may be modules too."""
    names = set()
    for node in _statements(_tree(file)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@functools.cache
def _file_of(module):
    base = SOURCE.joinpath(*module.split("."))
    for file in (base.with_suffix(".py"), base / "__init__.py"):
        if file.is_file():
            return file
    return None


@functools.cache
def _text(file):
    return file.read_text(encoding="utf-8")


@functools.cache
def _tree(file):
    return ast.parse(_text(file))


def _statements(node):
    """Yields the statements below a node, at any depth. `ast.walk` is slower: it visits every expression, too."""
    for part in ("body", "handlers", "cases", "orelse", "finalbody"):
        for statement in getattr(node, part, ()):
            yield statement
            yield from _statements(statement)


@functools.cache
def _tree_hash(file):
    return hashlib.sha256(ast.dump(_without_docstrings(_tree(file))).encode()).hexdigest()


def _without_docstrings(tree):
    for node in (tree, *_statements(tree)):
        body = getattr(node, "body", ())
        if body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                node.body = body[1:] or [ast.Pass()]
    return tree
