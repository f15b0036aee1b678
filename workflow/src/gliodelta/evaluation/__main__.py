"""``python -m gliodelta.evaluation``: score predictions outside any workflow."""

import argparse
import sys
from pathlib import Path

from gliodelta import schema
from gliodelta.schema import InvalidInput


def main(arguments=None):
    """Runs a subcommand; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m gliodelta.evaluation", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_score(commands)
    options = parser.parse_args(arguments)
    try:
        print("\n".join(options.run(options)))
    except InvalidInput as error:
        print(f"Nothing was scored: {error}.", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Nothing was scored: {error.filename}: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


def _add_score(commands):
    command = commands.add_parser(
        "score",
        help="score a table of predictions: metrics, intervals, comparisons of its arms",
        description="Needs the columns y_true (0 stable, 1 unstable) and score or probability, tab-separated. May have "
        "subject, prior, current, split (validation, test, external), repeat, fold, inner, arm, cohort, and called "
        "(0 or 1). Without subject, intervals are per map. Thresholds are chosen on validation rows, else "
        "probability 0.5.",
    )
    defaults = {name: entry["default"] for name, entry in _settings().items()}
    command.add_argument("predictions", type=Path, metavar="PREDICTIONS.tsv")
    command.add_argument("--out", type=Path, help="folder for all tables and figures")
    command.add_argument("--primary", help="arm whose comparisons are the family that Holm's correction is for")
    command.add_argument("--by", action="append", default=[], metavar="COLUMN", help="score subgroups by this column")
    for name in ("bootstraps", "seed", "bins"):
        text = _settings()[name]["description"]
        command.add_argument(f"--{name}", type=int, default=defaults[name], help=f"{text} Default: {defaults[name]}.")
    command.set_defaults(run=_score)


def _settings():
    return schema.read("config")["properties"]["evaluation"]["properties"]


def _score(options):
    from gliodelta.evaluation.score import score

    settings = {name: getattr(options, name) for name in ("bootstraps", "seed", "bins")}
    return score(options.predictions, settings, options.primary, options.by, options.out)


if __name__ == "__main__":
    sys.exit(main())
