"""The committed sheets are those of the seed, and the demo is as large and as mixed as it must be."""

import shutil

import pytest

from gliodelta import io, sheets
from gliodelta.labels.human import labelled
from gliodelta.simulation.__main__ import main
from gliodelta.splits import split_patients


@pytest.mark.parametrize("name", ["demo", "demobrats"])
def test_committed_sheets_are_those_of_the_seed(project, tmp_path, name):
    committed = project / "config" / "cohorts" / name
    shutil.copy(committed.with_suffix(".yaml"), tmp_path)
    assert main(["sheets", str(tmp_path / f"{name}.yaml")]) == 0
    fresh = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
    assert fresh == {path.name: path.read_bytes() for path in committed.iterdir()}


def test_the_demo_is_large_and_mixed_enough(project, tmp_path):
    cohort = sheets.read_cohort(project / "config/cohorts/demo.yaml")
    assert len(cohort["exams"]) == 72 and len(cohort["pairs"]) == 48 and len(cohort["reports"]) == 48
    human = labelled(project / "config/cohorts/demo/labels.tsv")
    assert (human["readers"] == 3).all()
    # Three outer folds with three patients of each class.
    assert human.groupby("y")["subject"].nunique().min() >= 9
    defaults = {"repeats": 1, "validation": 0.25, "stratified": True, "seed": 123}
    settings = defaults | io.read_yaml(project / "config/config.yaml")["splits"]
    split_patients(
        project / "config/cohorts/demo/labels.tsv", settings, tmp_path / "folds.tsv", tmp_path / "balance.tsv"
    )
    parts = io.read_table(tmp_path / "balance.tsv")
    assert parts["fold"].nunique() == 3 and parts["unstable"].between(1, parts["pairs"] - 1).all()


def test_the_external_cohort_has_both_classes_and_its_published_table(project):
    cohort = sheets.read_cohort(project / "config/cohorts/demobrats.yaml")
    assert len({row["subject"] for row in cohort["exams"]}) == 5
    header, *lines = (project / "config/cohorts/demobrats/brats_labels.csv").read_text().split()
    assert header == "sub,ses_diff,t2_label,t2_label_numeric"
    labels = [line.split(",") for line in lines]
    assert {(name, number) for *_, name, number in labels} == {("stable", "0"), ("progression", "1"), ("response", "1")}
    ours = [
        (f"sub-9{row['subject'][1:]}_brats_tcia", f"ses-{row['prior']}_vs_ses-{row['current']}", row["label"])
        for row in cohort["labels"]
    ]
    assert ours == [tuple(line[:3]) for line in labels]


def test_a_misspelt_setting_is_explained(tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text("{role: development, layout: dicom, simulation: {patient: 3}}")
    assert main(["sheets", str(tmp_path / "mine.yaml")]) == 2
    assert "write 'patients'" in capsys.readouterr().err
