"""A released bundle: the models of an arm with all that is needed to score new exams, and no training data.

bundle.json        the members: file, checksum, split, grid, calibration, share of unstable pairs at home; the arm;
                   checksums of the files beside it; the fingerprint of the code that prepared the exams
config.yaml        the sections imaging and training: grids of the study, which new exams are prepared with
MODEL_CARD.md      the arm's model card, with what the scores of new exams mean and do not
models/*.safetensors
"""

import re
import shutil
from pathlib import Path

from gliodelta import __version__, io
from gliodelta.external.ensembles import ENSEMBLES, PRIMARY
from gliodelta.external.predict import gather_members
from gliodelta.fingerprint import code_of
from gliodelta.schema import InvalidInput
from gliodelta.study import ENGINES
from gliodelta.tables import SPLIT
from gliodelta.training.models import card_of, read_card

BUNDLE, CONFIG, CARD = "bundle.json", "config.yaml", "MODEL_CARD.md"
FORMAT = 2
# What prepares an exam, beside the plug-ins that the configuration names.
STEPS = ("ingest.convert", *(f"imaging.{step}" for step in ("brain", "bias", "register", "difference", "screen")))
LIMITS = (
    "A score says whether two T2 exams of a patient with a glioma differ as exams do that radiologists call changed; "
    "it does not tell progression from response, nor either from the effects of treatment.",
    "Probabilities take for granted that {home:.0%} of the pairs are unstable, as among those that calibrated them; "
    "where change is more or less common, read the column even_prior.",
    "Pairs whose exams are not T2, do not match, or fail another check are not scored; ensembles.tsv says why. Passing "
    "these checks does not show that exams are like those the models learnt from.",
    "A bundle does not know who its models learnt from; on these patients, scores look better than they are.",
)
_PROVENANCE = "evaluation/provenance.json"
_LIMITS_OF_CARD = re.compile(r"(?<=\n## Limits\n\n)(?:- .*\n)+")


def write_bundle(results, arm, study, folder):
    """Writes the bundle of an arm from the results of a finished study.

    Args:
        results: folder of the results.
        arm: name of the arm.
        study: `gliodelta.study.Study` that made them.
        folder: folder to write, which must not exist.

    Raises:
        InvalidInput: no such arm or no trained model, the folder exists, a model belongs to another split, or the
            study's configuration, card or provenance are not those of the models.
    """
    results, folder = Path(results), Path(folder)
    if arm not in study.arms:
        raise InvalidInput(f"no arm is called {arm!r}; choose from {', '.join(study.arms)}")
    if folder.exists():
        raise InvalidInput(f"{folder}: exists already; name another folder")
    if study.development in study.with_maps_only():
        raise InvalidInput(
            f"cohort {study.development} came as difference maps, which this workflow did not make; new exams "
            "would get maps of another kind than the models learnt from. Release models of a cohort of exams"
        )
    trained = _trained(results, arm, study)
    grids = {name: study.config["training"]["grids"].get(name, {}) for name in {one["grid"] for _, one in trained}}
    settings = {"imaging": study.config["imaging"], "training": {"grids": dict(sorted(grids.items()))}}
    check_weights([(file, member["grid"]) for file, member in trained], study.arms[arm], settings)
    _check_provenance(results, [file for file, _ in trained], settings)
    card = _card(results / "evaluation" / "cards" / f"{arm}.md", [member for _, member in trained])
    members = [_copy(file, lineage, folder) for file, lineage in trained]
    io.write_yaml(settings, folder / CONFIG)
    io.write_text(card, folder / CARD)
    document = {"format": FORMAT, "version": __version__, "arm": study.arms[arm], "members": members}
    document |= {"code": code_of_preparation(settings)}
    document |= {"sha256": {name: io.checksum(folder / name) for name in (CONFIG, CARD)}}
    io.write_json(document, folder / BUNDLE)


def _trained(results, arm, study):
    """The trained models of an arm, as `gather_members` gives them."""
    splits = [f"repeat-{repeat}/fold-{fold}/inner-{inner}" for repeat, fold in study.folds() for inner in study.inner()]
    files = [results / "transfer" / arm / split for split in splits]
    needed = [*(file / "lineage.json" for file in files), results / "evaluation" / "cards" / f"{arm}.md"]
    lacking = [file.relative_to(results) for file in [*needed, results / _PROVENANCE] if not file.is_file()]
    if lacking:
        raise InvalidInput(
            f"{results}: {len(lacking)} files of arm {arm} are missing, such as {lacking[0]}; run the workflow to its "
            "end first, with this configuration"
        )
    models, lineages = ([file / name for file in files] for name in ("model.safetensors", "lineage.json"))
    trained = gather_members(models, lineages, [results / "manifests" / one / "lineage.json" for one in splits], arm)
    if not trained:
        raise InvalidInput(f"{results}: every model of arm {arm} was left untrained; there is nothing to release")
    return trained


def check_weights(files, arm, settings):
    """Makes sure that weights are of the networks and grids that are said of them.

    Args:
        files: list of (model.safetensors, name of its grid).
        arm: row of arms.tsv.
        settings: dict with `training: grids`.

    Raises:
        InvalidInput: the card of the weights says otherwise.
    """
    for file, grid in files:
        expected, card = card_of({**arm, "grid": grid}, settings["training"]), read_card(file)
        wrong = [name for name in ("encoder", "representation", "loss") if card[name] != expected[name]]
        wrong += [f"grid {grid}: {key}" for key, value in card["grid"].items() if expected["grid"].get(key) != value]
        if wrong:
            raise InvalidInput(
                f"the weights in {Path(file).parent} were trained otherwise than the configuration says "
                f"({', '.join(wrong)}); take the configuration and the arms.tsv that they were trained with"
            )


def _check_provenance(results, models, settings):
    """Makes sure that the arm's card, which is written with the provenance, is of these weights and settings."""
    provenance = io.read_json(results / _PROVENANCE)
    imaging, known = provenance["settings"]["imaging"], {weights["sha256"] for weights in provenance["weights"]}
    changed = [key for key, value in settings["imaging"].items() if imaging.get(key) != value]
    if changed or not known.issuperset(map(io.checksum, models)):
        what = f"imaging: {', '.join(changed)}" if changed else "weights"
        raise InvalidInput(
            f"{results / _PROVENANCE} tells of other {what} than those to release; run the workflow to its end with "
            "this configuration, or name the configuration that made these results"
        )


def code_of_preparation(settings):
    """Returns the fingerprint of the code that prepares exams with these settings."""
    imaging = settings["imaging"]
    engines = [f"imaging.{kind}.{imaging[kind]}" for kind in ENGINES]
    engines += [f"imaging.registration.{name}" for name in imaging["registration_fallback"]]
    return code_of("gliodelta.imaging.sample", [f"gliodelta.{name}" for name in (*STEPS, *engines)])


def _copy(file, lineage, folder):
    name = "models/" + "_".join(f"{key}-{lineage[key]}" for key in SPLIT) + ".safetensors"
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, folder / name)
    kept = {key: lineage[key] for key in (*SPLIT, "excluded", "grid", "calibration", "home")}
    return {"file": name, "sha256": io.checksum(folder / name), **kept}


def _card(file, members):
    """The arm's card, its limits with those of scores of new exams, and what the scores are called."""
    text = Path(file).read_text(encoding="utf-8")
    end = _section(text).end()
    home = sum(member["home"] for member in members) / len(members)
    added = "".join(f"- {sentence.format(home=home)}\n" for sentence in LIMITS)
    columns = "".join(f"- `{column}`: {name} ({role})\n" for column, (name, role) in ENSEMBLES.items())
    scores = (
        f"\n## Scores of new exams\n\nThe {len(members)} models are one ensemble; {BUNDLE} has their checksums and "
        f"calibrations. Columns of `ensembles.tsv`; `{PRIMARY}` is the one in `predictions.tsv`:\n\n{columns}"
    )
    return text[:end] + added + text[end:] + scores


def limits_of(card):
    """Returns the sentences of the section Limits of a model card's text.

    Raises:
        InvalidInput: it has none.
    """
    return [line.removeprefix("- ") for line in _section(card)[0].splitlines()]


def _section(card):
    found = _LIMITS_OF_CARD.search(card)
    if not found:
        raise InvalidInput("the model card has no section Limits; run the workflow to its end anew")
    return found


def read_bundle(folder):
    """Reads bundle.json and makes sure that everything in the bundle is what was released and belongs together.

    Returns:
        dict: the content of bundle.json, `settings` (that of config.yaml) and `limits` (list of sentences of the card).

    Raises:
        InvalidInput: it is no bundle, of another format, or a file is missing, changed, or of another network or grid.
    """
    folder = Path(folder)
    if not (folder / BUNDLE).is_file():
        raise InvalidInput(f"{folder}: holds no {BUNDLE}; name the folder that `release` wrote")
    bundle = io.read_json(folder / BUNDLE)
    if bundle["format"] != FORMAT:
        raise InvalidInput(
            f"{folder / BUNDLE}: has format {bundle['format']}, and this version reads {FORMAT}; score with gliodelta "
            f"{bundle.get('version')}, which wrote it, or release it anew"
        )
    released = {**bundle["sha256"], **{member["file"]: member["sha256"] for member in bundle["members"]}}
    for name, checksum in released.items():
        if not (folder / name).is_file() or io.checksum(folder / name) != checksum:
            raise InvalidInput(f"{folder / name}: missing, or another file than was released; copy the bundle anew")
    settings = io.read_yaml(folder / CONFIG)
    check_weights([(folder / member["file"], member["grid"]) for member in bundle["members"]], bundle["arm"], settings)
    return {**bundle, "settings": settings, "limits": limits_of((folder / CARD).read_text(encoding="utf-8"))}
