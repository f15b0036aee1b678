"""A released bundle: the models of an arm with all that is needed to score new exams, and no training data.

bundle.json        the members: file, checksum, split, grid, calibration, share of unstable pairs at home
config.yaml        the sections imaging and training: grids of the study, which new exams are prepared with
MODEL_CARD.md      what the models are, and their limits
models/*.safetensors
"""

import shutil
from pathlib import Path

from gliodelta import __version__, io
from gliodelta.external.ensembles import ENSEMBLES, PRIMARY
from gliodelta.external.predict import gather_members, score_cohort
from gliodelta.imaging.sample import sample_maps
from gliodelta.schema import InvalidInput
from gliodelta.sheets import pair_id, read_cohort
from gliodelta.study import DEVELOPMENT
from gliodelta.tables import SPLIT, count_reasons

BUNDLE, CONFIG, CARD = "bundle.json", "config.yaml", "MODEL_CARD.md"
FORMAT = 1
LIMITS = (
    "For research. This is no medical device, and no score may guide the treatment of a patient.",
    "A score says whether two T2 exams of a patient with a glioma differ as exams do that radiologists call changed; "
    "it does not tell progression from response, nor either from the effects of treatment.",
    "Probabilities take for granted that {home:.0%} of the pairs are unstable, as among those that calibrated them; "
    "where change is more or less common, read the column even_prior.",
    "Pairs whose exams are not T2, do not match, or fail another check are not scored; ensembles.tsv says why. Passing "
    "these checks does not show that exams are like those the models learnt from.",
)


def write_bundle(results, arm, study, folder):
    """Writes the bundle of an arm from the results of a finished study.

    Args:
        results: folder of the results.
        arm: name of the arm.
        study: `gliodelta.study.Study` that made them.
        folder: folder to write, which must not exist.

    Raises:
        InvalidInput: no such arm or no trained model, the folder exists, or a model belongs to another split.
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
    splits = [f"repeat-{repeat}/fold-{fold}/inner-{inner}" for repeat, fold in study.folds() for inner in study.inner()]
    files = [results / "transfer" / arm / split for split in splits]
    lacking = [split for split, file in zip(splits, files, strict=True) if not (file / "lineage.json").is_file()]
    if lacking:
        raise InvalidInput(f"{results}: no model of arm {arm} for {lacking[0]}; run the workflow to its end first")
    models, lineages = ([file / name for file in files] for name in ("model.safetensors", "lineage.json"))
    trained = gather_members(models, lineages, [results / "manifests" / one / "lineage.json" for one in splits], arm)
    if not trained:
        raise InvalidInput(f"{results}: every model of arm {arm} was left untrained; there is nothing to release")
    members = [_copy(file, lineage, folder) for file, lineage in trained]
    grids = {member["grid"]: study.config["training"]["grids"][member["grid"]] for member in members}
    io.write_yaml({"imaging": study.config["imaging"], "training": {"grids": grids}}, folder / CONFIG)
    document = {"format": FORMAT, "version": __version__, "arm": study.arms[arm], "members": members}
    io.write_json(document, folder / BUNDLE)
    io.write_text(_card(document), folder / CARD)


def _copy(file, lineage, folder):
    name = "models/" + "_".join(f"{key}-{lineage[key]}" for key in SPLIT) + ".safetensors"
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, folder / name)
    kept = {key: lineage[key] for key in (*SPLIT, "excluded", "grid", "calibration", "home")}
    return {"file": name, "sha256": io.checksum(folder / name), **kept}


def read_bundle(folder):
    """Reads bundle.json and makes sure that its models are those that were released.

    Raises:
        InvalidInput: it is no bundle, of another format, or a model is missing or changed.
    """
    file = Path(folder) / BUNDLE
    if not file.is_file():
        raise InvalidInput(f"{folder}: holds no {BUNDLE}; name the folder that `release` wrote")
    bundle = io.read_json(file)
    if bundle["format"] != FORMAT:
        raise InvalidInput(f"{file}: has format {bundle['format']}, and this version reads {FORMAT}; use its version")
    for member in bundle["members"]:
        model = Path(folder) / member["file"]
        if not model.is_file() or io.checksum(model) != member["sha256"]:
            raise InvalidInput(f"{model}: missing, or another file than was released; copy the bundle anew")
    return bundle


def limits(bundle):
    """Returns the sentences on what the bundle's scores do not say."""
    homes = [member["home"] for member in bundle["members"]]
    return [text.format(home=sum(homes) / len(homes)) for text in LIMITS]


def prepare(bundle_folder, cohort_file, out):
    """Writes the configuration with which the workflow prepares a cohort as the bundle's was; returns its path.

    Raises:
        InvalidInput: the cohort is one to train on.
    """
    cohort_file = Path(cohort_file).absolute()
    if read_cohort(str(cohort_file))["role"] == DEVELOPMENT:
        raise InvalidInput(f"{cohort_file}: the role is {DEVELOPMENT}; a bundle scores cohorts of the role inference")
    config = io.read_yaml(Path(bundle_folder) / CONFIG)
    config |= {"cohorts": [cohort_file.stem], "cohorts_folder": str(cohort_file.parent)}
    path = Path(out) / CONFIG
    io.write_yaml(config, path)
    return path


def score_bundle(bundle_folder, cohort_file, results, out, settings, threads=1):
    """Scores a cohort whose maps the workflow has made.

    Args:
        bundle_folder: the bundle.
        cohort_file: the cohort's YAML.
        results: folder of the workflow's results.
        out: folder to write predictions.tsv, members.tsv, ensembles.tsv, scores.tsv and predictions.png to.
        settings: dict with `bootstraps` and `seed`, for the intervals of a labelled cohort.
        threads: CPU threads.

    Returns:
        list of sentences: how many pairs were scored, why others were not, and the limits.

    Raises:
        InvalidInput: see `read_bundle`.
    """
    bundle, cohort, out = read_bundle(bundle_folder), read_cohort(str(cohort_file)), Path(out)
    imaging = Path(results) / "imaging" / cohort["name"]
    grids = io.read_yaml(Path(bundle_folder) / CONFIG)["training"]["grids"]
    stem = "sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_pair.nii.gz"
    images = [imaging / stem.format(subject=row["subject"], pair=pair_id(row)) for row in cohort["pairs"]]
    caches = {name: out / f"grid-{name}.safetensors" for name in grids}
    for name, grid in grids.items():
        sample_maps(imaging / "maps.tsv", images, **grid, cache=caches[name])
    labels = (
        Path(cohort.get("sheets") or Path(cohort_file).with_suffix("")) / "labels.tsv" if cohort["labels"] else None
    )
    names = {name: f"{name}.tsv" for name in ("predictions", "members", "ensembles", "scores")}
    outputs = {name: out / file for name, file in {**names, "figure": "predictions.png"}.items()}
    trained = [(Path(bundle_folder) / member["file"], member) for member in bundle["members"]]
    given = bundle["arm"]["arm"], cohort["role"], imaging / "maps.tsv", labels
    score_cohort(trained, *given, caches, settings, outputs, threads)
    for cache in caches.values():
        cache.unlink()
    table = io.read_table(outputs["ensembles"])
    refused = table.loc[table["include"] != "yes", "reason"]
    scored = f"{len(table) - len(refused)} of {len(table)} pairs were scored by {len(trained)} models."
    reasons = [f"Not scored: {count} for the reason: {reason}." for reason, count in count_reasons(refused)]
    return [scored, *reasons, *limits(bundle)]


def _card(bundle):
    arm, members = bundle["arm"], bundle["members"]
    columns = [f"- `{column}`: {name} ({role})" for column, (name, role) in ENSEMBLES.items()]
    lines = [
        f"# Model card of the arm {arm['arm']}",
        "",
        f"{len(members)} networks ({arm['encoder']}, input {arm['representation']}, loss {arm['loss']}), one a split "
        f"of a cross-validation by patient, each calibrated on its own validation patients (gliodelta "
        f"{bundle['version']}).",
        "",
        f"Their ensemble's columns in `ensembles.tsv`; `{PRIMARY}` is the one in `predictions.tsv`:",
        "",
        *columns,
        "",
        "## Limits",
        "",
        *(f"- {text}" for text in limits(bundle)),
    ]
    return "\n".join(lines) + "\n"
