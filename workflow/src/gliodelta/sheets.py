"""A cohort: one YAML file and its sheets, read and checked. Light, since the Snakefile reads them at every start."""

import codecs
import contextlib
import csv
import datetime
import functools
import io as text_io
import re
from pathlib import Path

from gliodelta import io
from gliodelta.schema import InvalidInput, validate

SHEETS = ("exams", "pairs", "labels", "reports", "events", "weak")
REQUIRED = ("exams", "pairs")
# What makes two rows of a sheet the same thing.
KEYS = {
    "exams": ("subject", "session"),
    "pairs": ("subject", "prior", "current"),
    "labels": ("subject", "prior", "current", "reader"),
    "reports": ("subject", "session"),
    "events": ("subject", "session", "event"),
    "weak": ("subject", "prior", "current"),
}
# Nobody is followed for longer than a century.
LONGEST_DAYS = 36525
# Columns that hospital exports have and no sheet may.
IDENTIFYING = re.compile(
    r"name|nom$|^nom|birth|naissance|^dob$|^ddn$|^avs|^ahv|address|adresse|phone|^tel|mail|^ipp$|^mrn$", re.IGNORECASE
)

# How .xlsx and .ods, and the older .xls, begin.
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def read_sheet(path, kind):
    """Reads a sheet of one of the kinds in `SHEETS`, `arms` or `recipes`.

    Args:
        path: tab-separated file with a header; empty cells are missing values.
        kind: name of the schema that each row must meet.

    Returns:
        list of dicts, all values text unless the schema gives a default.

    Raises:
        InvalidInput: with file, line and column of the first row that is wrong, or doubled; never with a cell's text.
    """
    rows, seen = [], {}
    reader = csv.DictReader(text_io.StringIO(read_utf8(path, path), newline=""), delimiter="\t")
    _refuse_names(reader.fieldnames or [], path)
    for row in reader:
        line = len(rows) + 2
        where = f"{path} line {line}"
        if None in row or None in row.values():
            raise InvalidInput(
                f"{where}: the row has another number of cells than the header; cells are separated by tabs"
            )
        row = validate({key: value.strip() for key, value in row.items() if value.strip()}, kind, where, False)
        key = tuple(row[name] for name in KEYS.get(kind, ()))
        if key and key in seen:
            raise InvalidInput(f"{where}: the same {', '.join(KEYS[kind])} as line {seen[key]}; delete one of them")
        seen[key] = line
        rows.append(row)
    return rows


def read_utf8(path, where):
    """Returns the text of a sheet or other table that a person saved.

    Args:
        path: the file.
        where: what the user calls it; begins the error text.

    Raises:
        InvalidInput: it is not UTF-8 text; says what it is, never what it holds.
    """
    data = Path(path).read_bytes()
    if data.startswith(_WORKBOOKS):
        found = "a workbook"
    elif data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data[:100]:
        found = 'UTF-16 ("Unicode text")'
    else:
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            found = f'Windows-1252 or Latin-1 ("ANSI"), from line {line} on'
    raise InvalidInput(f'{where}: no UTF-8 text; it looks like {found}. Save it as UTF-8, in Excel as "CSV UTF-8"')


def _refuse_names(columns, path):
    for number, column in enumerate(columns, start=1):
        if IDENTIFYING.search(column):
            raise InvalidInput(
                f"{path}: column {number} is called like one that may identify people; delete it. Sheets hold "
                "pseudonyms and days, which `python -m gliodelta.ingest draft` makes; names stay in its key file"
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
        InvalidInput: a file is missing, misspelt, names an exam that `exams.tsv` lacks, or an impossible date.
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
    _check_sessions(cohort, folder)
    _check_exams(cohort, folder)
    return cohort


def _check_sessions(cohort, folder):
    """Refuses sessions that are no day, and subjects with days in one row and dates in another."""
    dated = {}
    for kind in ("exams", "events"):
        for line, row in enumerate(cohort[kind], start=2):
            where = f"{folder / kind}.tsv line {line}, column session"
            try:
                day_of_session(row["session"])
            except ValueError as error:
                raise InvalidInput(f"{where}: {error}") from None
            if dated.setdefault(row["subject"], is_date(row["session"])) != is_date(row["session"]):
                raise InvalidInput(f"{where}: the subject has both days and dates; write all its sessions alike")


def _check_exams(cohort, folder):
    exams = {(row["subject"], row["session"]) for row in cohort["exams"]}
    # A report of an unknown exam stops nobody: the labels stage says so in excluded.tsv.
    for line, row in enumerate(cohort["pairs"], start=2):
        for column in ("prior", "current"):
            if (row["subject"], row[column]) not in exams:
                raise InvalidInput(
                    f"{folder / 'pairs.tsv'} line {line}, column {column}: the subject has no such session in "
                    "exams.tsv; add the exam or delete the row"
                )
    pairs = {(row["subject"], pair_id(row)) for row in cohort["pairs"]}
    for kind in ("labels", "weak"):
        for line, row in enumerate(cohort[kind], start=2):
            if (row["subject"], pair_id(row)) not in pairs:
                raise InvalidInput(
                    f"{folder / kind}.tsv line {line}: the subject has no such pair in pairs.tsv; add the pair or "
                    "delete the row"
                )
    if cohort["weak"] and cohort["reports"]:
        raise InvalidInput(
            f"{folder / 'weak.tsv'}: the cohort has both weak labels and reports to make them of; keep one of the two"
        )


def day_of_session(session):
    """Returns the day of a session on its subject's scale.

    Args:
        session: days since the first exam, with any number of leading zeros, or a date written yyyymmdd.

    Returns:
        int: the days, or the date's proleptic ordinal.

    Raises:
        ValueError: `session` is neither.
    """
    if is_date(session):
        with contextlib.suppress(ValueError):
            return datetime.date.fromisoformat(session).toordinal()
    elif abs(int(session)) <= LONGEST_DAYS:
        return int(session)
    raise ValueError("neither a day nor a date; write days since the first exam, or yyyymmdd")


def is_date(session):
    """Whether a session is a date, yyyymmdd; with leading zeros eight digits are days, too."""
    return len(session) == 8 and session[:2] in ("19", "20")


def find(cohort, kind, **key):
    """Returns the rows of a sheet whose columns equal `key`, such as ``find(cohort, "exams", subject="a1")``."""
    return [row for row in cohort[kind] if all(row.get(name) == value for name, value in key.items())]


def pair_id(row):
    """Returns the id of a pair, ``{prior}to{current}``."""
    return f"{row['prior']}to{row['current']}"


def pair_path(row):
    """Returns what the files of a pair begin with below its cohort's folder of imaging."""
    pair = pair_id(row)
    return f"sub-{row['subject']}/pair-{pair}/sub-{row['subject']}_pair-{pair}"


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
    links = _links(cohort["links"], "links") if cohort.get("links") else _sources(cohort_file)
    return raw_root(cohort, simulated) / links[subject, session]["source"]


def map_path(cohort_file, subject, prior, current):
    """Finds the difference map of a pair whose cohort has maps only, as `source_path` does for an exam.

    Raises:
        LookupError: the link table does not name it.
    """
    return Path(_maps(read_cohort(cohort_file)["map_links"])[subject, prior, current]["source"])


@functools.cache
def _maps(path):
    return {tuple(row[name] for name in KEYS["pairs"]): row for row in read_sheet(path, "map_links")}


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


@functools.cache
def _sources(cohort_file):
    return _by_exam(read_cohort(cohort_file)["exams"])


def _by_exam(rows):
    return {(row["subject"], row["session"]): row for row in rows}


def raw_root(cohort, simulated=None):
    """Returns the folder that `source` in exams.tsv and `file` in reports.tsv are relative to."""
    return Path(simulated).parent if simulated else Path(cohort.get("root") or ".")
