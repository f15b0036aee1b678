"""Any number of workers tries each setting once, and a killed one takes up where it was."""

import math
import multiprocessing
import os
import signal
from collections import Counter
from itertools import count
from types import SimpleNamespace

import optuna
import pytest
from optuna.trial import TrialState
from toy import CARD, ROW, TRAINING, write_split

from gliodelta import io
from gliodelta.schema import InvalidInput
from gliodelta.status import Excluded
from gliodelta.training.checkpoint import Checkpoint
from gliodelta.training.models import build_model, save_model
from gliodelta.tuning.select import select_trial
from gliodelta.tuning.study import open_journal, results, study_folder, write_study
from gliodelta.tuning.worker import tune_worker, work

FORK = multiprocessing.get_context("fork")
SETTINGS = 10


def auc(setting, inner):
    """A known function of the setting and the inner split, best for fine-tuning from `sure` at 1e-4."""
    value = {"scratch": 0.5, "mix": 0.6, "fine-tune": 0.7}[setting["strategy"]]
    value += 0.05 * (setting["recipe"] == "sure") + 0.02 * (setting["learning_rate"] == 1e-4)
    return value + 0.1 * inner


BEST = {"strategy": "fine-tune", "recipe": "sure", "learning_rate": 1e-4, "weight_decay": 0.0}


@pytest.fixture
def run(fold, tmp_path):
    """One study: its content, its folder under scratch, and `run.worker`, `run.journal`, `run.select`."""
    path = fold.study()
    study = io.read_json(path)
    scratch = tmp_path / "scratch"
    folder = study_folder(study, scratch)

    def select(name="selected"):
        out = tmp_path / name
        files = {"best": "best.yaml", "trials": "trials.tsv", "journal": "journal.log", "figure": "trials.png"}
        select_trial(path, scratch, **{key: out / file for key, file in files.items()})
        return out

    return SimpleNamespace(
        path=path,
        scratch=scratch,
        study=study,
        folder=folder,
        worker=lambda number, objective=auc: work(study, number, folder, objective),
        journal=lambda: open_journal(study, folder),
        select=select,
    )


def in_processes(target, arguments):
    """Runs `target` once per tuple of arguments, all at the same time; returns the exit codes."""
    processes = [FORK.Process(target=target, args=given) for given in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)
    return [process.exitcode for process in processes]


def settings_tried(run):
    done = run.journal().get_trials(states=(TrialState.COMPLETE,))
    return Counter(trial.user_attrs["setting"] for trial in done)


def best_setting(folder):
    return io.read_yaml(folder / "best.yaml")["setting"]


def once_each():
    return Counter(range(SETTINGS))


def killed_at(call):
    """An objective whose process is killed at its `call`-th call, as a cluster kills a job."""
    calls = count(1)

    def objective(setting, inner):
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return auc(setting, inner)

    return objective


def test_four_workers_try_each_setting_once(run):
    barrier = FORK.Barrier(4)
    first = iter([barrier.wait])

    def together(setting, inner):
        # At its first setting each worker waits for the others, so that all four really share the queue.
        for wait in first:
            wait(timeout=60)
        return auc(setting, inner)

    assert in_processes(run.worker, [(number, together) for number in (1, 2, 3, 4)]) == [0, 0, 0, 0]
    assert settings_tried(run) == once_each()
    assert len(run.journal().trials) == SETTINGS
    assert {trial.user_attrs["worker"] for trial in run.journal().trials} == {1, 2, 3, 4}


def test_one_and_four_workers_select_the_same(run, fold, tmp_path):
    in_processes(run.worker, [(number,) for number in (1, 2, 3, 4)])
    four = run.select("four")
    run.folder.joinpath("journal.log").unlink()
    run.worker(1)
    one = run.select("one")
    for name in ("best.yaml", "trials.tsv", "trials.png"):
        assert (one / name).read_bytes() == (four / name).read_bytes()
    assert best_setting(one) == BEST


def test_a_killed_worker_takes_up_its_own_setting(run):
    assert in_processes(run.worker, [(1, killed_at(5))]) == [-signal.SIGKILL]
    run.worker(1)
    assert settings_tried(run) == once_each()
    assert best_setting(run.select()) == BEST


def test_others_finish_the_rest_and_the_killed_worker_its_own(run):
    in_processes(run.worker, [(1, killed_at(5))])
    run.worker(2)
    with pytest.raises(InvalidInput, match="1 of 10 settings have no result"):
        run.select()
    run.worker(1)
    assert settings_tried(run) == once_each()


def test_a_worker_killed_while_it_filled_the_queue_leaves_no_gap(run, monkeypatch):
    enqueue, calls = optuna.Study.enqueue_trial, iter(range(SETTINGS))

    def killed(*args, **kwargs):
        if next(calls) == 4:
            raise KeyboardInterrupt
        enqueue(*args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(optuna.Study, "enqueue_trial", killed)
        run.worker(1)
    assert len(run.journal().trials) == 4
    run.worker(2)
    assert settings_tried(run) == once_each()


def test_a_worker_killed_while_it_took_a_setting_leaves_no_gap(run, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(optuna.Trial, "set_user_attr", killed)
        run.worker(1)
    run.worker(2)
    assert settings_tried(run) == once_each()


def test_a_second_run_does_only_what_is_missing(run):
    # Ten trainings are five settings; of the sixth the first inner split is done when the kill comes.
    in_processes(run.worker, [(1, killed_at(12))])
    again = []
    run.worker(1, lambda setting, inner: again.append(inner) or auc(setting, inner))
    assert Counter(again) == {1: SETTINGS - 6, 2: SETTINGS - 5}
    run.worker(1, killed_at(1))
    assert settings_tried(run) == once_each()
    assert best_setting(run.select()) == BEST


def test_a_data_fault_fails_the_trial_and_not_the_worker(run):
    def faulty(setting, inner):
        if setting["strategy"] == "mix":
            raise Excluded("no weak label is that sure")
        return auc(setting, inner)

    run.worker(1, faulty)
    table = io.read_table(run.select() / "trials.tsv")
    mixed = table["strategy"] == "mix"
    assert set(table.loc[mixed, "state"]) == {"failed"}
    assert set(table.loc[mixed, "reason"]) == {"no weak label is that sure"}
    assert table.loc[mixed, "auc_mean"].isna().all()
    assert set(table.loc[~mixed, "state"]) == {"complete"}
    run.worker(1, killed_at(1))


def test_the_real_training_serves_as_objective(tmp_path):
    lists, cache, lineage = write_split(tmp_path)
    encoder, study, done = (tmp_path / name for name in ("encoder.safetensors", "study.json", "1.json"))
    save_model(build_model(CARD), CARD, encoder)
    files = {name: [lists[name]] for name in ("train", "validation", "weak")}
    files |= {"lineages": [lineage], "encoders": [encoder], "encoder_lineages": [lineage]}
    arm = {**ROW, "arm": "a", "strategies": "scratch,mix,fine-tune", "learning_rates": "1e-3", "weight_decays": "0"}
    recipes = {"most": {**ROW, "cut_by": "quantile", "cut": "0.8"}}
    write_study(arm, recipes, {**TRAINING, "epochs": 1}, {"repeat": 1, "fold": 2}, 1, "c", files, cache, study)
    checkpoint = Checkpoint(tmp_path / "scratch", "c")
    tune_worker(study, files, cache, 1, tmp_path / "scratch", done, checkpoint)
    content = io.read_json(study)
    assert io.read_json(done) == {"study": content["id"], "worker": 1, "done": True}
    trials = results(open_journal(content, study_folder(content, tmp_path / "scratch")))
    assert sorted(trials) == [0, 1, 2]
    assert all(0 <= trial.value <= 1 and trial.user_attrs["auc"] == [trial.value] for trial in trials.values())


def test_the_objective_hands_over_the_files_of_each_inner_split(run, fold, monkeypatch):
    calls = []

    def fit(setting, arm, recipes, lists, cache, encoders, training, checkpoint, threads):
        assert {"arm": arm, "recipes": recipes, "training": training}.items() <= run.study.items()
        assert (cache, checkpoint.job, threads) == (fold.cache, [run.study["id"], setting], 3)
        inner = len(calls) % 2
        calls.append(setting)
        assert lists == {name: fold.files[name][inner] for name in ("train", "validation", "weak")}
        assert encoders == {"most": fold.files["encoders"][inner], "sure": fold.files["encoders"][2 + inner]}
        return SimpleNamespace(auc=auc(setting, inner + 1))

    monkeypatch.setattr("gliodelta.tuning.worker.fit_setting", fit)
    tune_worker(run.path, fold.files, fold.cache, 1, run.scratch, fold.folder / "1.json", Checkpoint(), threads=3)
    assert len(calls) == 2 * SETTINGS
    for trial in results(run.journal()).values():
        setting = run.study["settings"][trial.user_attrs["setting"]]
        assert trial.value == pytest.approx((auc(setting, 1) + auc(setting, 2)) / 2)


def test_a_diverged_training_fails_the_trial_with_its_reason(run, fold, monkeypatch):
    monkeypatch.setattr("gliodelta.tuning.worker.fit_setting", lambda *_, **__: SimpleNamespace(auc=math.nan))
    tune_worker(run.path, fold.files, fold.cache, 1, run.scratch, fold.folder / "1.json")
    with pytest.raises(InvalidInput, match="all settings failed; the first because the training diverged"):
        run.select()


@pytest.mark.parametrize(("name", "rows"), [("train", ""), ("validation", ""), ("validation", "s\t1\ns\t1\n")])
def test_where_no_inner_split_tells_settings_apart_the_first_is_taken(run, fold, name, rows):
    for path in fold.files[name]:
        path.write_text("subject\ty\n" + rows)
    tune_worker(run.path, fold.files, fold.cache, 1, run.scratch, fold.folder / "1.json")
    selected = run.select()
    assert best_setting(selected) == run.study["settings"][0]
    table = io.read_table(selected / "trials.tsv")
    assert table["auc_mean"].isna().all() and set(table["state"]) == {"undefined"}
    assert table["reason"].str.startswith("no inner split has pairs to train on").all()


def test_an_inner_split_of_one_class_does_not_count(run):
    run.worker(1, lambda setting, inner: None if inner == 1 else auc(setting, inner))
    selected = run.select()
    table = io.read_table(selected / "trials.tsv")
    assert table["auc_inner1"].isna().all()
    assert table["auc_mean"].equals(table["auc_inner2"])
    assert best_setting(selected) == BEST
