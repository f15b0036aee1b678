"""A worker of a study: takes settings from the shared queue until none is left."""

import math
from statistics import fmean

from gliodelta import io
from gliodelta.status import Excluded
from gliodelta.transfer.fit import fit_setting
from gliodelta.tuning.space import choices, describe
from gliodelta.tuning.study import inner_splits, open_journal, queue_lock, results, study_folder


def tune_worker(study, files, cache, worker, scratch, output, checkpoint=None, threads=1):
    """Trains and validates settings of a study until none waits; other workers do the same at the same time.

    How many workers there are changes neither what is tried nor what comes out.

    Args:
        study: study.json of `study.write_study`.
        files: dict of the names in `study.FILES` to lists of paths.
        cache: file of the sampled maps.
        worker: number of this worker.
        scratch: the stage's scratch folder, in which the journal lies.
        output: JSON to write once no setting waits: the study's id and the worker's number, whatever it did.
        checkpoint: `training.checkpoint.Checkpoint` of the job, or None.
        threads: CPU threads.

    Raises:
        SystemExit: 75, when the checkpoint's deadline passes; the setting goes on when this worker is started again.
    """
    study = io.read_json(study)
    splits = inner_splits(files, study["recipes"])
    work(study, worker, study_folder(study, scratch), _objective(study, splits, cache, checkpoint, threads))
    io.write_json({"study": study["id"], "worker": worker, "done": True}, output)


def work(study, worker, folder, objective):
    """Tries settings until none waits.

    A worker that was killed and is started again puts the setting that it was at back into the queue, with the inner
    splits that it had finished.

    Args:
        study: content of study.json.
        worker: number of this worker; two workers that run at the same time have different numbers.
        folder: folder of the study under scratch.
        objective: function of a setting and the number of an inner split (from 1) that returns the validation AUC,
            or None where the inner split has no human-labelled pair to train on, or none of one class to validate with,
            which is so for every setting. The mean over the other inner splits is maximised. It may raise `Excluded`:
            the trial then fails for that reason and the search goes on.
    """
    with queue_lock(folder):
        journal = open_journal(study, folder)
        _reap(journal, worker)
        _enqueue(journal, study["settings"])
    while trial := _take(journal, worker, folder):
        _evaluate(journal, trial, study, objective)


def _objective(study, splits, cache, checkpoint, threads):
    def objective(setting, inner):
        split = splits[inner - 1]
        human = {name: io.read_table(split["lists"][name])["y"] for name in ("train", "validation")}
        if human["train"].empty or human["validation"].nunique() < 2:
            return None
        fitted = fit_setting(
            setting,
            arm=study["arm"],
            recipes=study["recipes"],
            lists=split["lists"],
            cache=cache,
            encoders=split["encoders"],
            training=study["training"],
            checkpoint=checkpoint and checkpoint.of([study["id"], setting]),
            threads=threads,
        )
        if math.isnan(fitted.auc):
            raise Excluded("the training diverged")
        return fitted.auc

    return objective


def _reap(journal, worker):
    """Fails the trial that this worker was at when it was killed; it has no reason and so no result."""
    from optuna.trial import TrialState

    for trial in journal.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        # Taken and signed under one lock: a trial without a name was being taken when its worker was killed.
        if trial.user_attrs.get("worker", worker) == worker:
            journal.tell(trial.number, state=TrialState.FAIL)


def _enqueue(journal, settings):
    """Enqueues the settings that no worker has finished, is at, or will take: all of them, or what a kill left out."""
    from optuna.trial import TrialState

    live = journal.get_trials(deepcopy=False, states=(TrialState.WAITING, TrialState.RUNNING))
    known = {trial.user_attrs["setting"] for trial in live} | set(results(journal))
    interrupted = journal.get_trials(deepcopy=False, states=(TrialState.FAIL,))
    aucs = {trial.user_attrs["setting"]: trial.user_attrs["auc"] for trial in interrupted}
    for number, setting in enumerate(settings):
        if number not in known:
            journal.enqueue_trial(_parameters(setting), user_attrs={"setting": number, "auc": aucs.get(number, [])})


def _take(journal, worker, folder):
    """Returns the next waiting trial, now running and signed by this worker; None when none waits."""
    from optuna.trial import TrialState

    with queue_lock(folder):
        # `ask` would invent a trial when none waits.
        if not journal.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            return None
        trial = journal.ask()
        trial.set_user_attr("worker", worker)
        return trial


def _evaluate(journal, trial, study, objective):
    from optuna.trial import TrialState

    number = trial.user_attrs["setting"]
    setting = study["settings"][number]
    for name in _parameters(setting):
        trial.suggest_categorical(name, choices(study["settings"])[name])
    print(f"setting {number + 1} of {len(study['settings'])}: {describe(setting)}", flush=True)
    aucs = list(trial.user_attrs["auc"])
    try:
        for inner in range(len(aucs) + 1, study["inner"] + 1):
            aucs.append(objective(setting, inner))
            trial.set_user_attr("auc", aucs)
        value = _mean(aucs)
    except Excluded as fault:
        print(f"  failed: {fault}", flush=True)
        trial.set_user_attr("reason", str(fault))
        journal.tell(trial, state=TrialState.FAIL)
    else:
        print(f"  validation AUC {value:.3f}", flush=True)
        journal.tell(trial, value)


def _mean(aucs):
    defined = [auc for auc in aucs if auc is not None]
    if not defined:
        raise Excluded("no inner split has pairs to train on and validation pairs of both classes")
    return fmean(defined)


def _parameters(setting):
    """The parameters that apply to a setting: the space is conditional."""
    return {name: value for name, value in setting.items() if value != ""}
