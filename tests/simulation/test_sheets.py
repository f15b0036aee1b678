"""The committed sheets are those of the seed, and the demo is as large and as mixed as it must be."""

import collections
import shutil

import pytest

from gliodelta import sheets
from gliodelta.simulation.__main__ import main


@pytest.mark.parametrize("name", ["demo", "demobrats"])
def test_committed_sheets_are_those_of_the_seed(project, tmp_path, name):
    committed = project / "config" / "cohorts" / name
    shutil.copy(committed.with_suffix(".yaml"), tmp_path)
    assert main(["sheets", str(tmp_path / f"{name}.yaml")]) == 0
    fresh = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
    assert fresh == {path.name: path.read_bytes() for path in committed.iterdir()}


def majority(rows):
    votes = collections.Counter(
        "stable" if row["label"] == "stable" else "unstable" for row in rows if row["label"] != "unknown"
    )
    return votes.most_common(1)[0][0]


def test_the_demo_is_large_and_mixed_enough(project):
    cohort = sheets.read_cohort(project / "config/cohorts/demo.yaml")
    assert len(cohort["exams"]) == 72 and len(cohort["pairs"]) == 48 and len(cohort["reports"]) == 48
    read = collections.defaultdict(list)
    for row in cohort["labels"]:
        read[row["subject"], sheets.pair_id(row)].append(row)
    patients = collections.defaultdict(set)
    for (subject, _), rows in read.items():
        assert len(rows) == 3
        patients[majority(rows)].add(subject)
    # Three outer folds with three patients of each class.
    assert len(patients["stable"]) >= 9 and len(patients["unstable"]) >= 9


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
