"""No job of this stage can see an outer test list, and the committed studies have the jobs that they promise."""

import pytest
from house import House

from gliodelta import io


def test_no_tuning_rule_takes_a_test_list(project):
    rules = (project / "workflow/rules/tuning.smk").read_text()
    assert "manifests/<split>/validation.tsv" in rules
    assert "test.tsv" not in rules and 'manifests/<split>"' not in rules


@pytest.mark.parametrize(
    ("study", "expected"),
    [
        # Four recipes and four arms on two folds of one inner split; on three grids.
        ("paper", {"sample_maps": 3, "pretrain_encoder": 8, "tune_study": 8, "tune_worker": 8, "train_fold": 8}),
        # 18 recipes and 13 arms on two folds of three inner splits, each of which is a rung of the workers.
        ("better", {"pretrain_encoder": 108, "tune_study": 26, "tune_worker": 78, "train_fold": 78}),
    ],
)
def test_a_committed_study_can_be_planned(project, tmp_path, study, expected):
    house = House(project, tmp_path)
    config = io.read_yaml(f"{house.folder}/config/{study}.yaml")
    few = {"splits": {"repeats": 1, "folds": 2}, "tuning": {"workers": 1}}
    small = {section: {**config[section], **change} for section, change in few.items()}
    io.write_yaml({**config, **small, "cohorts": ["demo"]}, house.folder / "config/house.yaml")
    assert expected.items() <= house.pending().items()
