"""The subcommands that read files of reports: ``validate`` and, for the package's own table, ``tabulate``."""

import os
import signal
import sys
from pathlib import Path

from gliodelta import plugins
from gliodelta.logs import without_text
from gliodelta.schema import InvalidInput


def add_validate(commands):
    """Adds both to the subparsers `commands` of ``python -m gliodelta.labels``."""
    command = commands.add_parser(
        "validate",
        help="label a file of reports, and score the labels where the file tells the truth",
        description="Reads JSON lines: id, language, exam_date, prior_dates, report, and perhaps subject, t2, "
        "compared_to, plain and kinds. Prints figures, never words of a report.",
    )
    command.add_argument("reports", type=Path, metavar="REPORTS.jsonl", help="JSON lines, one report each")
    command.add_argument("--out", type=Path, help="folder for predictions.tsv, metrics.tsv and labels.png")
    command.add_argument("--fit", action="store_true", help="calibrate on the file's own labels, patients kept apart")
    baselines = plugins.names("gliodelta.labels.parts")
    command.add_argument(
        "--baseline", action="append", default=[], choices=baselines, help="with --fit, to compare with"
    )
    command.add_argument("--date-order", choices=("DMY", "MDY", "YMD"), default="DMY", help="order in all-digit dates")
    command.set_defaults(run=_validate)

    command = commands.add_parser(
        "tabulate", help="write the votes on labelled reports, as the package's fictional.tsv"
    )
    command.add_argument("reports", type=Path, metavar="REPORTS.jsonl")
    command.add_argument("table", type=Path, metavar="TABLE.tsv")
    command.add_argument("--split", help="only reports whose field split says so")
    command.set_defaults(run=_tabulate)


def _validate(options):
    from gliodelta.labels.validate import validate

    return _told(lambda: validate(options.reports, options.out, options.fit, options.baseline, options.date_order))


def _tabulate(options):
    from gliodelta.labels.validate import tabulate

    return _told(lambda: tabulate(options.reports, options.table, options.split) or [])


def _told(job):
    """Prints what a job returns, or its error without any word of a report; returns the exit code."""
    try:
        print("\n".join(job()), flush=True)
    except BrokenPipeError:
        # Who read has seen enough, as in ``| head``. What is left unprinted must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except InvalidInput as error:
        print(f"Nothing was labelled: {error}.", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Nothing was labelled: {error.filename}: {error.strerror}.", file=sys.stderr)
        return 1
    except Exception as error:  # Any other error's text may hold words of a report.
        print(without_text(error), file=sys.stderr)
        return 1
    return 0
