"""Comments and docstrings change no fingerprint; logic does, wherever a module imports it from."""

import pytest

from gliodelta import fingerprint

FILES = {
    "__init__.py": "",
    "a.py": '"""Module."""\nfrom gliodelta import b\n\n\ndef f(x):\n    """Doc."""\n    return b.g(x)  # why\n',
    "b.py": "def g(x):\n    from gliodelta.c import h\n\n    return h(x) + 1\n",
    "c.py": "def h(x):\n    return x\n",
    "other.py": "VALUE = 1\n",
    "engines/__init__.py": "",
    "engines/fast_one.py": "SPEED = 1\n",
    "scripts/a.py": "from gliodelta.a import f\n\nf(x=1)\n",
    "scripts/b.py": "from gliodelta.b import g\n\ng(x=1)\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package in place of ours; `write` edits it as between two starts of Snakemake."""
    monkeypatch.setattr(fingerprint, "SOURCE", tmp_path)
    monkeypatch.setattr(fingerprint, "SCRIPTS", tmp_path / "gliodelta" / "scripts")

    def write(name, text):
        file = tmp_path / "gliodelta" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        for cached in ("code_of", "closure", "imports", "names_in", "file_of", "text", "tree", "tree_hash"):
            getattr(fingerprint, f"_{cached}").cache_clear()

    for name, text in FILES.items():
        write(name, text)
    return write


@pytest.mark.parametrize(
    ("name", "old", "new", "same"),
    [
        ("a.py", "# why", "# because", True),
        ("a.py", '    """Doc."""\n', "", True),
        ("a.py", '"""Module."""', '"""Another."""', True),
        ("a.py", "\n\n\ndef", "\ndef", True),
        ("a.py", "b.g(x)", "b.g(-x)", False),
        ("b.py", "+ 1", "+ 2", False),
        ("c.py", "return x", "return 2 * x", False),
        ("other.py", "1", "2", True),
        ("engines/fast_one.py", "1", "2", True),
        ("scripts/a.py", "x=1", "x=2", False),
        ("scripts/b.py", "x=1", "x=2", True),
    ],
)
def test_what_changes_a_fingerprint(package, name, old, new, same):
    before = fingerprint.code_of("gliodelta.a")
    assert old in FILES[name]
    package(name, FILES[name].replace(old, new))
    assert (fingerprint.code_of("gliodelta.a") == before) is same


def test_only_the_plugin_in_use_counts(package):
    with_plugin = fingerprint.code_of("gliodelta.a", ["gliodelta.engines.fast-one"])
    without = fingerprint.code_of("gliodelta.a")
    package("engines/fast_one.py", "SPEED = 2\n")
    assert fingerprint.code_of("gliodelta.a") == without
    assert fingerprint.code_of("gliodelta.a", ["gliodelta.engines.fast-one"]) != with_plugin
