"""One hospital's cohort, run through the whole workflow once; the tests of this folder look at what came out."""

import gzip
import shutil

import hospital as raw_data
import pytest
from house import IMAGES, SHORT, House

from gliodelta import io

# Coarse voxels, two epochs: the smallest cohort in which every stage has work to do.
PEOPLE = {"seed": 3, "patients": 12, "human_patients": 1, "human_pairs": 0.6, **IMAGES}
STRANGERS = {"seed": 4, "prefix": "b", "patients": 3, "exams": [2, 2], "reports": False, "human_patients": 1, **IMAGES}
COHORT = {"role": "development", "layout": "dicom", "simulation": PEOPLE}
EXTERNAL = {"role": "external", "layout": "brats2015", "skull_stripped": True, "simulation": STRANGERS}
CONFIG = {
    "cohorts": ["hospital", "minibrats"],
    "splits": {"folds": 2, "inner": 1, "validation": 0.33},
    **SHORT,
}
BAD = {"unreadable": raw_data.make_unreadable, "missing": raw_data.make_missing, "ambiguous": raw_data.make_ambiguous}


@pytest.fixture(scope="session")
def hospital(project, tmp_path_factory):
    """A house in which the hospital's cohort was drafted and run to the end, three of its exams being bad.

    Attributes of the house beside its own: `bad`, dict of fault to (subject, session), and `console`, what was printed.
    """
    site = tmp_path_factory.mktemp("site")
    house = House(project, tmp_path_factory.mktemp("house"))
    lists = raw_data.admit(*_simulate(house, site), site / "raw")
    house.console = house.python(
        "-m", "gliodelta.ingest", "draft", str(site / "raw"), "--out", "config/cohorts/hospital",
        "--key", str(site / "key"), "--links", str(site / "links.tsv"),
        "--labels", str(lists["labels"]), "--reports", str(lists["reports"]),
    )  # fmt: skip
    house.bad = _spoil(site / "links.tsv")
    io.write_yaml(EXTERNAL, house.folder / "config/cohorts/minibrats.yaml")
    house.console += house.python("-m", "gliodelta.simulation", "sheets", "config/cohorts/minibrats.yaml")
    io.write_yaml(CONFIG, house.folder / "config/house.yaml")
    house.console += house.snakemake()
    house.console += house.snakemake("--report", "report.html")
    house.console += house.snakemake("--report", "report.zip")
    # Unpacked, so that `written` looks into it.
    shutil.unpack_archive(house.folder / "report.zip", house.folder / "unzipped")
    return house


def _simulate(house, site):
    """Simulates the hospital's exams beside the house and returns the cohort's YAML and the folder."""
    cohort = site / "people.yaml"
    io.write_yaml(COHORT, cohort)
    house.python("-m", "gliodelta.simulation", "sheets", str(cohort))
    code = (
        "import sys; from gliodelta import sheets; from gliodelta.simulation.patient import simulate_patient\n"
        "for subject in sorted({row['subject'] for row in sheets.read_cohort(sys.argv[1])['exams']}):\n"
        "    simulate_patient(sys.argv[1], subject, f'{sys.argv[2]}/sub-{subject}')"
    )
    house.python("-c", code, str(cohort), str(site / "simulated"))
    return cohort, site / "simulated"


def _spoil(links):
    """Spoils the second exams of three patients and returns who they are."""
    rows = io.read_table(links)
    seconds = rows[rows.groupby("subject").cumcount() == 1].head(len(BAD))
    bad = {}
    for (fault, spoil), exam in zip(BAD.items(), seconds.itertuples(), strict=True):
        spoil(exam.source)
        bad[fault] = (exam.subject, exam.session)
    return bad


@pytest.fixture(scope="session")
def written(hospital):
    """Everything that the runs wrote or printed, as (name, bytes), compressed files unpacked; the code left out."""
    own = {"workflow", "scripts", "envs", "profiles"}
    files = [path for part in hospital.folder.iterdir() if part.name not in own for path in [part, *part.rglob("*")]]
    files = [path for path in files if path.is_file()]
    contents = [(str(path.relative_to(hospital.folder)), path.read_bytes()) for path in files]
    contents += [(name, gzip.decompress(data)) for name, data in contents if data[:2] == b"\x1f\x8b"]
    return [*contents, ("console", hospital.console.encode())]
