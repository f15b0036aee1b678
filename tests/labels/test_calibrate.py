"""Probabilities come from the training patients of a fold and from nobody else."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gliodelta import io
from gliodelta.labels import calibrate as calibration
from gliodelta.labels.calibrate import COLUMNS, by_rank, calibrate_labels
from gliodelta.labels.extract import extract_reports
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
            rows.append(
                {**row, "truth": truth, "component": component, "section": "conclusion", "language": "fr", **counts}
            )
    return pd.DataFrame(rows)


def sheet(table, labelled=range(PATIENTS)):
    """The readers saw the first pair of the patients in `labelled`."""
    chosen = table[(table["prior"] == "0") & table["subject"].isin([f"p{number:02}" for number in labelled])]
    return chosen[["subject", "prior", "current"]].assign(reader="r1", label=chosen["truth"])


def calibrate(folder, table, labels, folds, **models):
    """Runs `calibrate_labels` on tables, with the rules alone unless `models` has more; returns its outputs' paths."""
    inputs = {"votes": table.drop(columns="truth"), "labels": labels, "folds": folds}
    for name, content in inputs.items():
        io.write_table(content, folder / f"{name}.tsv")
    outputs = {name: folder / f"{name}.tsv" for name in ("weak", "calibration", "noise")}
    models = {"parts": ["rules"], "baselines": [], "seed": 1, **models}
    paths = (folder / f"{name}.tsv" for name in inputs)
    calibrate_labels(*paths, {"repeat": 1, "fold": 1}, models, {"cohort_file": None, "simulated": []}, outputs)
    return outputs


def run(folder, table, labels, tested=range(6)):
    """Calibrates with the patients in `tested` as the fold's test patients; returns the bytes of the outputs.

    The patients from p18 on validate the inner split.
    """
    part = ["test" if number in tested else "validation" if number >= 18 else "train" for number in range(PATIENTS)]
    folds = pd.DataFrame({"repeat": 1, "fold": 1, "inner": 1, "subject": table["subject"].unique(), "part": part})
    return [path.read_bytes() for path in calibrate(folder, table, labels, folds).values()]


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
    folds = pd.DataFrame({"repeat": 1, "fold": 1, "inner": 1, "subject": ["p000"], "part": "test"})
    weak = io.read_table(calibrate(tmp_path, table, labels, folds)["weak"])
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
    assert set(weak["calibrated"]) == {"no"} and set(weak["source"]) == {"rank"}
    assert ((weak["p_unstable"] > 0.5) == (weak["label"] != "stable")).all()
    mean = weak.groupby("component")["confidence"].mean()
    assert mean["t2"] > mean["global"]


def test_a_cohort_without_reports_has_no_weak_labels(tmp_path):
    table = votes()
    labels = sheet(table)
    folds = pd.DataFrame({"repeat": 1, "fold": 1, "inner": 1, "subject": table["subject"].unique(), "part": "test"})
    outputs = calibrate(tmp_path, table[:0], labels, folds)
    for name, columns in (("weak", COLUMNS), ("calibration", [*COLUMNS, "rules"])):
        written = io.read_table(outputs[name])
        assert written.empty and list(written) == columns
    assert io.read_table(outputs["noise"])["pairs"].tolist() == [0, 0]


def test_uncertain_reports_are_no_weak_labels(tmp_path):
    table = votes()
    table.loc[table["subject"] == "p23", "label"] = "unknown"
    run(tmp_path, table, sheet(table, range(12)))
    assert "p23" not in set(io.read_table(tmp_path / "weak.tsv")["subject"])


def test_ranks_put_t2_before_the_whole_and_doubt_last():
    table = votes().head(4).assign(label="progression", section="conclusion", component=["t2", "t2", "global", "t2"])
    table[COUNTS] = 0
    for row, cells in enumerate((["t2", "global"], ["t2"], ["global"], ["t2"])):
        for cell in cells:
            table.loc[row, f"conclusion_{cell}_progression"] = 1
    table.loc[3, "description_t2_uncertain"] = 2
    sure = by_rank(table)["p_unstable"]
    assert sure[0] > sure[1] > sure[2] > 0.5 and sure[1] > sure[3] > 0.5
    assert (by_rank(table.assign(label="stable"))["p_unstable"] < 0.5).all()


def test_noise_is_the_share_of_disagreement_of_each_class(tmp_path):
    # Uncalibrated, so that the rules' own labels count: one of the three changed pairs is read as stable.
    table = votes(wrong=0)
    labels = sheet(table, range(18, 24))
    table.loc[(table["subject"] == "p19") & (table["prior"] == "0"), "label"] = "stable"
    run(tmp_path, table, labels)
    noise = io.read_table(tmp_path / "noise.tsv").set_index("human")
    assert noise.loc["stable", ["pairs", "patients", "wrong", "rate"]].tolist() == [3, 3, 0, 0]
    assert noise.loc["unstable", ["pairs", "patients", "wrong"]].tolist() == [3, 3, 1]
    # Wilson 1927 for 1 of 3, by hand: (1/3 + z2/6 -+ z sqrt(2/27 + z2/36)) / (1 + z2/3) with z2 = 3.8415.
    assert noise.loc["unstable", ["low", "high"]].tolist() == pytest.approx([0.0615, 0.7923], abs=1e-4)


def test_noise_is_estimated_on_patients_whom_the_fold_does_not_test(tmp_path):
    table = votes(wrong=0)
    labels = sheet(table)
    run(tmp_path, table, labels)
    noise = io.read_table(tmp_path / "noise.tsv")
    assert noise.groupby("human", sort=False)["pairs"].first().tolist() == [9, 9]
    assert noise["least_confidence"].unique().tolist() == [0, 0.75, 0.95]
    assert (noise["wrong"] == 0).all() and (noise["high"][:2] > 0.2).all()


def hospital(folder, secret):
    """Writes a cohort of 24 patients, each with one report that tells the truth; returns its YAML and labels.tsv."""
    says = {"stable": "Hypersignal T2 inchangé.", "progression": "Nette majoration de l'hypersignal T2."}
    exams, reports, rows = ["subject\tsession\tsource"], ["subject\tsession\tfile"], []
    for number in range(PATIENTS):
        subject, label = f"p{number:02}", ("stable", "progression")[number % 2]
        exams += [f"{subject}\t{session}\tx" for session in ("0", "91")]
        reports.append(f"{subject}\t91\t{subject}.txt")
        rows.append({"subject": subject, "prior": "0", "current": "91", "reader": "r1", "label": label})
        # The guard does not know a name without a title.
        name = f"Avis de {secret}." if number < 4 else ""
        text = f"IRM cérébrale du 14.05.2019\nComparaison : IRM du 12.02.2019\nDescription : {says[label]} {name}\n"
        (folder / f"{subject}.txt").write_text(text, encoding="utf-8")
    (folder / "cohort").mkdir()
    for name, lines in (("exams", exams), ("reports", reports), ("pairs", ["subject\tprior\tcurrent"])):
        (folder / "cohort" / f"{name}.tsv").write_text("\n".join(lines))
    (folder / "cohort.yaml").write_text(f"role: development\nlayout: nifti\nroot: {folder}\n")
    io.write_table(pd.DataFrame(rows), folder / "labels.tsv")
    return folder / "cohort.yaml", folder / "labels.tsv"


def test_words_are_read_from_the_source_and_written_nowhere(tmp_path, capsys):
    cohort, labels = hospital(tmp_path, "clavadetscher")
    extract_reports(cohort, [], 3, tmp_path / "votes.tsv", tmp_path / "excluded.tsv")
    subjects = [f"p{number:02}" for number in range(PATIENTS)]
    part = ["test" if number < 8 else "train" for number in range(PATIENTS)]
    folds = pd.DataFrame({"repeat": 1, "fold": 1, "inner": 1, "subject": subjects, "part": part})
    io.write_table(folds, tmp_path / "folds.tsv")
    outputs = {name: tmp_path / "out" / f"{name}.tsv" for name in ("weak", "calibration", "noise")}
    calibrate_labels(
        tmp_path / "votes.tsv",
        labels,
        tmp_path / "folds.tsv",
        {"repeat": 1, "fold": 1},
        {"parts": ["rules", "tfidf-logistic"], "baselines": ["tfidf-forest"], "seed": 1},
        {"cohort_file": cohort, "simulated": []},
        outputs,
    )
    found = io.read_table(outputs["calibration"])
    truth = io.read_table(labels)["label"][:8] == "progression"
    for name in ("p_unstable", "rules", "tfidf-logistic", "tfidf-forest"):
        assert ((found[name] > 0.5) == truth).all(), name
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    for word in ("clavadetscher", "hypersignal", "majoration", "inchang"):
        assert word.encode() not in written.lower() and word not in "".join(capsys.readouterr()).lower()


def test_how_many_reports_are_in_memory_at_a_time_changes_no_label(tmp_path, monkeypatch):
    table = votes()
    (tmp_path / "small").mkdir()
    whole = run(tmp_path, table, sheet(table))
    monkeypatch.setattr(calibration, "CHUNK", 5)
    assert run(tmp_path / "small", table, sheet(table)) == whole
