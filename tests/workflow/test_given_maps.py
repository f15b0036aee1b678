"""Published difference maps, with their published tables, through the whole workflow: no exams, no reports."""

from datetime import date, timedelta

import nibabel as nib
import numpy as np
import pytest
from house import SHORT, House

from gliodelta import io

PATIENTS, PAIRS, DAYS = 8, 3, 90
HUMAN = "ipp,comparative_date,exam_date,t2_label_A1"
WEAK = "ipp,comparative_date,exam_date,t2_label_random_forest,mean_t2_and_global"
ARM = {
    "arm": "vgg-mix",
    "encoder": "vgg",
    "representation": "absolute-difference",
    "grid": "coarse",
    "strategies": "mix",
    "recipes": "vgg-most",
    "learning_rates": "1e-3",
    "weight_decays": "0",
    "primary": "yes",
}
CONFIG = SHORT | {
    "cohorts": ["published"],
    "arms": "config/one.tsv",
    "splits": {"folds": 2, "inner": 1, "validation": 0.33},
    "tuning": {"workers": 1},
}


def publish(folder):
    """Writes maps and tables as they were published; a patient's pairs are stable and unstable by turns.

    Each patient has a human label of the first two pairs and a label from the report of the third. One map is empty.
    """
    rng = np.random.default_rng(0)
    axes = np.meshgrid(*[np.linspace(-1.1, 1.1, size) for size in (24, 30, 16)], indexing="ij")
    brain = sum(axis**2 for axis in axes) < 1
    human, weak = [HUMAN], [WEAK]
    for patient in range(1, PATIENTS + 1):
        days = [date(2010, 1, 1) + timedelta(days=DAYS * visit) for visit in range(PAIRS + 1)]
        for number in range(PAIRS):
            prior, current = (f"{day:%Y%m%d}" for day in days[number : number + 2])
            unstable = (patient + number) % 2
            difference = brain * np.abs(rng.normal(0, 1 + unstable, brain.shape)).astype(np.float32)
            write_map(folder, patient, prior, current, difference * (patient + number > 1))
            row = f"{patient},{prior},{current},{unstable}"
            if number < PAIRS - 1:
                human.append(row)
            else:
                weak.append(f"{row},0.9")
    io.write_text("\n".join(human), folder / "human.csv")
    io.write_text("\n".join(weak), folder / "weak.csv")


def write_map(folder, patient, prior, current, difference):
    sessions = f"ses-{prior}_vs_ses-{current}"
    path = folder / f"sub-{patient:06d}" / sessions / f"sub-{patient:06d}_{sessions}_difference_t2_volumes.nii.gz"
    path.parent.mkdir(parents=True)
    nib.save(nib.Nifti1Image(difference, np.diag([-6, -6, 10, 1])), path)


@pytest.fixture(scope="module")
def published(project, tmp_path_factory):
    """A house in which the maps were drafted and the whole workflow ran on them."""
    raw = tmp_path_factory.mktemp("raw")
    publish(raw)
    house = House(project, tmp_path_factory.mktemp("house"))
    house.python(
        "-m", "gliodelta.ingest", "draft", str(raw), "--out", "config/cohorts/published", "--key", str(raw / "key"),
        "--labels", str(raw / "human.csv"), "--weak", str(raw / "weak.csv"),
    )  # fmt: skip
    io.write_text("\n".join("\t".join(row) for row in (ARM, ARM.values())) + "\n", house.folder / "config/one.tsv")
    io.write_yaml(CONFIG, house.folder / "config/house.yaml")
    house.snakemake()
    return house


def splits(house):
    """Returns a dict of list to its counts for each split."""
    found = {}
    for row in house.rows("results/manifests/counts.tsv"):
        found.setdefault(tuple(row[name] for name in ("repeat", "fold", "inner")), {})[row["list"]] = row
    return found.values()


def test_every_map_is_taken_or_has_a_reason(published):
    rows = published.rows("results/imaging/published/maps.tsv")
    assert len(rows) == PATIENTS * PAIRS
    assert [row["reason"] for row in rows if row["reason"]] == ["the difference map is empty"]


def test_the_arm_is_tested_on_the_maps_with_human_labels_and_offered_the_others(published):
    (row,) = (row for row in published.rows("results/evaluation/summary.tsv") if row["arm"] == ARM["arm"])
    # The empty map had a human label.
    assert (int(row["n_maps"]), int(row["n_patients"])) == (PATIENTS * (PAIRS - 1) - 1, PATIENTS)
    for split in splits(published):
        assert int(split["weak"]["pairs"]) == int(split["train"]["patients"]) > 0
        assert split["weak"]["confidence"] == "0.9"


def test_the_methods_claim_no_imaging_and_no_reading_of_reports(published):
    text = (published.folder / "results/evaluation/methods.txt").read_text(encoding="utf-8")
    assert "difference maps of published were made elsewhere and taken as they are" in text
    assert "Weak labels. They were made elsewhere and taken as given." in text
    assert not list(published.folder.glob("results/ingest/published/sub-*"))


def test_a_second_run_finds_nothing_to_do(published):
    assert "Nothing to be done" in published.snakemake()
