"""A model card says what the tables say, of its own arm and of the cohorts that were scored."""

import pandas as pd

from gliodelta import io
from gliodelta.evaluation.cards import write_card
from gliodelta.external.bundle import limits_of
from gliodelta.transfer.calibration import UNCALIBRATED

ROW = {"encoder": "vgg", "representation": "pair", "loss": "balanced", "augmentation": "pair", "grid": "coarse"}
ROW |= {"strategies": "scratch,mix", "primary": "yes"}
COHORTS = {
    "home": {"role": "development", "layout": "dicom", "simulated": True},
    "away": {"role": "external", "layout": "nifti", "simulated": False},
    "new": {"role": "inference", "layout": "nifti", "simulated": True},
}


def card(folder, layout="dicom", **calibration):
    """The lines of the card of the arm `ours`, of whose two models one is untrained."""
    cohorts = {**COHORTS, "home": {**COHORTS["home"], "layout": layout}}
    calibration = {"slope": 2.0, "intercept": 0.1, **calibration}
    size = {"n_maps": 24, "n_patients": 12}
    metrics = [
        {"cohort": "home", "arm": "ours", "metric": "auc", "value": 0.8, "low": 0.7, "high": 0.9, **size},
        {"cohort": "home", "arm": "ours", "metric": "brier", "value": 0.2, "low": 0.1, "high": 0.3, **size},
        {"cohort": "home", "arm": "theirs", "metric": "auc", "value": 0.1, "low": 0.05, "high": 0.15, **size},
        {"cohort": "away", "arm": "ours", "metric": "auc", "n_maps": 7, "n_patients": 3},
    ]
    io.write_table(pd.DataFrame(metrics), folder / "metrics.tsv")
    lineages = [
        {"status": status, "setting": {"strategy": "mix"}, "calibration": calibration}
        for status in ("trained", "untrained")
    ]
    manifests = [{"pairs": {"train": 8 + n, "weak": 20}, "unstable": {"train": 3, "weak": 9}} for n in (0, 2)]
    for name, documents in (("lineage", lineages), ("manifest", manifests)):
        for number, document in enumerate(documents):
            io.write_json(document, folder / f"{name}{number}.json")
    files = {f"{name}s": [folder / f"{name}{number}.json" for number in (0, 1)] for name in ("lineage", "manifest")}
    write_card("ours", ROW, cohorts, folder / "metrics.tsv", **files, card=folder / "ours.md")
    return (folder / "ours.md").read_text(encoding="utf-8").splitlines()


def test_performance_is_that_of_the_arm_at_home_and_elsewhere(tmp_path):
    lines = card(tmp_path)
    assert "| metric | home (cross-validated) | away (external) |" in lines
    assert "| auc | 0.800 [0.700, 0.900] | n/a |" in lines
    assert "| brier | 0.200 [0.100, 0.300] | n/a |" in lines
    assert "| maps (patients) | 24 (12) | 7 (3) |" in lines
    assert not any("0.100 [0.050" in line for line in lines)


def test_use_data_and_limits_are_stated(tmp_path):
    text = "\n".join(card(tmp_path))
    assert "# Model card of the arm ours" in text and "Not a medical device" in text
    assert "1 trained models of 2 splits" in text and "chosen in 1 models: mix (1)" in text
    assert "a model trains on 8 to 10 maps, 3 of them unstable" in text and "offered to a model: 20 maps" in text
    assert "Declared primary" in text
    # The third cohort was not scored, so that the card does not speak of it.
    assert "Of simulated patients: home." in text


def test_a_released_bundle_finds_the_limits_of_the_card(tmp_path):
    limits = limits_of("\n".join(card(tmp_path)) + "\n")
    assert limits[0].startswith("Of simulated patients: home.") and any("no medical device" in text for text in limits)


def test_a_card_says_where_probabilities_are_uncalibrated(tmp_path):
    assert "uncalibrated" not in "\n".join(card(tmp_path))
    bare = "but the probabilities of 1 of 1 models are uncalibrated, since their validation pairs lack a class"
    assert bare in "\n".join(card(tmp_path, **UNCALIBRATED))


def test_a_card_of_given_maps_does_not_speak_of_exams_as_input(tmp_path):
    assert "Input are two exams" in "\n".join(card(tmp_path))
    text = "\n".join(card(tmp_path, layout="difference-maps"))
    assert "Input are absolute difference maps" in text and "Input are two exams" not in text
