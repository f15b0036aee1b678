"""A worker of a study: takes trials from the shared journal until none waits."""

import math
from statistics import fmean

from gliodelta import io
from gliodelta.schema import InvalidInput
from gliodelta.status import Excluded
from gliodelta.transfer.fit import arm_at, fit_setting
from gliodelta.tuning.journal import NOBODY, Journal, queue_lock
from gliodelta.tuning.pruning import last_split, pruned
from gliodelta.tuning.space import describe, trial
from gliodelta.tuning.study import FILES as FILES
from gliodelta.tuning.study import inner_splits, study_folder


def tune_worker(study, files, caches, rung, worker, scratch, output, checkpoint=None, threads=1):
    """Trains and validates the trials of a rung of a study until none waits; other workers do the same beside it.

    How many workers there are changes neither what is tried nor what comes out.

    Args:
        study: study.json of `study.write_study`.
        files: dict of the names in `study.FILES` to lists of paths.
        caches: dict of each grid that the arm may train on to its file of sampled maps.
        rung: number of the rung; all workers of the rung before have ended.
        worker: number of this worker.
        scratch: the stage's scratch folder, in which the journal lies.
        output: JSON to write once no trial waits: the study's id and the worker's number, whatever it did.
        checkpoint: `training.checkpoint.Checkpoint` of the job, or None.
        threads: CPU threads.

    Raises:
        SystemExit: 75, when the checkpoint's deadline passes; the trial goes on when this worker is started again.
    """
    study = io.read_json(study)
    splits = inner_splits(files, study["recipes"])
    objective = _objective(study, splits, caches, checkpoint, threads)
    noted = checkpoint.close if checkpoint else None
    work(study, rung, worker, study_folder(study, scratch), objective, noted)
    io.write_json({"study": study["id"], "rung": rung, "worker": worker, "done": True}, output)


def work(study, rung, worker, folder, objective, noted=None):
    """Takes trials until none waits.

    A worker that was killed and is started again first gives back the trial that it was at, with the inner splits that
    the trial had finished.

    Args:
        study: content of study.json.
        rung: number of the rung, see `pruning`.
        worker: number of this worker, from 1; two workers that run at the same time have different numbers.
        folder: folder of the study under scratch.
        objective: function of a setting with its `seed` and the number of an inner split (from 1) that returns the
            validation AUC, or None where the inner split has no human-labelled pair to train on, or none of one class
            to validate with, which is so for every setting. The mean over the other inner splits is maximised. It may
            raise `Excluded`: the trial then fails for that reason and the search goes on.
        noted: function that is called whenever the journal holds what the objective returned.

    Raises:
        InvalidInput: trials of an earlier rung have no result.
    """
    with queue_lock(folder):
        journal = Journal(study, folder)
        journal.add_missing(study)
        for found in journal.trials():
            if not found.state.is_finished() and found.user_attrs["worker"] == worker:
                journal.note(found.number, worker=NOBODY)
        _prune(journal, study, rung)
    while (number := _take(journal, study, rung, worker, folder)) is not None:
        _evaluate(journal, number, study, rung, objective, noted or (lambda: None))


def _objective(study, splits, caches, checkpoint, threads):
    def objective(setting, inner):
        split = splits[inner - 1]
        human = {name: io.read_table(split["lists"][name])["y"] for name in ("train", "validation")}
        if human["train"].empty or human["validation"].nunique() < 2:
            return None
        arm = arm_at(setting, study["arm"], study["recipes"])
        fitted = fit_setting(
            setting,
            arm=arm,
            recipes=study["recipes"],
            lists=split["lists"],
            cache=caches[arm["grid"]],
            encoders=split["encoders"],
            training=study["training"],
            checkpoint=checkpoint and checkpoint.of([study["id"], setting]),
            threads=threads,
        )
        if math.isnan(fitted.auc):
            raise Excluded("the training diverged")
        return fitted.auc

    return objective


def _prune(journal, study, rung):
    """Ends the trials that do not enter this rung; the first worker finds all of them, the others none."""
    from optuna.trial import TrialState

    trials = journal.trials()
    late = [found for found in trials if not found.state.is_finished() and _done(found) < last_split(study, rung - 1)]
    if rung > 1 and late:
        raise InvalidInput(
            f"study {study['id']}: {len(late)} trials have no result of rung {rung - 1}; rerun with --forcerun "
            "tune_worker, and with as many workers as before if there are fewer now"
        )
    for number, reason in pruned(study, [found.user_attrs["auc"] for found in trials], rung).items():
        if not trials[number].state.is_finished():
            journal.note(number, reason=reason)
            journal.finish(number, TrialState.PRUNED)


def _take(journal, study, rung, worker, folder):
    """Returns the number of the next waiting trial, now signed by this worker; None when none waits."""
    with queue_lock(folder):
        for found in journal.trials()[: study["budget"]]:
            if found.state.is_finished() or found.user_attrs["worker"] != NOBODY:
                continue
            # One with all inner splits lacks but its end, which a kill prevented.
            if _done(found) < last_split(study, rung) or _done(found) == study["inner"]:
                journal.sign(found.number, worker)
                return found.number
        return None


def _evaluate(journal, number, study, rung, objective, noted):
    from optuna.trial import TrialState

    setting = trial(study, number)
    aucs = list(journal.trials()[number].user_attrs["auc"])
    print(f"trial {number + 1} of {study['budget']}: {describe(setting)}", flush=True)
    try:
        for inner in range(len(aucs) + 1, last_split(study, rung) + 1):
            aucs.append(objective(setting, inner))
            journal.note(number, auc=aucs)
            noted()
        if len(aucs) < study["inner"]:
            journal.note(number, worker=NOBODY)
            return
        value = _mean(aucs)
    except Excluded as fault:
        print(f"  failed: {fault}", flush=True)
        journal.note(number, reason=str(fault))
        journal.finish(number, TrialState.FAIL)
        noted()
    else:
        print(f"  validation AUC {value:.3f}", flush=True)
        journal.finish(number, TrialState.COMPLETE, value)


def _done(found):
    return len(found.user_attrs["auc"])


def _mean(aucs):
    defined = [auc for auc in aucs if auc is not None]
    if not defined:
        raise Excluded("no inner split has pairs to train on and validation pairs of both classes")
    return fmean(defined)
