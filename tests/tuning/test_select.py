"""The best setting is frozen only when all have been tried, and ties go to the first in the study's order."""

import optuna
import pytest

from gliodelta import io
from gliodelta.schema import InvalidInput
from gliodelta.status import Excluded
from gliodelta.tuning.select import select_trial
from gliodelta.tuning.space import PARAMETERS
from gliodelta.tuning.study import study_folder
from gliodelta.tuning.worker import work


@pytest.fixture
def select(fold, tmp_path):
    """A function that runs one worker with an objective (or none) and selects into `tmp_path`."""
    path = fold.study()
    study = io.read_json(path)

    def run(objective=None):
        if objective:
            work(study, 1, study_folder(study, tmp_path), objective)
        names = {"best": "best.yaml", "trials": "trials.tsv", "journal": "journal.log", "figure": "trials.png"}
        select_trial(path, tmp_path, **{key: tmp_path / name for key, name in names.items()})
        return study

    return run


def test_ties_go_to_the_first_in_the_order_of_the_study(select, tmp_path):
    study = select(lambda setting, inner: 0.9 if inner == 2 else 0.7 if setting["strategy"] == "mix" else 0.6)
    first = next(setting for setting in study["settings"] if setting["strategy"] == "mix")
    assert io.read_yaml(tmp_path / "best.yaml") == {"setting": first, "auc": pytest.approx(0.8), "study": study["id"]}


def test_the_table_has_one_row_a_setting_with_its_inner_aucs(select, tmp_path):
    study = select(lambda setting, inner: setting["learning_rate"] * 100 if inner == 1 else 0.5)
    table = io.read_table(tmp_path / "trials.tsv")
    assert list(table) == [*PARAMETERS, "auc_mean", "auc_inner1", "auc_inner2", "state", "reason"]
    assert table["learning_rate"].to_list() == [setting["learning_rate"] for setting in study["settings"]]
    assert (table["auc_inner1"] == table["learning_rate"] * 100).all() and (table["auc_inner2"] == 0.5).all()
    assert table["auc_mean"].to_numpy() == pytest.approx(((table["auc_inner1"] + 0.5) / 2).to_numpy())


def test_the_copied_journal_opens_with_optuna(select, tmp_path):
    study = select(lambda setting, inner: 0.6 + setting["learning_rate"])
    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "journal.log"))
    opened = optuna.load_study(study_name=study["id"], storage=optuna.storages.JournalStorage(backend))
    assert opened.best_value == io.read_yaml(tmp_path / "best.yaml")["auc"]
    assert {"strategy", "learning_rate", "weight_decay"} <= set(opened.best_params)
    assert "recipe" not in next(trial for trial in opened.trials if trial.params["strategy"] == "scratch").params


def test_missing_trials_are_counted(select):
    with pytest.raises(InvalidInput, match="10 of 10 settings have no result; rerun with --forcerun tune_worker"):
        select()


def test_a_study_without_any_success_says_why(select):
    def fail(setting, inner):
        raise Excluded("all validation patients are stable")

    with pytest.raises(InvalidInput, match="all settings failed; the first because all validation patients are stable"):
        select(fail)
