"""New exams scored by a released bundle: prepared as those that its models learnt from, or refused."""

import shutil
from pathlib import Path

from gliodelta import io
from gliodelta.external.bundle import CARD, CONFIG, code_of_preparation, read_bundle
from gliodelta.external.predict import predict_cohort
from gliodelta.external.score import score_external
from gliodelta.imaging.sample import sample_maps
from gliodelta.schema import InvalidInput, validate
from gliodelta.sheets import pair_path, read_cohort
from gliodelta.study import DEVELOPMENT
from gliodelta.tables import count_reasons

OTHER_CODE = (
    "The code that prepared these exams is not that of the release (gliodelta {version}): their maps may differ from "
    "those that the models learnt from. Score with the released version where you can."
)


def prepare(bundle_folder, cohort_file, out):
    """Writes the configuration with which the workflow prepares a cohort as the bundle's was; returns its path.

    Raises:
        InvalidInput: the cohort is one to train on, or of difference maps that were made elsewhere.
    """
    cohort_file = Path(cohort_file).absolute()
    cohort = read_cohort(str(cohort_file))
    if cohort["role"] == DEVELOPMENT:
        raise InvalidInput(f"{cohort_file}: the role is {DEVELOPMENT}; a bundle scores cohorts of the role inference")
    if cohort.get("map_links"):
        raise InvalidInput(f"{cohort_file}: gives difference maps made elsewhere; a bundle scores exams")
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
        out: folder to write members.tsv, predictions.tsv, ensembles.tsv, scores.tsv, predictions.png and the card to.
        settings: dict with `bootstraps` and `seed`, for the intervals of a labelled cohort.
        threads: CPU threads.

    Returns:
        list of sentences: how many pairs were scored, why others were not, and the limits.

    Raises:
        InvalidInput: see `bundle.read_bundle`; or the maps were made with other settings than the bundle's.
    """
    bundle, cohort, out = read_bundle(bundle_folder), read_cohort(str(cohort_file)), Path(out)
    imaging = Path(results) / "imaging" / cohort["name"]
    check_preparation(results, cohort["name"], bundle["settings"])
    trained = [(Path(bundle_folder) / member["file"], member) for member in bundle["members"]]
    given = {"arm": bundle["arm"]["arm"], "split": cohort["role"], "maps": imaging / "maps.tsv"}
    given["members"] = out / "members.tsv"
    caches = _sample(cohort, imaging, bundle["settings"]["training"]["grids"], out)
    predict_cohort(trained, caches=caches, threads=threads, **given)
    for cache in caches.values():
        cache.unlink()
    folder = Path(cohort.get("sheets") or Path(cohort_file).with_suffix(""))
    labels = folder / "labels.tsv" if cohort["labels"] else None
    outputs = {name: out / f"{name}.tsv" for name in ("predictions", "ensembles", "scores")}
    outputs["figure"] = out / "predictions.png"
    score_external(labels_sheet=labels, settings=settings, outputs=outputs, **given)
    shutil.copyfile(Path(bundle_folder) / CARD, out / CARD)
    return _sentences(io.read_table(outputs["ensembles"]), bundle)


def check_preparation(results, cohort, settings):
    """Makes sure that a cohort's maps, if there are any, were made with these settings.

    Args:
        results: folder of the workflow's results.
        cohort: name of the cohort.
        settings: the configuration in the bundle.

    Raises:
        InvalidInput: `ingest.describe` wrote down other ones.
    """
    description = Path(results) / "imaging" / cohort / "dataset_description.json"
    if not description.exists():
        return
    made = io.read_json(description).get("Settings", {})
    wanted = validate({"cohorts": [], **settings}, "config", "the bundle's configuration")["imaging"]
    other = sorted(key for key, value in wanted.items() if made.get(key) != value)
    if other:
        raise InvalidInput(
            f"{description.parent}: the maps were made with other settings than those that the models learnt from "
            f"(imaging: {', '.join(other)}); score in another folder, where they are made anew"
        )


def _sample(cohort, imaging, grids, out):
    """Brings the maps to each of the grids; returns dict of a grid to its file in `out`."""
    images = [imaging / f"{pair_path(row)}_pair.nii.gz" for row in cohort["pairs"]]
    caches = {name: out / f"grid-{name}.safetensors" for name in grids}
    for name, grid in grids.items():
        sample_maps(imaging / "maps.tsv", images, **grid, cache=caches[name])
    return caches


def _sentences(table, bundle):
    refused = table.loc[table["include"] != "yes", "reason"]
    scored = f"{len(table) - len(refused)} of {len(table)} pairs were scored by {len(bundle['members'])} models."
    reasons = [f"Not scored: {count} for the reason: {reason}." for reason, count in count_reasons(refused)]
    changed = bundle["code"] != code_of_preparation(bundle["settings"])
    warning = [OTHER_CODE.format(version=bundle["version"])] if changed else []
    return [scored, *reasons, *warning, "Limits:", *bundle["limits"]]
