"""``python -m gliodelta.external``: release the models of an arm, and score new exams with what was released."""

import argparse
import subprocess
import sys
from pathlib import Path

from gliodelta import io
from gliodelta.external.bundle import read_bundle, write_bundle
from gliodelta.external.new_exams import check_preparation, prepare, score_bundle
from gliodelta.schema import InvalidInput, read
from gliodelta.study import Study

SNAKEFILE = Path(__file__).resolve().parents[4] / "Snakefile"


def main(arguments=None):
    """Runs a subcommand; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m gliodelta.external", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_release(commands)
    _add_score(commands)
    options = parser.parse_args(arguments)
    try:
        print("\n".join(options.run(options)))
    except InvalidInput as error:
        print(f"Nothing was done: {error}.", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print("Nothing was scored: the workflow could not make the maps; its messages are above.", file=sys.stderr)
        return error.returncode
    return 0


def _add_release(commands):
    command = commands.add_parser("release", help="write the bundle of an arm whose models are trained")
    command.add_argument("arm", help="name of the arm in arms.tsv")
    command.add_argument("bundle", type=Path, help="folder to write")
    command.add_argument("--configfile", type=Path, default=Path("config/config.yaml"), help="of the finished study")
    command.add_argument("--results", type=Path, default=Path("results"), help="of the finished study")
    command.set_defaults(run=_release)


def _release(options):
    if not options.configfile.is_file():
        raise InvalidInput(f"{options.configfile}: no such file; name the configuration of the study as --configfile")
    study = Study(io.read_yaml(options.configfile))
    write_bundle(options.results, options.arm, study, options.bundle)
    released, splits = len(read_bundle(options.bundle)["members"]), len(study.folds()) * len(study.inner())
    untrained = f" {splits - released} others were left untrained." if released < splits else ""
    return [f"Released {released} models of the arm {options.arm}.{untrained}"]


def _add_score(commands):
    command = commands.add_parser(
        "score",
        help="score a cohort of new exams: no training, no labels",
        description="Makes the difference maps as those of the study were made, in ./results, and scores them.",
    )
    command.add_argument("bundle", type=Path, help="folder that `release` wrote")
    command.add_argument("cohort", type=Path, help="the cohort's YAML (`python -m gliodelta.ingest draft` writes it)")
    command.add_argument("out", type=Path, help="folder to write the scores to")
    command.add_argument("--cores", default="1", help="jobs at once, for the maps")
    command.set_defaults(run=_score)


def _score(options):
    # Before the workflow would make maps of other settings anew, and with them what a study made of them.
    check_preparation("results", options.cohort.stem, read_bundle(options.bundle)["settings"])
    make_maps(prepare(options.bundle, options.cohort, options.out), options.cores)
    evaluation = read("config")["properties"]["evaluation"]["properties"]
    settings = {name: evaluation[name]["default"] for name in ("bootstraps", "seed")}
    return score_bundle(options.bundle, options.cohort, "results", options.out, settings)


def make_maps(configfile, cores):
    """Runs the workflow with a configuration that ends with the maps.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    command = [
        "snakemake",
        "--snakefile",
        SNAKEFILE,
        "--configfile",
        configfile,
        "--cores",
        cores,
        "--keep-going",
        "--quiet",
    ]
    subprocess.run([sys.executable, "-m", *map(str, command)], check=True)


if __name__ == "__main__":
    sys.exit(main())
