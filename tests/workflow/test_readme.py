"""What the README shows is what the workflow does."""

import re
import subprocess
import sys
from itertools import pairwise

import pytest


@pytest.fixture(scope="module")
def rulegraph(project):
    """The rules of the demo and the edges between them, as Snakemake sees them."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js"]
    text = subprocess.run(command, cwd=project, text=True, capture_output=True, check=True).stdout
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", text))
    return set(names.values()), {(names[a], names[b]) for a, b in re.findall(r"(id\d+) --> (id\d+)", text)}


def drawn(project):
    """The rules and edges of the README's picture."""
    text = re.search(r"```mermaid\n(.*?)```", (project / "README.md").read_text(encoding="utf-8"), re.S)[1]
    chains = [
        line.split(" --> ") for line in map(str.strip, text.splitlines()) if "subgraph" not in line and line != "end"
    ]
    names = {name for chain in chains[1:] for name in chain}
    return names, {edge for chain in chains for edge in pairwise(chain)}


def test_the_picture_of_the_rules_is_true(project, rulegraph):
    names, edges = drawn(project)
    assert edges - rulegraph[1] == set()
    # `all` and the descriptions for BIDS tools would only clutter it.
    assert rulegraph[0] - names == {"all", "describe_dataset"}


def committed(project):
    """The paths of the committed Markdown files."""
    command = ["git", "ls-files", "*.md"]
    found = subprocess.run(command, cwd=project, text=True, capture_output=True, check=True).stdout.split()
    assert "README.md" in found and len(found) > 1
    return found


def test_files_that_the_pages_name_exist(project):
    missing = [
        (page, target)
        for page in committed(project)
        for target in re.findall(r"\]\(([^):#]+)[):#]", (project / page).read_text(encoding="utf-8"))
        if not target.startswith(("http", "mailto")) and not (project / page).parent.joinpath(target).exists()
    ]
    assert missing == []
