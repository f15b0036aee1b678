"""Command line: ``python -m gliodelta.ingest draft FOLDER --key FILE --out config/cohorts/NAME``.

Published tables are fetched beforehand: ``python -m gliodelta.ingest fetch ADDRESS FILE``.
"""

import argparse
import sys
from pathlib import Path

from gliodelta import plugins
from gliodelta.ingest import LAYOUTS
from gliodelta.ingest.draft import draft
from gliodelta.ingest.fetch import fetch
from gliodelta.ingest.site_tables import COLUMNS
from gliodelta.logs import without_text
from gliodelta.schema import InvalidInput, read

# Tables that are understood as they were published; fetching them is left to whoever has accepted their terms.
PUBLISHED = {
    "labels": "; or a table as published for BRATS-2015, LUMIERE or the difference maps, which `fetch` brings here",
    "weak": "; or the table published with the difference maps, which `fetch` brings here",
}


def main(arguments=None):
    """Runs the command line; of a cohort it prints numbers only, since all else is raw.

    Returns:
        Exit code: 0, or 1 after an error.
    """
    options = _parser().parse_args(arguments)
    try:
        sentences = options.run(options)
    except InvalidInput as error:
        print(f"Nothing was {options.done}: {error}.", file=sys.stderr)
        return 1
    except Exception as error:  # Any other error's text may hold a raw path.
        print(without_text(error), file=sys.stderr)
        return 1
    print("\n".join(sentences))
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="python -m gliodelta.ingest", description="Prepares a cohort.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_draft(commands)
    _add_fetch(commands)
    return parser


def _add_fetch(commands):
    command = commands.add_parser(
        "fetch",
        help="bring a published table here, before anything else",
        description="Writes what lies at an address to a file, if its checksum is right. The workflow itself needs no "
        "network. Read and accept the terms of the table before.",
    )
    command.add_argument("address", help="URL of the raw file")
    command.add_argument("out", type=Path, metavar="FILE", help="file to write")
    command.add_argument("--sha256", help="its checksum; without it, the one found is printed for the next time")
    command.set_defaults(run=lambda options: fetch(options.address, options.out, options.sha256), done="fetched")


def _add_draft(commands):
    command = commands.add_parser(
        "draft",
        help="write a cohort's first sheets from a folder",
        description="Writes a cohort's YAML and first sheets from a folder of exams. Ids become keyed pseudonyms and "
        "dates days since the patient's first exam, of which all studies of one day are one. Raw paths go into link "
        "tables that only you can read.",
    )
    command.add_argument(
        "folder",
        type=Path,
        help="folder of DICOM files, NIfTI images, a BIDS tree, BRATS-2015, LUMIERE or difference maps",
    )
    command.add_argument("--key", type=Path, required=True, help="secret key, outside the project; made when missing")
    command.add_argument("--out", type=Path, required=True, help="config/cohorts/NAME")
    command.add_argument("--links", type=Path, help="link table to write (default: NAME_links.tsv beside the key)")
    command.add_argument("--layout", choices=plugins.names(LAYOUTS), help="default: the first that finds exams")
    roles = read("cohort")["properties"]["role"]["enum"]
    command.add_argument(
        "--role", choices=roles, help="default: by labels: development or inference; BRATS and LUMIERE external"
    )
    command.add_argument(
        "--skull-stripped", action=argparse.BooleanOptionalAction, help="default: BRATS and LUMIERE only"
    )
    for kind, columns in COLUMNS.items():
        published = PUBLISHED.get(kind, "")
        command.add_argument(f"--{kind}", type=_here, metavar="CSV", help=f"columns {', '.join(columns)}{published}")
    command.set_defaults(run=_draft, done="drafted")


def _here(text):
    """The path of a table; an address is none."""
    if "://" in text:
        raise argparse.ArgumentTypeError("is an address; `python -m gliodelta.ingest fetch` brings it here first")
    return Path(text)


def _draft(options):
    return draft(
        options.folder,
        options.key,
        options.out,
        links=options.links,
        layout=options.layout,
        role=options.role,
        skull_stripped=options.skull_stripped,
        tables={kind: getattr(options, kind) for kind in COLUMNS if getattr(options, kind)},
    )


if __name__ == "__main__":
    sys.exit(main())
