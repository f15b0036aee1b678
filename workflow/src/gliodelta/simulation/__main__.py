"""Command line: ``python -m gliodelta.simulation sheets FILE`` writes the sheets of a simulated cohort."""

import argparse
import sys

from gliodelta.schema import InvalidInput
from gliodelta.simulation.sheets import write_sheets


def main(arguments=None):
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m gliodelta.simulation", description="Simulated cohorts.")
    commands = parser.add_subparsers(dest="command", required=True)
    sheets = commands.add_parser("sheets", help="write the sheets of simulated cohorts beside their YAML files")
    sheets.add_argument("cohorts", nargs="+", metavar="FILE", help="config/cohorts/<name>.yaml with a key `simulation`")
    for cohort in parser.parse_args(arguments).cohorts:
        try:
            for path in write_sheets(cohort):
                print(path)
        except InvalidInput as error:
            print(error, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
