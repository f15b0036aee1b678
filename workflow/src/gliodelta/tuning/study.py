"""What a study is: its specification in study.json, and the folder of what its workers share."""

from pathlib import Path

from gliodelta import io
from gliodelta.fingerprint import digest
from gliodelta.lineage import check_cards, check_lineage
from gliodelta.training.models import read_card
from gliodelta.tuning.pruning import HALVING, NONE
from gliodelta.tuning.space import settings

# The files of an outer fold that a study depends on: one a inner split, the encoders one a recipe and inner split.
FILES = ("train", "validation", "weak", "lineages", "encoders", "encoder_lineages")


def write_study(
    arm, recipes, training, fold, seed, code, files, checksums, output, budget=0, pruning=NONE
):  # fmt: skip
    """Writes study.json: all that decides the result of a study, and the `id` that is the digest of it.

    The number of workers is not a part of it, so that another number goes on with the same study. Nor is the budget,
    unless settings are pruned: a larger one adds trials to the same study.

    Args:
        arm: row of arms.tsv (dict).
        recipes: dict of name to row of the arm's recipes.
        training: settings of the arm's trainings (section training of the configuration).
        fold: dict with `repeat` and `fold`.
        seed: seed of the order of the settings.
        code: fingerprint of the code that evaluates a setting.
        files: dict of the names in `FILES` to lists of paths.
        checksums: files with the checksums of the maps on each grid that the arm may train on (`imaging.sample`).
        output: JSON to write. Its `budget` is the number of trials, each a setting with a seed, trained on every inner
            split.
        budget: number of trials, the same for every arm so that they compare; 0 is one a setting. More go round the
            settings again with further seeds; fewer leave out the last settings of the seeded order.
        pruning: none | halving, see `pruning`.

    Raises:
        InvalidInput: an encoder was trained with other patients left out than its inner split leaves out.
    """
    inner_splits(files, recipes)
    space = settings(arm, list(recipes), seed)
    study = {
        **fold,
        "arm": arm,
        "recipes": recipes,
        "training": training,
        "inner": len(files["lineages"]),
        "sampler": "exhaustive",
        "pruning": pruning,
        "seed": seed,
        "settings": space,
        "code": code,
        "inputs": {
            **{name: [io.checksum(path) for path in paths] for name, paths in files.items()},
            "caches": [Path(path).read_text(encoding="utf-8").split()[0] for path in checksums],
        },
    }
    budgeted = {"budget": budget or len(space)}
    # Which settings are pruned depends on how many there are to beat.
    decisive = {**study, **budgeted} if pruning == HALVING else study
    io.write_json({**study, **budgeted, "id": digest(decisive)}, output)


def inner_splits(files, recipes):
    """Sorts the files of an outer fold by inner split.

    Args:
        files: dict of the names in `FILES` to lists of paths; lists in the order of the inner splits, encoders and
            their lineages recipe by recipe and inside a recipe in the order of the inner splits.
        recipes: names of the recipes.

    Returns:
        list of dicts, one a inner split: `lists` (train, validation, weak: paths) and `encoders` (recipe: path).

    Raises:
        InvalidInput: an encoder, by its lineage or its own card, belongs to another split.
    """
    splits = []
    count = len(files["lineages"])
    for inner, lineage in enumerate(files["lineages"]):
        mine, encoders = io.read_json(lineage), files["encoders"][inner::count]
        check_lineage(mine, [io.read_json(path) for path in files["encoder_lineages"][inner::count]])
        check_cards(mine, [read_card(path) for path in encoders])
        splits.append({
            "lists": {name: files[name][inner] for name in ("train", "validation", "weak")},
            "encoders": dict(zip(recipes, encoders, strict=True)),
        })  # fmt: skip
    return splits


def study_folder(study, scratch):
    """Returns the folder of the journal of `study` (study.json's content) under `scratch`; makes it when missing."""
    folder = Path(scratch) / study["id"]
    folder.mkdir(parents=True, exist_ok=True)
    return folder
