"""The best setting is frozen only when all have been tried, and ties go to the first in the study's order."""

import optuna
import pytest
from PIL import Image

from gliodelta import io
from gliodelta.schema import InvalidInput
from gliodelta.status import Excluded
from gliodelta.tuning.space import PARAMETERS


@pytest.fixture
def select(run):
    """A function that runs one worker with an objective and selects; returns the study and the folder."""

    def search(objective, pictures=False):
        run.worker(1, objective)
        return run.study, run.select(pictures=pictures)

    return search


def test_ties_go_to_the_first_in_the_order_of_the_study(select):
    study, folder = select(lambda setting, inner: 0.9 if inner == 2 else 0.7 if setting["strategy"] == "mix" else 0.6)
    first = next(setting for setting in study["settings"] if setting["strategy"] == "mix")
    assert io.read_yaml(folder / "best.yaml") == {"setting": first, "auc": pytest.approx(0.8), "study": study["id"]}


def test_the_table_has_one_row_a_setting_with_its_inner_aucs(select):
    study, folder = select(lambda setting, inner: setting["learning_rate"] * 100 if inner == 1 else 0.5)
    table = io.read_table(folder / "trials.tsv")
    assert list(table) == [
        *[*PARAMETERS, "seed", "auc_setting", "auc_mean", "auc_inner1", "auc_inner2", "state", "reason"]
    ]
    assert table["learning_rate"].to_list() == [setting["learning_rate"] for setting in study["settings"]]
    assert (table["auc_inner1"] == table["learning_rate"] * 100).all() and (table["auc_inner2"] == 0.5).all()
    assert table["auc_mean"].to_numpy() == pytest.approx(((table["auc_inner1"] + 0.5) / 2).to_numpy())


def test_the_copied_journal_opens_with_optuna(select):
    study, folder = select(lambda setting, inner: 0.6 + setting["learning_rate"])
    backend = optuna.storages.journal.JournalFileBackend(str(folder / "journal.log"))
    opened = optuna.load_study(study_name=study["id"], storage=optuna.storages.JournalStorage(backend))
    assert opened.best_value == io.read_yaml(folder / "best.yaml")["auc"]
    assert {"strategy", "learning_rate", "weight_decay"} <= set(opened.best_params)
    assert "recipe" not in next(trial for trial in opened.trials if trial.params["strategy"] == "scratch").params


def test_a_failed_setting_is_not_the_first_where_nothing_tells_them_apart(run):
    first = run.study["settings"][0]

    def fail(setting, inner):
        if all(setting[name] == value for name, value in first.items()):
            raise Excluded("no weak label is that sure")

    run.worker(1, fail)
    assert io.read_yaml(run.select(pictures=False) / "best.yaml")["setting"] == run.study["settings"][1]


def test_missing_trials_are_counted(run):
    with pytest.raises(InvalidInput, match="10 of 10 trials have no result; rerun with --forcerun tune_worker"):
        run.select()


def test_optuna_draws_its_own_plots_in_one_small_picture(select):
    _, folder = select(lambda setting, inner: 0.6 + setting["learning_rate"] * inner, pictures=True)
    image = Image.open(folder / "optuna.png")
    # History and importances side by side, the slices of four parameters below.
    assert 800 < image.width < 1300 and 450 < image.height < 700
    assert len(image.getcolors()) > 20 and (folder / "optuna.png").stat().st_size < 60_000


def test_a_study_that_tells_nothing_apart_has_a_picture_too(select):
    _, folder = select(lambda setting, inner: None, pictures=True)
    assert Image.open(folder / "optuna.png").height < 300


def test_a_study_without_any_success_says_why(select):
    def fail(setting, inner):
        raise Excluded("all validation patients are stable")

    with pytest.raises(InvalidInput, match="all settings failed; the first because all validation patients are stable"):
        select(fail)
