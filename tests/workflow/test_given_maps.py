"""Published difference maps, with their published tables, through the whole workflow: no exams, no reports."""

import pytest
from house import SHORT, House
from published import PAIRS, PATIENTS, publish

from gliodelta import io

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
