"""Defacing: no image that shows the face is kept."""

import pytest
from house import House

from gliodelta import io

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("deface", [True, False])
def test_converted_exams_are_deleted_when_exams_are_defaced(project, tmp_path, deface):
    house = House(project, tmp_path)
    io.write_yaml({"cohorts": ["demobrats"], "imaging": {"deface": deface}}, house.folder / "config/house.yaml")
    output = house.snakemake("--dry-run", "results/imaging/demobrats/maps.tsv")
    deleted = [line.split("/")[-1] for line in output.splitlines() if line.startswith("Would remove temporary output")]
    exams = house.rows("config/cohorts/demobrats/exams.tsv")
    expected = [f"sub-{exam['subject']}_ses-{exam['session']}_T2w.nii.gz" for exam in exams]
    assert sorted(deleted) == (sorted(expected) if deface else [])
