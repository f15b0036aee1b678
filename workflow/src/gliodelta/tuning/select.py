"""The end of a study: its best setting, frozen, and a table, a picture and the journal of all of them."""

import shutil
from itertools import cycle

from gliodelta import io, plots
from gliodelta.schema import InvalidInput
from gliodelta.tuning.space import PARAMETERS
from gliodelta.tuning.study import open_journal, queue_lock, results, study_folder

COMPLETE, UNDEFINED, FAILED = "complete", "undefined", "failed"


def select_trial(study, scratch, best, trials, journal, figure):
    """Freezes the best setting of a study.

    Args:
        study: study.json of `study.write_study`.
        scratch: the stage's scratch folder, which holds the journal.
        best: YAML to write: the `setting` with the highest mean validation `auc`, the first in the study's order when
            some are equal or no inner split defines any, and the `study`'s id.
        trials: table to write, in the study's order, equal for any number of workers: the setting, auc_mean,
            auc_inner1, auc_inner2, ..., state (complete | undefined | failed), reason.
        journal: file to write: a copy of the journal, which opens with Optuna.
        figure: PNG to write: mean validation AUC of every setting, by strategy.

    Raises:
        InvalidInput: settings are missing, or all of them failed.
    """
    study = io.read_json(study)
    folder = study_folder(study, scratch)
    with queue_lock(folder):
        found = results(open_journal(study, folder))
    if missing := len(study["settings"]) - len(found):
        raise InvalidInput(
            f"study {study['id']}: {missing} of {len(study['settings'])} settings have no result; rerun with "
            "--forcerun tune_worker, and with as many workers as before if there are fewer now"
        )
    table = _table(study["settings"], found, study["inner"])
    if (table["state"] == FAILED).all():
        raise InvalidInput(f"study {study['id']}: all settings failed; the first because {table['reason'][0]}")
    number = int(table["auc_mean"].fillna(-1).idxmax())
    setting = {name: study["settings"][number][name] for name in PARAMETERS}
    io.write_yaml({"setting": setting, "auc": found[number].value, "study": study["id"]}, best)
    io.write_table(table, trials)
    with io.atomic(journal) as temporary:
        shutil.copyfile(folder / "journal.log", temporary)
    _draw(table, number, figure)


def _table(settings, found, inner_splits):
    import pandas as pd

    rows = []
    for number, setting in enumerate(settings):
        trial = found[number]
        aucs = trial.user_attrs["auc"]
        reason = trial.user_attrs.get("reason", "")
        # A setting that failed did so before its last inner split; where none defines an AUC, it saw all of them.
        lack = UNDEFINED if len(aucs) == inner_splits else FAILED
        rows.append({
            **{name: setting[name] for name in PARAMETERS},
            "auc_mean": trial.value,
            **{f"auc_inner{inner + 1}": aucs[inner] if inner < len(aucs) else None for inner in range(inner_splits)},
            "state": lack if reason else COMPLETE,
            "reason": reason,
        })  # fmt: skip
    return pd.DataFrame(rows).astype({"auc_mean": float})


def _draw(table, best, path):
    import numpy as np

    strategies = sorted(set(table["strategy"]))
    recipes = sorted(set(table["recipe"]))
    colours = dict(zip(recipes, cycle(plots.COLOURS.values()), strict=False))
    figure, axes = plots.new(height_mm=25 + 12 * len(strategies))
    for row, strategy in enumerate(strategies):
        group = table[table["strategy"] == strategy].sort_values("auc_mean")
        heights = row + np.linspace(-0.25, 0.25, len(group)) if len(group) > 1 else np.array([row])
        for height, (number, trial) in zip(heights, group.iterrows(), strict=True):
            inner = trial.filter(like="auc_inner").astype(float)
            axes.plot([inner.min(), inner.max()], [height, height], color="0.8", zorder=1)
            axes.scatter(trial["auc_mean"], height, s=18, color=colours[trial["recipe"]], zorder=2)
            if number == best:
                axes.scatter(trial["auc_mean"], height, s=70, facecolors="none", edgecolors="black", zorder=3)
    for recipe in recipes:
        axes.scatter([], [], s=18, color=colours[recipe], label=recipe or "no recipe")
    axes.scatter([], [], s=70, facecolors="none", edgecolors="black", label="chosen")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    axes.axvline(0.5, color="0.6", linestyle=":", linewidth=1)
    axes.set(xlabel="validation AUC, mean of the inner splits", yticks=range(len(strategies)), yticklabels=strategies)
    plots.save(figure, path)
