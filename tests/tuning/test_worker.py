"""Any number of workers tries each setting once, and a killed one takes up where it was."""

import signal
from collections import Counter

import optuna
import pytest
from optuna.trial import TrialState
from studies import FORK, auc, killed_at

from gliodelta import io
from gliodelta.schema import InvalidInput
from gliodelta.status import Excluded
from gliodelta.tuning.journal import Journal

SETTINGS = 10
BEST = {"strategy": "fine-tune", "recipe": "sure", "learning_rate": 1e-4, "weight_decay": 0.0}
SELECTED = ("best.yaml", "trials.tsv", "trials.png", "optuna.png")


def all_tried_once(run):
    trials = run.trials()
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert len({tuple(trial.params.items()) for trial in trials}) == len(trials) == SETTINGS
    return True


def best_setting(folder):
    return io.read_yaml(folder / "best.yaml")["setting"]


def together(workers):
    """An objective at whose first call each worker waits for the others, so that all really share the journal."""
    barrier = FORK.Barrier(workers)
    first = iter([barrier.wait])

    def objective(setting, inner):
        for wait in first:
            wait(timeout=60)
        return auc(setting, inner)

    return objective


def of_one_worker(run):
    """The selected files of the same study by one worker."""
    run.folder.joinpath("journal.log").unlink()
    run.worker(1)
    return run.select("one")


def test_four_workers_try_each_setting_once(run):
    objective = together(4)
    assert run.workers(*[(number, objective) for number in (1, 2, 3, 4)]) == [0, 0, 0, 0]
    assert all_tried_once(run)
    assert {trial.user_attrs["worker"] for trial in run.trials()} == {1, 2, 3, 4}


def test_one_of_four_workers_is_killed_and_started_again_and_nothing_differs(run):
    objective = together(4)
    # Its second call is the second inner split of its first trial: it dies in the middle of one.
    given = [(1, objective), (2, killed_at(2, objective)), (3, objective), (4, objective)]
    assert run.workers(*given) == [0, -signal.SIGKILL, 0, 0]
    left = [trial for trial in run.trials() if not trial.state.is_finished()]
    assert [trial.user_attrs["worker"] for trial in left] == [2] and len(left[0].user_attrs["auc"]) == 1
    run.worker(2)
    assert all_tried_once(run)
    four = run.select("four")
    one = of_one_worker(run)
    for name in SELECTED:
        assert (one / name).read_bytes() == (four / name).read_bytes()
    assert best_setting(one) == BEST


def test_others_finish_the_rest_and_the_killed_worker_its_own(run):
    run.workers((1, killed_at(5)))
    run.worker(2)
    with pytest.raises(InvalidInput, match="1 of 10 trials have no result"):
        run.select(pictures=False)
    run.worker(1)
    assert all_tried_once(run)


@pytest.mark.parametrize("name", ["add_trial", "set_trial_user_attr", "set_trial_state_values"])
@pytest.mark.parametrize("call", [1, 4])
def test_a_worker_killed_while_it_wrote_to_the_journal_leaves_no_gap(run, monkeypatch, name, call):
    owner = optuna.Study if name == "add_trial" else optuna.storages.JournalStorage
    write, calls = getattr(owner, name), iter(range(1, 100))

    def killed(*args, **kwargs):
        if next(calls) == call:
            raise KeyboardInterrupt
        return write(*args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(owner, name, killed)
        run.worker(1)
    run.worker(2)
    run.worker(1)
    assert all_tried_once(run)


def test_a_line_that_a_full_disk_has_torn_does_not_spoil_the_journal(run):
    run.workers((1, killed_at(5)))
    with open(run.folder / "journal.log", "ab") as journal:
        journal.write(b'{"op_code":8,"worker_id":"')
    run.worker(2)
    run.worker(1)
    assert all_tried_once(run)


def test_a_second_run_does_only_what_is_missing(run):
    # Ten trainings are five trials; of the sixth the first inner split is done when the kill comes.
    run.workers((1, killed_at(12)))
    again = []
    run.worker(1, lambda setting, inner: again.append(inner) or auc(setting, inner))
    assert Counter(again) == {1: SETTINGS - 6, 2: SETTINGS - 5}
    run.worker(1, killed_at(1))
    assert all_tried_once(run)
    assert best_setting(run.select(pictures=False)) == BEST


def test_a_data_fault_fails_the_trial_and_not_the_worker(run):
    def faulty(setting, inner):
        if setting["strategy"] == "mix":
            raise Excluded("no weak label is that sure")
        return auc(setting, inner)

    run.worker(1, faulty)
    table = run.table()
    mixed = table["strategy"] == "mix"
    assert set(table.loc[mixed, "state"]) == {"failed"}
    assert set(table.loc[mixed, "reason"]) == {"no weak label is that sure"}
    assert table.loc[mixed, "auc_mean"].isna().all()
    assert set(table.loc[~mixed, "state"]) == {"complete"}
    run.worker(1, killed_at(1))


def test_an_inner_split_of_one_class_does_not_count(run):
    run.worker(1, lambda setting, inner: None if inner == 1 else auc(setting, inner))
    selected = run.select(pictures=False)
    table = io.read_table(selected / "trials.tsv")
    assert table["auc_inner1"].isna().all()
    assert table["auc_mean"].equals(table["auc_inner2"])
    assert best_setting(selected) == BEST


def test_the_journal_opens_in_optuna_dashboard(run):
    from io import BytesIO
    from json import loads
    from wsgiref.util import setup_testing_defaults

    dashboard = pytest.importorskip("optuna_dashboard")
    run.worker(1)
    backend = optuna.storages.journal.JournalFileBackend(str(run.select(pictures=False) / "journal.log"))
    app = dashboard.wsgi(optuna.storages.JournalStorage(backend))

    def get(path):
        request = {"wsgi.input": BytesIO()}
        setup_testing_defaults(request)
        answers = []
        body = app({**request, "PATH_INFO": path}, lambda status, headers, *_: answers.append(status))
        assert answers == ["200 OK"]
        return loads(b"".join(body))

    studies = get("/api/studies")["study_summaries"]
    assert [study["study_name"] for study in studies] == [run.study["id"]]
    found = get(f"/api/studies/{studies[0]['study_id']}")
    assert len(found["trials"]) == SETTINGS


def test_a_finished_journal_names_no_path(run, tmp_path):
    run.worker(1)
    Journal(run.study, run.folder)
    assert str(tmp_path) not in (run.folder / "journal.log").read_text()
