"""A simulated patient is whole, true to its plan, and the same every time."""

import hashlib

import numpy as np
import pytest

from gliodelta import io
from gliodelta.simulation.patient import simulate_patient
from gliodelta.simulation.population import show_population


def contents(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_gives_the_same_bytes_and_leftovers_go(clinical, tmp_path):
    folder = tmp_path / "sub-s01"
    folder.mkdir()
    (folder / "leftover").write_text("of a killed job")
    simulate_patient(clinical.file, "s01", folder)
    assert contents(folder) == contents(clinical.folder)


def test_the_truth_is_that_of_the_plan(clinical, atlas):
    for case in (clinical, atlas):
        truth = io.read_json(case.folder / "truth" / "truth.json")
        assert truth["pairs"] == {f"{pair.prior}to{pair.current}": pair.truth for pair in case.plan.pairs}
        assert set(truth["exams"]) == {exam.session for exam in case.plan.exams}
        for exam in case.plan.exams:
            # Slices of 6 mm do not give a volume more exactly.
            assert truth["exams"][exam.session]["volume_ml"] == pytest.approx(exam.volume_ml, rel=0.07)


def test_masks_poses_and_reports_are_beside_the_exams(clinical):
    for exam in clinical.plan.exams:
        stem = clinical.folder / "truth" / f"exam-{exam.session}"
        brain, tumour = (io.read_image(f"{stem}_{kind}.nii.gz") for kind in ("brain", "tumour"))
        assert np.array_equal(brain.affine, tumour.affine)
        outside = np.asarray(tumour.dataobj).astype(bool) & ~np.asarray(brain.dataobj).astype(bool)
        assert outside.sum() <= 0.01 * np.asarray(tumour.dataobj).sum()
        pose = np.loadtxt(f"{stem}_pose.mat")
        assert np.allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-6)
    written = {path.parent.name for path in clinical.folder.rglob("report.txt")}
    assert written == {f"ses-{report.current}" for report in clinical.plan.reports}


def test_the_population_is_drawn_alike_each_time(clinical, atlas, tmp_path):
    pictures = [tmp_path / "one.png", tmp_path / "two.png"]
    for picture in pictures:
        show_population([clinical.folder, atlas.folder], picture)
    first, second = (picture.read_bytes() for picture in pictures)
    assert first == second and first.startswith(b"\x89PNG")
