"""The provenance says of what results were made, is the same for the same study, and holds no path."""

import hashlib
import shutil
import subprocess

import pytest
from toy import CARD

from gliodelta import io
from gliodelta.evaluation import provenance
from gliodelta.schema import InvalidInput
from gliodelta.training.models import build_model, save_model

SPLIT = {"repeat": 1, "fold": 2, "inner": 1, "excluded": "0123456789ab"}
COHORTS = {"home": {"simulation": {"seed": 7}}, "away": {"simulation": {}}, "real": {"simulation": None}}
# sha256sum of the two files below.
SUMMARY = "309b0e45a73d3fc5325e2b6ed0a01ef8b9cde6b05a5633c1f893f970d52bfddc"
LABELS = "5ea2ee4a7a4787b19d305df0a2b5f0fbdf1c5ad099b567832b7b8acc32b34fd4"


@pytest.fixture
def run(tmp_path):
    """Arguments of `record_provenance` for one trained model, one table and one sheet."""
    results = tmp_path / "secretfolder" / "results"
    model = results / "transfer" / "ours" / "model.safetensors"
    model.parent.mkdir(parents=True)
    save_model(build_model(CARD), {**CARD, "lineage": SPLIT}, model)
    lineage = {**SPLIT, "arm": "ours", "status": "trained", "setting": {"strategy": "mix"}, "reason": ""}
    io.write_json(lineage, model.with_name("lineage.json"))
    (results / "evaluation").mkdir()
    (results / "evaluation" / "summary.tsv").write_text("a\n1\n")
    (tmp_path / "labels.tsv").write_text("subject\nP0815\n")
    exams = results / "ingest" / "home" / "exams.tsv"
    exams.parent.mkdir(parents=True)
    exams.write_text("subject\tvoxels_digest\nP0815\t0123456789012345\nP0816\tn/a\n")
    grid = results / "imaging" / "home" / "grid-coarse.sha256"
    grid.parent.mkdir(parents=True)
    grid.write_text("c0ffee  grid-coarse.safetensors\n")
    settings = {"splits": {"seed": 4, "folds": 3}, "tuning": {"seed": 5}, "cohorts": ["home"], "labels": {}}
    return {
        "study": {"settings": settings, "cohorts": COHORTS, "arms": {"ours": {"encoder": "vgg"}}, "recipes": {}},
        "sheets": {"home/labels.tsv": tmp_path / "labels.tsv"},
        "results": results,
        "images": {"exams": [exams], "grids": [grid]},
        "tables": [results / "evaluation" / "summary.tsv"],
        "weights": [model],
        "document": results / "evaluation" / "provenance.json",
    }


def test_it_tells_weights_tables_sheets_and_seeds(run):
    provenance.record_provenance(**run)
    found = io.read_json(run["document"])
    assert found["weights"] == [
        {
            "file": "transfer/ours/model.safetensors",
            **SPLIT,
            "status": "trained",
            "setting": {"strategy": "mix"},
            "sha256": hashlib.sha256(run["weights"][0].read_bytes()).hexdigest(),
        }
    ]
    assert found["results_sha256"] == {"evaluation/summary.tsv": SUMMARY}
    assert found["sheets_sha256"] == {"home/labels.tsv": LABELS}
    # The seed of the second simulation is the schema's default.
    assert found["seeds"] == {"splits": 4, "tuning": 5, "simulation": {"home": 7, "away": 1}}
    assert found["exams"] == {"home": ["0123456789012345", None]}
    assert found["maps_sha256"] == {"imaging/home/grid-coarse": "c0ffee"}
    assert found["settings"]["splits"]["folds"] == 3 and found["arms"]["ours"]["encoder"] == "vgg"
    assert found["environment"]["packages"]["numpy"] == __import__("numpy").__version__
    assert len(found["software"]["code"]) == 12


def test_it_holds_no_path_and_no_row_of_a_sheet(run):
    provenance.record_provenance(**run)
    text = run["document"].read_text(encoding="utf-8")
    assert "secretfolder" not in text and "P0815" not in text and str(run["results"].parent.parent) not in text


def test_equal_studies_are_equal_files(run):
    provenance.record_provenance(**run)
    first = run["document"].read_bytes()
    provenance.record_provenance(**run)
    assert run["document"].read_bytes() == first


def test_weights_of_another_split_than_their_lineage_says_are_refused(run):
    lineage = run["weights"][0].with_name("lineage.json")
    io.write_json({**io.read_json(lineage), "excluded": "ba9876543210", "fold": 3}, lineage)
    with pytest.raises(InvalidInput, match=r"fold 2 .* fold 3"):
        provenance.record_provenance(**run)


@pytest.fixture
def checkout(tmp_path):
    """A git checkout with one commit."""
    if not shutil.which("git"):
        pytest.skip("needs git")
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "code.py").write_text("1\n")
    own = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "--quiet"], ["add", "."], [*own, "commit", "--quiet", "-m", "first"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def test_the_commit_is_told_and_whether_files_differ_from_it(checkout):
    head = (checkout / ".git" / (checkout / ".git" / "HEAD").read_text().split()[1]).read_text().strip()
    assert provenance.read_commit(checkout) == {"commit": head, "modified": False, "reason": ""}
    (checkout / "code.py").write_text("2\n")
    assert provenance.read_commit(checkout) == {"commit": head, "modified": True, "reason": ""}


def test_a_copy_inside_another_checkout_has_no_commit(checkout):
    inner = checkout / "copy"
    inner.mkdir()
    found = provenance.read_commit(inner)
    assert found["commit"] is None and found["modified"] is None and "no git checkout of its own" in found["reason"]


def test_without_git_or_a_checkout_the_reason_says_so(tmp_path, monkeypatch):
    # No folder above counts as one.
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    found = provenance.read_commit(tmp_path)
    assert found["commit"] is None and str(tmp_path) not in found["reason"]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.read_commit(tmp_path) == {"commit": None, "modified": None, "reason": "git is not installed"}
