"""The end of a study: its best setting, frozen, and a table, pictures and the journal of all its trials."""

import shutil
from statistics import fmean

from gliodelta import io
from gliodelta.schema import InvalidInput
from gliodelta.tuning.figures import draw_optuna, draw_settings
from gliodelta.tuning.journal import Journal, queue_lock
from gliodelta.tuning.space import PARAMETERS, trial, trials_of
from gliodelta.tuning.study import study_folder

COMPLETE, PRUNED, UNDEFINED, FAILED, UNTRIED = "complete", "pruned", "undefined", "failed", "untried"


def select_trial(study, scratch, best, trials, journal, figure, optuna_figure):
    """Freezes the best setting of a study.

    The value of a setting is its mean validation AUC over its seeds and inner splits. A setting that was pruned, or of
    which a trial failed, is not chosen.

    Args:
        study: study.json of `study.write_study`.
        scratch: the stage's scratch folder, which holds the journal.
        best: YAML to write: the `setting` with the highest mean validation `auc`, the first in the study's order when
            some are equal or no inner split defines any, and the `study`'s id.
        trials: table to write, in the study's order, equal for any number of workers: the setting, its seed,
            auc_setting (mean over the setting's trials), auc_mean (over the inner splits), auc_inner1, auc_inner2,
            ..., state (complete | pruned | undefined | failed | untried), reason. Untried settings lie beyond the
            budget.
        journal: file to write: a copy of the journal, which opens with Optuna and optuna-dashboard.
        figure: PNG to write: mean validation AUC of every trial, by strategy.
        optuna_figure: PNG to write: Optuna's own plots of the frozen journal.

    Raises:
        InvalidInput: trials are missing, or all of them failed.
    """
    study = io.read_json(study)
    folder = study_folder(study, scratch)
    with queue_lock(folder):
        found = Journal(study, folder).trials()[: study["budget"]]
        with io.atomic(journal) as temporary:
            shutil.copyfile(folder / "journal.log", temporary)
    unfinished = sum(not trial.state.is_finished() for trial in found)
    if missing := study["budget"] - len(found) + unfinished:
        raise InvalidInput(
            f"study {study['id']}: {missing} of {study['budget']} trials have no result; rerun with "
            "--forcerun tune_worker, and with as many workers as before if there are fewer now"
        )
    table = tabulate(study, found)
    candidates = table[table["state"].isin([COMPLETE, UNDEFINED])]
    if candidates.empty:
        reason = table.loc[table["state"] == FAILED, "reason"].iloc[0]
        raise InvalidInput(f"study {study['id']}: all settings failed; the first because {reason}")
    position = int(candidates["auc_setting"].fillna(-1).idxmax()) % len(study["settings"])
    value = table["auc_setting"][position]
    auc = None if value != value else float(value)
    io.write_yaml({"setting": study["settings"][position], "auc": auc, "study": study["id"]}, best)
    io.write_table(table, trials)
    draw_settings(table[table["state"] != UNTRIED], study["settings"][position], figure)
    draw_optuna(study, journal, optuna_figure)


def tabulate(study, found):
    """Returns trials.tsv (pandas.DataFrame, see `select_trial`) of a study and its frozen Optuna trials."""
    import pandas as pd

    rows = []
    for number in range(max(study["budget"], len(study["settings"]))):
        tried = found[number] if number < len(found) else None
        aucs = tried.user_attrs["auc"] if tried else []
        state, reason = _state(tried, study)
        value = tried.value if state == COMPLETE else None
        rows.append({
            **{name: trial(study, number)[name] for name in (*PARAMETERS, "seed")},
            "auc_setting": _value(found, trials_of(study, number % len(study["settings"]))),
            "auc_mean": value,
            **{f"auc_inner{inner + 1}": aucs[inner] if inner < len(aucs) else None for inner in range(study["inner"])},
            "state": state,
            "reason": reason,
        })  # fmt: skip
    return pd.DataFrame(rows).astype({"auc_mean": float, "auc_setting": float})


def _state(tried, study):
    if tried is None:
        return UNTRIED, f"beyond the budget of {study['budget']} trials"
    reason = tried.user_attrs.get("reason", "")
    if tried.state.name in ("COMPLETE", "PRUNED"):
        return tried.state.name.lower(), reason
    # A trial that failed did so before its last inner split; where none defines an AUC, it saw all of them.
    return UNDEFINED if len(tried.user_attrs["auc"]) == study["inner"] else FAILED, reason


def _value(found, numbers):
    values = [found[number].value for number in numbers if found[number].state.name == "COMPLETE"]
    return fmean(values) if values and len(values) == len(numbers) else None
