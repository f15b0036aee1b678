"""New exams from a scanner's files to scores in two commands, without training or labels; what is no T2 is refused."""

import os
import subprocess
import sys

import pydicom
import pytest
from finished import Finished, write_results

from gliodelta import io
from gliodelta.external.bundle import write_bundle
from gliodelta.simulation.patient import simulate_patient
from gliodelta.simulation.sheets import write_sheets

pytestmark = pytest.mark.slow

# A patient with three exams in coarse voxels.
PEOPLE = {"seed": 5, "patients": 1, "exams": [3, 3], "reports": False, "human_patients": 0}
PEOPLE |= {"pixel_mm": 3.0, "slice_mm": 6.0, "grid_mm": 3.0}


def scan(folder):
    """Writes the DICOM files of a patient whose last exam has T1 and FLAIR, but no T2; returns their folder."""
    cohort = folder / "people.yaml"
    io.write_yaml({"role": "inference", "layout": "dicom", "simulation": PEOPLE}, cohort)
    write_sheets(str(cohort))
    simulate_patient(str(cohort), "s01", folder / "sub-s01")
    exams = sorted(folder.glob("sub-s01/ses-*"))
    for file in exams[-1].rglob("*.dcm"):
        name = pydicom.dcmread(file, stop_before_pixels=True).SeriesDescription
        if "T2" in name and "FLAIR" not in name:
            file.unlink()
    return folder / "sub-s01"


def run(folder, *arguments):
    """Runs Python in a folder; returns what it printed."""
    command = [sys.executable, "-m", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=os.environ, text=True, capture_output=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def test_new_exams_are_scored_from_raw_files_and_what_is_no_t2_is_refused_with_its_reason(tmp_path):
    raw, desk = scan(tmp_path / "scanner"), tmp_path / "desk"
    write_results(tmp_path / "study")
    write_bundle(tmp_path / "study", "best", Finished({}), tmp_path / "bundle")
    desk.mkdir()
    run(desk, "gliodelta.ingest", "draft", raw, "--key", tmp_path / "key", "--out", "clinic")
    printed = run(desk, "gliodelta.external", "score", tmp_path / "bundle", "clinic.yaml", "scores")
    assert "1 of 2 pairs were scored by 3 models." in printed
    assert "Not scored: 1 for the reason: no T2 series" in printed and "no medical device" in printed
    scored, refused = io.read_table(desk / "scores/ensembles.tsv").to_dict("records")
    assert 0 < scored["mean_probability"] < 1 and scored["members"] == 3 and scored["y_true"] != scored["y_true"]
    assert refused["include"] == "no" and refused["reason"].startswith("no T2 series")
    (prediction,) = io.read_table(desk / "scores/predictions.tsv").to_dict("records")
    assert prediction["split"] == "inference" and prediction["probability"] == scored["mean_probability"]
