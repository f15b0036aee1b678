"""The house keeps its floor plan: short rules, thin scripts, clean linters, quick parsing."""

import re
import subprocess
import sys

import pytest


def tool(project, *command):
    """Runs a tool of the environment in the project and returns (exit code, output)."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=project, text=True, capture_output=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        ["snakefmt", "--check", "Snakefile", "workflow/rules"],
        ["snakemake", "--lint"],
    ],
    ids=["ruff check", "ruff format", "snakefmt", "snakemake lint"],
)
def test_linters_find_nothing(project, command):
    code, output = tool(project, *command)
    assert code == 0, output[-3000:]


def rules(project):
    """Yields (file, name, lines) of every rule."""
    for file in [project / "Snakefile", *sorted((project / "workflow" / "rules").glob("*.smk"))]:
        parts = re.split(r"^rule (\w+):\n", file.read_text(encoding="utf-8"), flags=re.M)
        for name, body in zip(parts[1::2], parts[2::2], strict=True):
            lines = body.splitlines()
            inside = [line for line in lines if line.startswith(" ")]
            yield file.stem, name, inside


def test_every_rule_is_declarative_and_has_its_script(project):
    for stage, name, lines in rules(project):
        body = "\n".join(lines)
        assert not re.search(r"^\s+(run|shell):|\blambda\b", body, flags=re.M), name
        if name == "all":
            continue
        assert f'"../../scripts/{name}.py"' in body, name
        assert f'"<logs>/{stage}/' in body and f'"<benchmarks>/{stage}/' in body, name
        assert "code=code_of" in body, name


def test_no_script_calls_what_belongs_to_other_rules(project):
    """A fingerprint counts the scripts that call its module: one more would rerun those rules when it is edited."""
    scripts = {}
    for _, name, lines in rules(project):
        for module in re.findall(r'code_of\w*\(\s*"([^"]+)"', "\n".join(lines)):
            scripts.setdefault(module, set()).add(f"{name}.py")
    for script in (project / "scripts").glob("*.py"):
        called = set(re.findall(r"^from (\S+) import", script.read_text(encoding="utf-8"), flags=re.M))
        others = {module for module in called & set(scripts) if script.name not in scripts[module]}
        assert not others, f"{script.name}: {others}"


def test_every_script_is_thin_and_belongs_to_a_rule(project):
    names = {name for _, name, _ in rules(project)}
    for script in (project / "scripts").glob("*.py"):
        assert script.stem in names
        assert len(script.read_text(encoding="utf-8").splitlines()) <= 40, script.name


def test_modules_and_functions_stay_short(project):
    for file in (project / "workflow" / "src").rglob("*.py"):
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 320, file.name


def test_parsing_imports_no_heavy_package(project):
    code = """
import sys
sys.path.insert(0, "workflow/src")
from gliodelta import io, study
found = study.Study(io.read_yaml("config/config.yaml"))
for arm in found.arms:
    found.code_of_arm("gliodelta.transfer.train", arm)
heavy = ("numpy", "pandas", "torch", "monai", "nibabel", "sklearn", "spacy")
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=project, text=True, capture_output=True, check=True)
    assert done.stdout.strip() == "[]"
