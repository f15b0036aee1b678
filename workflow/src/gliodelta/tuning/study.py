"""What a study is: its specification in study.json, and the journal that its workers share."""

import contextlib
import hashlib
from pathlib import Path

from gliodelta import io
from gliodelta.fingerprint import digest
from gliodelta.lineage import check_lineage
from gliodelta.tuning.space import settings

# The files of an outer fold that a study depends on: one a inner split, the encoders one a recipe and inner split.
FILES = ("train", "validation", "weak", "lineages", "encoders", "encoder_lineages")


def write_study(arm, recipes, training, fold, seed, code, files, cache, output):
    """Writes study.json: all that decides the result of a study, and the `id` that is the digest of it.

    The number of workers is not a part of it, so that another number goes on with the same study.

    Args:
        arm: row of arms.tsv (dict).
        recipes: dict of name to row of the arm's recipes.
        training: settings of the arm's trainings (section training of the configuration).
        fold: dict with `repeat` and `fold`.
        seed: seed of the order of the settings.
        code: fingerprint of the code that evaluates a setting.
        files: dict of the names in `FILES` to lists of paths.
        cache: file of the sampled maps.
        output: JSON to write.

    Raises:
        InvalidInput: an encoder was trained with other patients left out than its inner split leaves out.
    """
    inner_splits(files, recipes)
    study = {
        **fold,
        "arm": arm,
        "recipes": recipes,
        "training": training,
        "inner": len(files["lineages"]),
        "sampler": "exhaustive",
        "seed": seed,
        "settings": settings(arm, list(recipes), seed),
        "code": code,
        "inputs": {name: [_sha256(path) for path in paths] for name, paths in {**files, "cache": [cache]}.items()},
    }
    io.write_json({**study, "id": digest(study)}, output)


def inner_splits(files, recipes):
    """Sorts the files of an outer fold by inner split.

    Args:
        files: dict of the names in `FILES` to lists of paths; lists in the order of the inner splits, encoders and
            their lineages recipe by recipe and inside a recipe in the order of the inner splits.
        recipes: names of the recipes.

    Returns:
        list of dicts, one a inner split: `lists` (train, validation, weak: paths) and `encoders` (recipe: path).

    Raises:
        InvalidInput: an encoder belongs to another split.
    """
    splits = []
    count = len(files["lineages"])
    for inner, lineage in enumerate(files["lineages"]):
        check_lineage(io.read_json(lineage), [io.read_json(path) for path in files["encoder_lineages"][inner::count]])
        splits.append({
            "lists": {name: files[name][inner] for name in ("train", "validation", "weak")},
            "encoders": dict(zip(recipes, files["encoders"][inner::count], strict=True)),
        })  # fmt: skip
    return splits


def study_folder(study, scratch):
    """Returns the folder of the journal of `study` (study.json's content) under `scratch`; makes it when missing."""
    folder = Path(scratch) / study["id"]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def open_journal(study, folder):
    """Opens the Optuna study whose journal lies in `folder`, or begins it; safe while `queue_lock` is held."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = str(folder / "journal.log")
    # Not the default lock, a link: relative ones dangle, and a dangling link of a killed worker is never seen as stale.
    lock = optuna.storages.journal.JournalFileOpenLock(path)
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(path, lock))
    # The sampler is never asked: all settings are enqueued.
    sampler = optuna.samplers.RandomSampler(study["seed"])
    return optuna.create_study(
        storage=storage, sampler=sampler, study_name=study["id"], direction="maximize", load_if_exists=True
    )


@contextlib.contextmanager
def queue_lock(folder):
    """Lets one worker at a time look at the queue and change it: looking and taking are two steps in Optuna.

    Works on network file systems (exclusive creation of a file); the lock of a killed worker is broken after 30 s.
    """
    from optuna.storages.journal import JournalFileOpenLock

    lock = JournalFileOpenLock(str(folder / "queue"))
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def results(journal):
    """Returns the trials of an open journal that have a result, by the number of their setting.

    A trial with a result is complete, or failed for the reason it names. One that failed without was interrupted.
    """
    from optuna.trial import TrialState

    trials = journal.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.FAIL))
    return {
        trial.user_attrs["setting"]: trial
        for trial in trials
        if trial.state == TrialState.COMPLETE or "reason" in trial.user_attrs
    }


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
