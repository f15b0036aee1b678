"""What jobs took and what trainings would take, against sums made by hand."""

import math

import pytest

from gliodelta import io, resources
from gliodelta.schema import validate

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def benchmark(folder, name, wall, memory, processor):
    io.write_text(f"{HEADER}{wall}\t0:00:01\t{memory}\t1\t1\t1\t0\t0\t9\t{processor}\n", folder / name)


def test_jobs_are_summarised_by_rule(tmp_path):
    for exam, processor in enumerate((2, 4, 12)):
        benchmark(tmp_path, f"imaging/correct_bias/demo/exam-{exam}.tsv", 10 * processor, 100 + exam, processor)
    benchmark(tmp_path, "splits/split_patients.tsv", "0.1", "NA", "NA")
    imaging, splits = resources.measured(tmp_path)
    assert imaging == ("imaging", "correct_bias", 3, 4, 12, 40, 120, 102, 18 / 3600)
    assert splits[:3] == ("splits", "split_patients", 1) and splits[5] == 0.1
    assert all(math.isnan(splits[column]) for column in (3, 4, 7))


@pytest.fixture
def published(project, monkeypatch):
    """The published design: 233 pairs of a human's, 1,460 of the reports."""
    monkeypatch.chdir(project)
    return validate(io.read_yaml("config/paper.yaml"), "config", "config/paper.yaml")


def test_the_published_study_trains_as_often_as_it_says(published):
    rows = {row[0]: row for row in resources.planned(published, human=233, weak=1460, seconds=3)}
    # Five folds; six settings of a baseline, 36 of transfer (12 mix; 12 fine-tune, 12 feature-extract).
    assert [rows[f"tuning vgg-{kind}"][1] for kind in ("baseline", "transfer")] == [30, 180]
    # 4/5 of the human labels, of which 3/4 train; 1,200 or 561 weak ones; checked on the rest at a third of the cost.
    train, checked = 233 * 0.8 * 0.75, 233 * 0.8 * 0.25
    assert rows["pretraining vgg-075"][2] == pytest.approx(1200 + checked / 3, abs=1)
    assert rows["tuning vgg-baseline"][2] == pytest.approx(train + checked / 3, abs=1)
    mean = (12 * (train + (1200 + 561) / 2) + 24 * train) / 36
    assert rows["tuning vgg-transfer"][2] == pytest.approx(mean + checked / 3, abs=1)
    _, trainings, maps, millions, hours = rows["tuning vgg-transfer"]
    assert millions == pytest.approx(trainings * maps * 60 / 1e6)
    assert hours == pytest.approx(millions * 1e6 * 3 / 3600)


def test_a_budget_is_the_same_for_every_arm(published, capsys):
    resources.main(
        ["planned", "config/paper.yaml", "--human", "233", "--weak", "1460", "--seconds", "3", "--budget", "72"]
    )
    tuned = [line.split(" | ")[1] for line in capsys.readouterr().out.splitlines() if "tuning" in line]
    assert tuned == ["360"] * 4


def test_inner_folds_share_the_patients_among_them(capsys):
    resources.main(["planned", "config/better.yaml", "--human", "300", "--weak", "1000", "--seconds", "3"])
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()]
    [maps] = [float(row[2].replace(",", "")) for row in rows if row[0] == "transfer baseline"]
    # Five outer folds leave 240; a third of them validates, which costs a third of training on them.
    assert maps == pytest.approx(160 + 80 / 3, abs=1)
