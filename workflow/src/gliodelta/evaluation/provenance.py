"""Of what the results were made: configuration, code, packages, sheets, images, weights and seeds, as one JSON file.

The commit and the packages are read when the file is written and are no parameter of the rule: a commit that changes
no code that a job runs must rerun nothing. The file is written anew whenever a result changes, so that it tells of
the code that made the last one.
"""

import csv
import importlib.metadata
import platform
import subprocess
from pathlib import Path

from gliodelta import __version__, io
from gliodelta.fingerprint import SOURCE, code_of
from gliodelta.lineage import KEYS, check_cards
from gliodelta.schema import validate

FORMAT = 1
ROOT = SOURCE.parents[1]


def record_provenance(study, sheets, results, images, tables, weights, document):
    """Writes the provenance of a run.

    Args:
        study: dict with `settings`, the configuration without where files lie, `cohorts` (`simulation` in those that
            are simulated), `arms` and `recipes`.
        sheets: dict of a sheet's name, such as "demo/labels.tsv", to its file.
        results: folder of the results.
        images: dict of `exams`, ``ingest/{cohort}/exams.tsv`` of the cohorts of which exams are given, and `grids`,
            ``imaging/{cohort}/grid-{grid}.sha256``, the checksums of the maps that the networks were given.
        tables: files in it whose checksums are kept.
        weights: files in it, model.safetensors or encoder.safetensors, each with its lineage.json beside it.
        document: JSON to write. It holds names, numbers and checksums: no path beyond `results`, no row of a sheet.

    Raises:
        InvalidInput: weights say on their card that they are another split's than their lineage says.
    """
    modules = [module_of(file) for file in sorted((SOURCE / "gliodelta").rglob("*.py"))]
    io.write_json(
        {
            "format": FORMAT,
            "software": {"gliodelta": __version__, "code": code_of(__name__, modules), **read_commit(ROOT)},
            "environment": {"python": platform.python_version(), "system": platform.system(), **installed()},
            **study,
            "seeds": find_seeds(study["settings"], study["cohorts"]),
            "sheets_sha256": {name: io.checksum(file) for name, file in sheets.items()},
            # Of each exam in the order of exams.tsv, which names them: the digest that ingest took of its voxels.
            "exams": {Path(file).parent.name: read_digests(file) for file in images["exams"]},
            "maps_sha256": {
                name_in(results, file).removesuffix(".sha256"): Path(file).read_text(encoding="utf-8").split()[0]
                for file in images["grids"]
            },
            "results_sha256": {name_in(results, file): io.checksum(file) for file in tables},
            "weights": [{"file": name_in(results, file), **describe_weights(file)} for file in weights],
        },
        document,
    )


def name_in(folder, file):
    """Returns the name of a file within a folder."""
    return Path(file).relative_to(folder).as_posix()


def module_of(file):
    """Returns the dotted name of a module of the package from its file."""
    return ".".join(file.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


def read_commit(folder):
    """Returns what git says of the code in `folder`.

    Args:
        folder: root of the checkout.

    Returns:
        dict: commit (hexadecimal), modified (whether files differ from it or are new to it), reason ("", or, where
        both are None, why nothing is known).
    """
    try:
        root = _git(folder, "rev-parse", "--show-toplevel")
        if Path(root).resolve() != Path(folder).resolve():
            return _unknown("the code is no git checkout of its own")
        commit = _git(folder, "rev-parse", "HEAD")
        return {"commit": commit, "modified": bool(_git(folder, "status", "--porcelain")), "reason": ""}
    except FileNotFoundError:
        return _unknown("git is not installed")
    # Git's own words hold the path.
    except subprocess.CalledProcessError as error:
        return _unknown(f"the code is no git checkout, or git may not read it (git ended with {error.returncode})")


def _git(folder, *arguments):
    done = subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _unknown(reason):
    return {"commit": None, "modified": None, "reason": reason}


def installed():
    """Returns dict of `snakemake` and `packages`: the versions in the environment of this job, by package."""
    found = {dist.metadata["Name"].lower(): dist.version for dist in importlib.metadata.distributions()}
    return {"snakemake": found.get("snakemake"), "packages": dict(sorted(found.items()))}


def find_seeds(settings, cohorts):
    """Returns the seeds of a configuration by section, and those of its simulated cohorts."""
    seeds = {name: part["seed"] for name, part in settings.items() if isinstance(part, dict) and "seed" in part}
    simulated = {name: cohort["simulation"] for name, cohort in cohorts.items() if cohort.get("simulation") is not None}
    drawn = {name: validate(dict(given), "simulation", name)["seed"] for name, given in simulated.items()}
    return seeds | {"simulation": drawn}


def read_digests(table):
    """Returns the digests of the exams' voxels in exams.tsv; None for an exam without an image."""
    # As text: a digest that happens to hold digits alone is no number.
    with open(table, newline="", encoding="utf-8") as file:
        digests = [row["voxels_digest"] for row in csv.DictReader(file, delimiter="\t")]
    return [None if digest == "n/a" else digest for digest in digests]


def describe_weights(file):
    """Returns where weights come from: their split, the patients kept out (a digest), the setting, their checksum.

    Args:
        file: weights, with lineage.json beside them.

    Raises:
        InvalidInput: see `record_provenance`.
    """
    from gliodelta.training.models import read_card

    told = io.read_json(Path(file).with_name("lineage.json"))
    check_cards(told, [read_card(file)])
    kept = {key: told[key] for key in (*KEYS, "status", "setting", "grid", "calibration") if key in told}
    return {**kept, "sha256": io.checksum(file)}
