"""``python -m gliodelta.labels``: look into the labels of single reports, outside any workflow."""

import argparse
import datetime
import sys
from pathlib import Path

from gliodelta.labels.commands import add_validate
from gliodelta.status import Excluded


def main(arguments=None):
    """Runs a subcommand; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m gliodelta.labels", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_explain(commands)
    add_validate(commands)
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except Excluded as fault:
        print(fault, file=sys.stderr)
        return 1


def _add_explain(commands):
    command = commands.add_parser("explain", help="show what the rules see in a report: prints the report's own words")
    command.add_argument("file", type=Path, help="text file of one report")
    command.add_argument("--exam-date", type=_date, help="date of the report's exam, yyyy-mm-dd")
    command.add_argument("--prior-dates", type=_date, nargs="*", default=[], help="dates of the earlier exams")
    command.add_argument("--language", choices=("fr", "en"), help="language to read it in; found out by default")
    command.add_argument("--date-order", choices=("DMY", "MDY", "YMD"), default="DMY", help="order in all-digit dates")
    command.set_defaults(run=_explain)


def _explain(options):
    from gliodelta.labels import text
    from gliodelta.labels.explain import explain

    try:
        data = options.file.read_bytes()
    except OSError as error:
        print(f"{options.file}: {error.strerror}", file=sys.stderr)
        return 1
    languages = (options.language,) if options.language else ("fr", "en")
    print(explain(text.decode(data), options.exam_date, options.prior_dates, languages, options.date_order))
    return 0


def _date(words):
    try:
        return datetime.date.fromisoformat(words).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError("write the date as yyyy-mm-dd") from None


if __name__ == "__main__":
    sys.exit(main())
