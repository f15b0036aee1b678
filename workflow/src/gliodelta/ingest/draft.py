"""First sheets of a cohort from a folder of exams and tables of reports, labels and events, all pseudonymised alike."""

import csv
import io as text_io
from itertools import pairwise
from pathlib import Path

from gliodelta import io, plugins
from gliodelta.ingest import LAYOUTS
from gliodelta.ingest.layouts.brats2015 import read_labels
from gliodelta.ingest.pseudonyms import Pseudonyms, parse_day, read_key
from gliodelta.schema import InvalidInput, read
from gliodelta.sheets import KEYS, read_utf8

# The columns of the tables that a site brings along; dates are yyyy-mm-dd, or days as in the exams' names.
COLUMNS = {
    "reports": ("patient", "date", "file"),
    "labels": ("patient", "prior_date", "current_date", "reader", "label"),
    "events": ("patient", "date", "event"),
}
SHEETS = {
    "exams": ("subject", "session"),
    "pairs": ("subject", "prior", "current", "exclude"),
    "labels": ("subject", "prior", "current", "reader", "label"),
    "reports": ("subject", "session"),
    "events": ("subject", "session", "event"),
}
LINKS = {"links": ("subject", "session", "source"), "report_links": ("subject", "session", "file")}


def draft(folder, key, out, links=None, layout=None, role=None, skull_stripped=None, tables=None):
    """Drafts ``<out>.yaml``, the sheets in the folder `out`, and the link tables that alone know raw paths.

    Args:
        folder: folder of the exams.
        key: file with the secret key of the pseudonyms; made when missing.
        out: ``config/cohorts/<name>``.
        links: link table to write, by default ``<name>_links.tsv`` beside the key; that of the reports lies beside it.
        layout: plug-in of `gliodelta.ingest.layouts`; by default the first one that finds exams.
        role: role of the cohort; by default development with labels and inference without, external for BRATS-2015.
        skull_stripped: whether the images show the brain only; by default for BRATS-2015 only.
        tables: dict of kind (`COLUMNS`) to the path of a CSV with these columns. Labels may have the published columns
            of BRATS-2015 instead.

    Returns:
        list of sentences that say what was drafted and what left out, in numbers only.

    Raises:
        InvalidInput: nothing was found, a table is not as it should be, or the cohort exists already.
    """
    out = Path(out).absolute()
    links = Path(links or Path(key).absolute().parent / f"{out.name}_links.tsv").absolute()
    files = {"links": links, "report_links": links.with_name(f"{links.stem}_reports.tsv")}
    _check_new(out, [out.with_suffix(".yaml"), *files.values()])
    layout, found, left_out = _find_exams(Path(folder).absolute(), layout)
    sheets = _Sheets(Pseudonyms(read_key(key), [(exam.patient, exam.day) for exam in found]), left_out)
    sheets.add_exams(found)
    for kind, table in (tables or {}).items():
        getattr(sheets, f"add_{kind}")(_read_csv(table, kind), Path(table).absolute().parent)
    sheets.add_pairs()
    brats = layout == "brats2015"
    cohort = {
        "role": role or ("external" if brats else "development" if sheets.rows["labels"] else "inference"),
        "layout": layout,
        "skull_stripped": brats if skull_stripped is None else skull_stripped,
    }
    for kind, columns in SHEETS.items():
        io.write_text(_table(sheets.rows[kind], columns), out / f"{kind}.tsv")
    for kind, file in files.items():
        if sheets.rows[kind]:
            io.write_text(_table(sheets.rows[kind], LINKS[kind]), file, private=True)
            cohort[kind] = str(file)
    io.write_yaml(cohort, out.with_suffix(".yaml"))
    return _summary(sheets, layout, sum(not exam.dated for exam in found))


def _check_new(out, files):
    if not out.name.isalnum() or not out.name.isascii():
        raise InvalidInput("--out ends with the cohort's name, which has letters and digits only")
    if any(file.exists() for file in files):
        raise InvalidInput(
            "the cohort or its link table exists already and may hold corrections: move it away, or give --out another "
            "name and copy the new rows; the same key gives the same pseudonyms"
        )


def _find_exams(folder, layout):
    for name in [layout] if layout else plugins.names(LAYOUTS):
        found, left_out = plugins.load(LAYOUTS, name).find_exams(folder)
        if found:
            return name, found, left_out
    raise InvalidInput(
        "no exam was found in the folder: it should hold DICOM files with PatientID and StudyDate, T2 images in NIfTI "
        "(T2 in their file names, or a BIDS tree), or BRATS-2015"
    )


class _Sheets:
    """The rows of a cohort's sheets and link tables, filled from raw names and days.

    Attributes:
        rows: dict of kind (`SHEETS`, `LINKS`) to rows; pseudonyms but for the paths in the link tables.
        left_out: Counter of what could not be used, and why.
    """

    def __init__(self, names, left_out):
        self.names, self.left_out = names, left_out
        self.rows = {kind: [] for kind in [*SHEETS, *LINKS]}
        self._keys = set()

    def add_exams(self, found):
        """Adds exams (`Found`) and the links to their sources."""
        for exam in found:
            row = self._at(exam.patient, exam.day)
            if not str(exam.source).isprintable():
                self.left_out["exams whose path has characters that a table cannot hold"] += 1
            elif self._add("exams", row, "exams of a day that has one already; the first by name was taken"):
                self.rows["links"].append({**row, "source": str(exam.source)})

    def add_pairs(self):
        """Adds the pairs of consecutive exams, and those that were labelled."""
        exams = sorted((row["subject"], row["session"]) for row in self.rows["exams"])
        pairs = {
            (subject, prior, current) for (subject, prior), (other, current) in pairwise(exams) if subject == other
        }
        pairs |= {(row["subject"], row["prior"], row["current"]) for row in self.rows["labels"]}
        self.rows["pairs"] = [dict(zip(SHEETS["pairs"], pair, strict=False)) for pair in pairs]

    def add_labels(self, entries, _):
        """Adds labels of pairs whose exams are known."""
        for line, entry in entries:
            prior, current = (self._exam(entry, column, line) for column in ("prior_date", "current_date"))
            label, reader = _word(entry, "label", line), self.names.reader(entry["reader"])
            if not prior or not current:
                self.left_out["labels of exams that were not found"] += 1
            elif prior["session"] >= current["session"]:
                self.left_out["labels whose prior exam is not the earlier one"] += 1
            else:
                row = {"subject": prior["subject"], "prior": prior["session"], "current": current["session"]}
                self._add("labels", {**row, "reader": reader, "label": label})

    def add_reports(self, entries, folder):
        """Adds reports of known exams and the links to their files, which are relative to `folder`."""
        for line, entry in entries:
            exam, file = self._exam(entry, "date", line), folder / entry["file"]
            if not exam:
                self.left_out["reports of exams that were not found"] += 1
            elif not file.is_file() or not str(file).isprintable():
                self.left_out["reports whose file is missing"] += 1
            elif self._add("reports", exam):
                self.rows["report_links"].append({**exam, "file": str(file)})

    def add_events(self, entries, _):
        """Adds events of known patients, whatever their day."""
        for line, entry in entries:
            day, event = _day(entry, "date", line), _word(entry, "event", line)
            if self.names.knows(entry["patient"]):
                self._add("events", {**self._at(entry["patient"], day), "event": event})
            else:
                self.left_out["events of patients without exams"] += 1

    def _at(self, patient, day):
        return {"subject": self.names.subject(patient), "session": self.names.session(patient, day)}

    def _exam(self, entry, column, line):
        """Returns subject and session of the exam on the day in `column`, or None."""
        day = _day(entry, column, line)
        exam = self._at(entry["patient"], day) if self.names.knows(entry["patient"]) else {}
        return exam if ("exams", *exam.values()) in self._keys else None

    def _add(self, kind, row, twice=None):
        """Adds a row unless there is one with the same key, and returns whether it did."""
        key = (kind, *(row[name] for name in KEYS[kind]))
        if key in self._keys:
            self.left_out[twice or f"{kind} given twice"] += 1
            return False
        self._keys.add(key)
        self.rows[kind].append(row)
        return True


def _day(entry, column, line):
    try:
        return parse_day(entry[column])
    except ValueError:
        raise InvalidInput(f"line {line}, column {column}: no date; write yyyy-mm-dd") from None


def _word(entry, column, line):
    known = read(f"{column}s")["properties"][column]["enum"]
    word = entry[column].strip().lower()
    if word not in known:
        raise InvalidInput(f"line {line}, column {column}: unknown word; write one of {', '.join(known)}")
    return word


def _read_csv(path, kind):
    """Returns (line, row) of each row; cells are separated by commas, semicolons or tabs."""
    text = read_utf8(path, f"the table of {kind}")
    header = text.partition("\n")[0]
    rows = list(csv.DictReader(text_io.StringIO(text), delimiter=max(",;\t", key=header.count)))
    if kind == "labels" and rows and "ses_diff" in rows[0]:
        rows = _published(rows)
    missing = [name for name in COLUMNS[kind] if rows and name not in rows[0]]
    if missing or any(None in row.values() for row in rows):
        raise InvalidInput(f"the table of {kind} needs the columns {', '.join(COLUMNS[kind])}, filled in every row")
    return list(enumerate(rows, start=2))


def _published(rows):
    try:
        return list(read_labels(rows))
    except (KeyError, ValueError):
        raise InvalidInput("the table of labels has a row unlike those published for BRATS-2015") from None


def _table(rows, columns):
    buffer = text_io.StringIO()
    writer = csv.DictWriter(buffer, columns, delimiter="\t", lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: list(row.values())))
    return buffer.getvalue()


def _summary(sheets, layout, undated):
    patients = len({row["subject"] for row in sheets.rows["exams"]})
    counts = ", ".join(f"{len(sheets.rows[kind])} {kind}" for kind in SHEETS)
    lines = [f"Drafted a cohort in the layout {layout}: {patients} patients, {counts}."]
    lines += [f"Left out: {number} {what}." for what, number in sorted(sheets.left_out.items())]
    if not sheets.rows["pairs"]:
        lines.append(
            "There is no pair to compare, since no patient has two exams. Should they, check that the folder has the "
            f"layout {layout} and is the one that holds all patients."
        )
    if undated:
        lines.append(
            f"The days of {undated} exams are unknown: their sessions are ranks 0, 1, ... in the order of names. "
            "Check the order and the number of patients; what counts days (interval, 28 days after surgery) is not "
            "to be trusted."
        )
    return lines
