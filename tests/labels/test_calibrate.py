"""Probabilities come from the training patients of a fold and from nobody else."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gliodelta import io
from gliodelta.labels.calibrate import COLUMNS, calibrate_labels
from gliodelta.labels.vote import COUNTS

PATIENTS = 24
FLIPPED = {"stable": "progression", "progression": "stable"}


def votes(seed=0, wrong=0.1):
    """Three reports a patient, sessions 0 to 3; the first pair's truth is `truth`, misread at a rate of `wrong`."""
    draw = np.random.default_rng(seed)
    rows = []
    for number in range(PATIENTS):
        for pair in range(3):
            truth = "progression" if (number + pair) % 2 else "stable"
            said = FLIPPED[truth] if draw.random() < wrong else truth
            component = "t2" if draw.random() < 0.7 else "global"
            counts = {**dict.fromkeys(COUNTS, 0), f"conclusion_{component}_{said}": 1}
            row = {"subject": f"p{number:02}", "prior": str(pair), "current": str(pair + 1), "label": said}
            rows.append({**row, "truth": truth, "component": component, "section": "conclusion", **counts})
    return pd.DataFrame(rows)


def sheet(table, labelled=range(PATIENTS)):
    """The readers saw the first pair of the patients in `labelled`."""
    chosen = table[(table["prior"] == "0") & table["subject"].isin([f"p{number:02}" for number in labelled])]
    return chosen[["subject", "prior", "current"]].assign(reader="r1", label=chosen["truth"])


def run(folder, table, labels, tested=range(6), seed=1):
    """Calibrates with the patients in `tested` as the fold's test patients; returns the bytes of both outputs.

    The patients from p18 on validate the inner split.
    """
    part = ["test" if number in tested else "validation" if number >= 18 else "train" for number in range(PATIENTS)]
    folds = pd.DataFrame({"repeat": 1, "fold": 1, "inner": 1, "subject": table["subject"].unique(), "part": part})
    paths = {name: folder / f"{name}.tsv" for name in ("votes", "labels", "folds", "weak", "calibration")}
    for name, content in (("votes", table.drop(columns="truth")), ("labels", labels), ("folds", folds)):
        io.write_table(content, paths[name])
    calibrate_labels(paths["votes"], paths["labels"], paths["folds"], 1, 1, seed, paths["weak"], paths["calibration"])
    return paths["weak"].read_bytes(), paths["calibration"].read_bytes()


@settings(max_examples=15, deadline=None)
@given(tested=st.sets(st.integers(0, PATIENTS - 1), min_size=1, max_size=8), data=st.data())
def test_flipping_a_test_patients_label_changes_no_byte(tmp_path_factory, tested, data):
    folder, table = tmp_path_factory.mktemp("fold"), votes()
    labels = sheet(table)
    flips = data.draw(st.sets(st.sampled_from(sorted(tested)), min_size=1))
    flipped = labels["subject"].isin([f"p{number:02}" for number in flips])
    other = labels.assign(label=labels["label"].where(~flipped, labels["label"].map(FLIPPED)))
    assert run(folder, table, labels, tested) == run(folder, table, other, tested)


@pytest.mark.parametrize("subject", ["p10", "p20"])
def test_a_training_or_validation_patients_label_does_change_the_fit(tmp_path, subject):
    table = votes()
    labels = sheet(table)
    other = labels.assign(label=labels["label"].where(labels["subject"] != subject, labels["label"].map(FLIPPED)))
    assert run(tmp_path, table, labels) != run(tmp_path, table, other)


def test_pairs_that_readers_saw_are_never_weak_and_only_test_patients_are_scored(tmp_path):
    table = votes()
    # p03's readers could not tell: a pair without a majority is still no weak pair.
    labels = sheet(table, range(12)).assign(label=lambda rows: rows["label"].where(rows["subject"] != "p03", "unknown"))
    run(tmp_path, table, labels)
    weak, scored = io.read_table(tmp_path / "weak.tsv"), io.read_table(tmp_path / "calibration.tsv")
    seen = set(zip(labels["subject"], labels["prior"], strict=True))
    assert not seen & set(zip(weak["subject"], weak["prior"], strict=True))
    assert len(weak) == len(table) - len(labels)
    assert list(scored["subject"]) == [f"p{number:02}" for number in range(6)]


def test_probabilities_match_how_often_the_rules_are_right(tmp_path):
    table = pd.concat(
        [votes(seed, wrong=0.2).assign(subject=lambda rows, s=seed: rows["subject"] + str(s)) for seed in range(8)]
    )
    labels = table[["subject", "prior", "current"]].assign(reader="r1", label=table["truth"])[table["prior"] == "0"]
    paths = {name: tmp_path / f"{name}.tsv" for name in ("votes", "labels", "folds", "weak", "calibration")}
    folds = pd.DataFrame({"repeat": 1, "fold": 1, "inner": 1, "subject": ["p000"], "part": "test"})
    for name, content in (("votes", table.drop(columns="truth")), ("labels", labels), ("folds", folds)):
        io.write_table(content, paths[name])
    calibrate_labels(paths["votes"], paths["labels"], paths["folds"], 1, 1, 0, paths["weak"], paths["calibration"])
    weak = io.read_table(paths["weak"])
    assert set(weak["calibrated"]) == {"yes"}
    # Misread at a rate of .2: the mean confidence must say so (192 labelled pairs: standard error .03).
    assert weak["confidence"].mean() == pytest.approx(0.8, abs=0.07)
    assert (weak["confidence"] >= 0.5).all() and (weak["confidence"] <= 1).all()


@pytest.mark.parametrize("labelled", [range(6), range(6, 12)])
def test_too_few_labels_rank_instead(tmp_path, labelled):
    # Test patients only, or three training patients a class.
    table = votes()
    run(tmp_path, table, sheet(table, labelled))
    weak = io.read_table(tmp_path / "weak.tsv")
    assert set(weak["calibrated"]) == {"no"} and set(weak["source"]) == {"rules"}
    assert ((weak["p_unstable"] > 0.5) == (weak["label"] != "stable")).all()
    mean = weak.groupby("component")["confidence"].mean()
    assert mean["t2"] > mean["global"]


def test_a_cohort_without_reports_has_no_weak_labels(tmp_path):
    table = votes()
    labels = sheet(table)
    folds = pd.DataFrame({"repeat": 1, "fold": 1, "inner": 1, "subject": table["subject"].unique(), "part": "test"})
    paths = {name: tmp_path / f"{name}.tsv" for name in ("votes", "labels", "folds", "weak", "calibration")}
    for name, content in (("votes", table.drop(columns="truth")[:0]), ("labels", labels), ("folds", folds)):
        io.write_table(content, paths[name])
    calibrate_labels(paths["votes"], paths["labels"], paths["folds"], 1, 1, 1, paths["weak"], paths["calibration"])
    for name in ("weak", "calibration"):
        written = io.read_table(paths[name])
        assert written.empty and list(written) == COLUMNS


def test_uncertain_reports_are_no_weak_labels(tmp_path):
    table = votes()
    table.loc[table["subject"] == "p23", "label"] = "unknown"
    run(tmp_path, table, sheet(table, range(12)))
    assert "p23" not in set(io.read_table(tmp_path / "weak.tsv")["subject"])
