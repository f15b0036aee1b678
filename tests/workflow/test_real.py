"""Real images through the workflow's own rules: a patient with two visits as NIfTI, and vendors' DICOM."""

import numpy as np
import pytest
from house import House
from sklearn.metrics import roc_auc_score

from gliodelta import io
from gliodelta.imaging.resample import resample

pytestmark = [pytest.mark.slow]
# ITK's world is LPS+, NIfTI's RAS+.
FLIP = np.diag([-1.0, -1, 1, 1])


def draft(house, folder, site, name):
    """Drafts a cohort from `folder` and writes a configuration with it alone."""
    house.python(
        "-m", "gliodelta.ingest", "draft", str(folder), "--key", str(site / "key"),
        "--out", f"config/cohorts/{name}", "--links", str(site / "links.tsv"),
    )  # fmt: skip
    io.write_yaml({"cohorts": [name]}, house.folder / "config/house.yaml")


def itk_matrix(file):
    """The 4x4 matrix, RAS+, of an ITK text transform."""
    lines = dict(line.split(": ") for line in file.read_text().splitlines() if ": " in line)
    parameters, centre = (np.array(lines[key].split(), float) for key in ("Parameters", "FixedParameters"))
    matrix = np.eye(4)
    matrix[:3, :3] = parameters[:9].reshape(3, 3)
    matrix[:3, 3] = parameters[9:] + centre - matrix[:3, :3] @ centre
    return FLIP @ matrix @ FLIP


class Patient:
    """The real patient's expert masks, on the grid of any image of the second visit's world."""

    def __init__(self, folder):
        # An ITK transform leads from the points of its target to those of its source: common space -> FLAIR -> T2.
        steps = [
            itk_matrix(folder / f"study2_{step}.txt") for step in ("T2W_intrastudy_to_FLAIR", "FLAIR_to_common_space")
        ]
        self.folder, self.to_common = folder, np.linalg.inv(steps[0] @ steps[1])

    def mask(self, name, image):
        mask = io.read_image(self.folder / f"{name}.nii.gz")
        data = np.asarray(mask.dataobj, np.float32)
        return resample(data, mask.affine, self.to_common, image.shape[:3], image.affine) > 0.5


@pytest.fixture(scope="module")
def real(project, shared, tmp_path_factory):
    """The workflow's results on the real patient: the house, the row of maps.tsv, the pair's files by their endings."""
    site = tmp_path_factory.mktemp("real")
    house = House(project, site / "house")
    draft(house, shared / "longitudinal_t2" / "patient01", site, "real")
    house.snakemake()
    (row,) = house.rows("results/imaging/real/maps.tsv")
    folder = house.folder / "results/imaging/real" / f"sub-{row['subject']}" / f"pair-{row['prior']}to{row['current']}"
    stem = f"sub-{row['subject']}_pair-{row['prior']}to{row['current']}_"
    return house, row, {path.name.removeprefix(stem): path for path in folder.iterdir()}


def test_the_real_patient_ends_in_a_difference_map_and_its_pictures(real):
    house, row, files = real
    assert row["include"] == "yes", row["reason"]
    assert {"pair.nii.gz", "diff.nii.gz", "desc-absolute_diff.nii.gz", "prior_T2w.nii.gz", "qc.png"} <= set(files)
    assert (house.folder / "results/imaging/real/qc_gallery.png").stat().st_size > 10_000
    # The published figures of this patient: .10 before and .89 after registration.
    assert float(row["qc_similarity_before"]) < 0.4 and float(row["qc_similarity_after"]) >= 0.89


def test_the_real_exams_are_alike_inside_the_published_brain(real, shared):
    house, row, files = real
    prior = io.read_image(files["prior_T2w.nii.gz"])
    exam = f"sub-{row['subject']}/ses-{row['current']}/sub-{row['subject']}_ses-{row['current']}_desc-bias_T2w.nii.gz"
    current = io.read_image(house.folder / "results/imaging/real" / exam)
    current = resample(current.dataobj, current.affine, np.eye(4), prior.shape, prior.affine)
    brain = Patient(shared / "longitudinal_t2" / "patient01").mask("brainmask", prior)
    assert np.corrcoef(prior.get_fdata()[brain], current[brain])[0, 1] >= 0.89


def test_what_the_expert_saw_change_shows_in_the_difference(real, shared):
    *_, files = real
    difference, pair = (io.read_image(files[name]) for name in ("desc-absolute_diff.nii.gz", "pair.nii.gz"))
    patient = Patient(shared / "longitudinal_t2" / "patient01")
    changed, values = patient.mask("gt", difference), difference.get_fdata()
    for brain in (pair.get_fdata().any(axis=-1), patient.mask("brainmask", difference)):
        # The published recipe reaches .78 on this patient.
        assert roc_auc_score(changed[brain], values[brain]) >= 0.84


def test_vendors_dicom_converts_or_has_a_reason(project, shared, tmp_path):
    house = House(project, tmp_path / "house")
    draft(house, shared / "dicom", tmp_path, "vendors")
    house.snakemake("results/ingest/vendors/exams.tsv")
    rows = house.rows("results/ingest/vendors/exams.tsv")
    assert rows
    for row in rows:
        assert (row["status"] == "included") != bool(row["reason"]), row
