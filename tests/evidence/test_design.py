"""The populations are other people, and a study that compares unlike with unlike is refused."""

from pathlib import Path

import pytest

from gliodelta import io
from gliodelta.evidence.design import TEST, noise_levels, population_settings
from gliodelta.schema import InvalidInput, validate
from gliodelta.simulation.plan import draw_cohort
from gliodelta.study import Study


@pytest.fixture
def config(project):
    config = io.read_yaml(project / "config" / "study.yaml")
    return config | {name: str(project / config[name]) for name in ("arms", "recipes")}


def test_the_study_is_complete_and_asks_what_it_should(config):
    study = Study(config)
    evidence = study.config["evidence"]
    assert evidence["noise"] == [0, 10, 25, 40] and evidence["labels"] == [25, 50, 150]
    assert evidence["replicates"] >= 5
    assert {"scratch", "mix", "fine-tune", "feature-extract"} <= {row["strategies"] for row in study.arms.values()}
    patients = draw_cohort(population_settings(evidence, TEST))
    assert sum(len(patient.pairs) for patient in patients) >= 1000


def test_no_two_populations_share_a_patient_or_a_course(config):
    evidence = validate(config, "config", "test")["evidence"]
    names = [TEST, *map(str, range(1, evidence["replicates"] + 1))]
    cohorts = [draw_cohort(population_settings(evidence, name)) for name in names]
    subjects = [patient.subject for cohort in cohorts for patient in cohort]
    assert len(subjects) == len(set(subjects))
    volumes = [tuple(exam.volume_ml for exam in patient.exams) for cohort in cohorts for patient in cohort]
    assert len(volumes) == len(set(volumes))


def test_an_arm_without_weak_labels_is_trained_at_one_level_of_noise(config):
    study = Study(config)
    evidence = study.config["evidence"]
    assert noise_levels(evidence, study.arms[evidence["baseline"]]) == [0]
    assert noise_levels(evidence, study.arms["mix"]) == [0, 10, 25, 40]


def test_recipes_on_another_grid_than_the_arms_are_refused(config, tmp_path):
    table = Path(config["recipes"]).read_text(encoding="utf-8")
    (tmp_path / "recipes.tsv").write_text(table.replace("\tstudy\t", "\tother\t"))
    grids = config["training"]["grids"]
    training = {**config["training"], "grids": {**grids, "other": grids["study"]}}
    with pytest.raises(InvalidInput, match="arms and recipes have the grids other, study"):
        Study({**config, "training": training, "recipes": str(tmp_path / "recipes.tsv")})


@pytest.mark.parametrize(
    ("section", "change", "words"),
    [
        ("evidence", {"baseline": "nosuch"}, "'nosuch' is no arm without recipes; write one of baseline"),
        ("evidence", {"baseline": "mix"}, "'mix' is no arm without recipes"),
        ("tuning", {"budget": 0}, "budget is 0"),
        ("evidence", {"simulation": {"patience": 3}}, "evidence: simulation"),
    ],
)
def test_a_study_that_cannot_be_is_refused(config, section, change, words):
    with pytest.raises(InvalidInput, match=words):
        Study({**config, section: {**config[section], **change}})
