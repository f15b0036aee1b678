"""Real images through the workflow's own rules: a patient with two visits as NIfTI, and vendors' DICOM."""

import pytest
from house import House

from gliodelta import io

pytestmark = [pytest.mark.slow]


def draft(house, folder, site, name):
    """Drafts a cohort from `folder` and writes a configuration with it alone."""
    house.python(
        "-m", "gliodelta.ingest", "draft", str(folder), "--key", str(site / "key"),
        "--out", f"config/cohorts/{name}", "--links", str(site / "links.tsv"),
    )  # fmt: skip
    io.write_yaml({"cohorts": [name]}, house.folder / "config/house.yaml")


def test_the_real_patient_ends_in_a_difference_map_and_its_pictures(project, shared, tmp_path):
    house = House(project, tmp_path / "house")
    draft(house, shared / "longitudinal_t2" / "patient01", tmp_path, "real")
    house.snakemake()
    (row,) = house.rows("results/imaging/real/maps.tsv")
    assert row["include"] == "yes", row["reason"]
    # The published figures of this patient: .10 before and .89 after registration; .85 leaves room for another mask.
    assert float(row["qc_similarity_before"]) < 0.4 and float(row["qc_similarity_after"]) > 0.85
    folder = house.folder / "results/imaging/real" / f"sub-{row['subject']}" / f"pair-{row['prior']}to{row['current']}"
    assert {"diff.nii.gz", "qc.png", "qc.json"} <= {path.name.split("_")[-1] for path in folder.iterdir()}
    assert (house.folder / "results/imaging/real/qc_gallery.png").stat().st_size > 10_000


def test_vendors_dicom_converts_or_has_a_reason(project, shared, tmp_path):
    house = House(project, tmp_path / "house")
    draft(house, shared / "dicom", tmp_path, "vendors")
    house.snakemake("results/ingest/vendors/exams.tsv")
    rows = house.rows("results/ingest/vendors/exams.tsv")
    assert rows
    for row in rows:
        assert (row["status"] == "included") != bool(row["reason"]), row
