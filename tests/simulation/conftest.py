"""Small simulated patients, made once."""

import pytest

from gliodelta import io
from gliodelta.simulation.patient import simulate_patient
from gliodelta.simulation.plan import find_patient, read_settings

# Two exams of coarse voxels, one of them compressed, with a resection cavity; nothing is left to chance.
COARSE = {"pixel_mm": 3.0, "slice_mm": 6.0, "grid_mm": 3.0, "exams": [2, 2], "patients": 1}
CLINICAL = {
    "layout": "dicom",
    "simulation": {**COARSE, "progression": 1, "response": 0, "compressed": 0.5, "resected": 1},
}
ATLAS = {
    "layout": "brats2015",
    "simulation": {**COARSE, "prefix": "b", "pairs": "all", "slice_mm": 3.0, "voxel_jitter": 0, "rotation_degrees": 1},
}


class Simulated:
    """A simulated patient: cohort file, settings, plan and folder."""

    def __init__(self, cohort, subject, folder):
        self.file, self.folder = folder / "cohort.yaml", folder / f"sub-{subject}"
        io.write_yaml({"role": "development", **cohort}, self.file)
        self.settings = read_settings(self.file)
        self.plan = find_patient(self.settings, subject)
        simulate_patient(self.file, subject, self.folder)


@pytest.fixture(scope="session")
def clinical(tmp_path_factory):
    """A patient in DICOM."""
    return Simulated(CLINICAL, "s01", tmp_path_factory.mktemp("clinical"))


@pytest.fixture(scope="session")
def atlas(tmp_path_factory):
    """A patient in the layout of BRATS-2015."""
    return Simulated(ATLAS, "b01", tmp_path_factory.mktemp("atlas"))
