"""A cohort: one YAML file and its sheets, read and checked. Light, since the Snakefile reads them at every start."""

import csv
import functools
import re
from pathlib import Path

from gliodelta import io
from gliodelta.schema import InvalidInput, validate

SHEETS = ("exams", "pairs", "labels", "reports", "events")
REQUIRED = ("exams", "pairs")
# What makes two rows of a sheet the same thing.
KEYS = {
    "exams": ("subject", "session"),
    "pairs": ("subject", "prior", "current"),
    "labels": ("subject", "prior", "current", "reader"),
    "reports": ("subject", "session"),
    "events": ("subject", "session", "event"),
}
# Columns that hospital exports have and no sheet may.
IDENTIFYING = re.compile(
    r"name|nom$|^nom|birth|naissance|^dob$|^ddn$|^avs|^ahv|address|adresse|phone|^tel|mail|^ipp$|^mrn$", re.IGNORECASE
)


def read_sheet(path, kind):
    """Reads a sheet of one of the kinds in `SHEETS`, `arms` or `recipes`.

    Args:
        path: tab-separated file with a header; empty cells are missing values.
        kind: name of the schema that each row must meet.

    Returns:
        list of dicts, all values text unless the schema gives a default.

    Raises:
        InvalidInput: with file, line and column of the first row that is wrong, or doubled.
    """
    rows, seen = [], {}
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, delimiter="\t")
        _refuse_names(reader.fieldnames or [], path)
        for row in reader:
            line = len(rows) + 2
            where = f"{path} line {line}"
            if None in row or None in row.values():
                raise InvalidInput(
                    f"{where}: the row has another number of cells than the header; cells are separated by tabs"
                )
            row = validate({key: value.strip() for key, value in row.items() if value.strip()}, kind, where)
            key = tuple(row[name] for name in KEYS.get(kind, ()))
            if key and key in seen:
                raise InvalidInput(f"{where}: the same {', '.join(KEYS[kind])} as line {seen[key]}; delete one of them")
            seen[key] = line
            rows.append(row)
    return rows


def _refuse_names(columns, path):
    for column in columns:
        if IDENTIFYING.search(column):
            raise InvalidInput(
                f"{path}: column {column!r} may identify people; delete it. Sheets hold pseudonyms and days only, "
                "which `python -m gliodelta.ingest draft` makes; names stay in its key file"
            )


@functools.cache
def read_cohort(file):
    """Reads ``config/cohorts/<name>.yaml`` and its sheets.

    Args:
        file: path of the YAML; its stem is the cohort's name. The sheets lie in the folder of the same name beside it
            unless the key `sheets` says otherwise.

    Returns:
        dict with the YAML's keys (schema `cohort`), `name`, and one list of rows for each kind in `SHEETS`.

    Raises:
        InvalidInput: a file is missing, misspelt, or names an exam that `exams.tsv` lacks.
    """
    file = Path(file)
    if not file.is_file():
        raise InvalidInput(f"{file}: no such cohort; write this file or correct the cohort's name in the configuration")
    cohort = validate(io.read_yaml(file) or {}, "cohort", str(file))
    folder = Path(cohort.get("sheets") or file.with_suffix(""))
    cohort["name"] = file.stem
    for kind in SHEETS:
        sheet = folder / f"{kind}.tsv"
        if kind in REQUIRED and not sheet.is_file():
            raise InvalidInput(f"{sheet}: missing; `python -m gliodelta.ingest draft` writes first sheets")
        cohort[kind] = read_sheet(sheet, kind) if sheet.is_file() else []
    _check_exams(cohort, folder)
    return cohort


def _check_exams(cohort, folder):
    exams = {(row["subject"], row["session"]) for row in cohort["exams"]}
    for kind, columns in {
        "pairs": ("prior", "current"),
        "labels": ("prior", "current"),
        "reports": ("session",),
    }.items():
        for line, row in enumerate(cohort[kind], start=2):
            for column in columns:
                if (row["subject"], row[column]) not in exams:
                    raise InvalidInput(
                        f"{folder / kind}.tsv line {line}: subject {row['subject']} has no session {row[column]} "
                        f"in exams.tsv (column {column}); add the exam or delete the row"
                    )


def find(cohort, kind, **key):
    """Returns the rows of a sheet whose columns equal `key`, such as ``find(cohort, "exams", subject="a1")``."""
    return [row for row in cohort[kind] if all(row.get(name) == value for name, value in key.items())]


def pair_id(row):
    """Returns the id of a pair, ``{prior}to{current}``."""
    return f"{row['prior']}to{row['current']}"


def source_path(cohort_file, subject, session, simulated=None):
    """Finds the raw data of an exam; only jobs call this, so that raw paths stay out of params and reports.

    Args:
        cohort_file: the cohort's YAML.
        subject, session: the exam.
        simulated: folder of the simulated subject, for a simulated cohort; its parent is then the root.

    Returns:
        pathlib.Path of the exam's folder or file. It may not exist.

    Raises:
        LookupError: neither the link table nor the sheet names a source.
    """
    cohort = read_cohort(cohort_file)
    links = _links(cohort["links"], "links") if cohort.get("links") else _by_exam(cohort["exams"])
    return raw_root(cohort, simulated) / links[subject, session]["source"]


def report_path(cohort, row, simulated=None):
    """Finds the text of a report, as `source_path` does for an exam.

    Args:
        cohort: from `read_cohort`.
        row: row of reports.tsv.
        simulated: folder of the simulated subject, for a simulated cohort.

    Raises:
        LookupError: neither the link table nor the row names a file.
    """
    if cohort.get("report_links"):
        row = _links(cohort["report_links"], "reports")[row["subject"], row["session"]]
    return raw_root(cohort, simulated) / row["file"]


@functools.cache
def _links(path, kind):
    return _by_exam(read_sheet(path, kind))


def _by_exam(rows):
    return {(row["subject"], row["session"]): row for row in rows}


def raw_root(cohort, simulated=None):
    """Returns the folder that `source` in exams.tsv and `file` in reports.tsv are relative to."""
    return Path(simulated).parent if simulated else Path(cohort.get("root") or ".")
