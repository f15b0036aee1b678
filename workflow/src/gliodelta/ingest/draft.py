"""First sheets of a cohort from a folder of exams and tables of reports, labels and events, all pseudonymised alike."""

import csv
import io as text_io
from collections import Counter
from itertools import pairwise
from pathlib import Path

from gliodelta import io, plugins
from gliodelta.ingest import LAYOUTS
from gliodelta.ingest.pseudonyms import Pseudonyms, read_key
from gliodelta.ingest.site_tables import day_in, read_site_table, word_in
from gliodelta.schema import InvalidInput
from gliodelta.sheets import KEYS

SHEETS = {
    "exams": ("subject", "session"),
    "pairs": ("subject", "prior", "current", "exclude"),
    "labels": ("subject", "prior", "current", "reader", "label"),
    "reports": ("subject", "session"),
    "events": ("subject", "session", "event"),
    "weak": ("subject", "prior", "current", "p_unstable", "confidence"),
}
# Tables beside the key, which alone know raw paths and names.
LINKS = {
    "links": ("subject", "session", "source"),
    "report_links": ("subject", "session", "file"),
    "map_links": ("subject", "prior", "current", "source"),
}
WORDS = {"weak": "weak labels"}
MISSING = ("patient", "date", "labels")


def draft(folder, key, out, links=None, layout=None, role=None, skull_stripped=None, tables=None):
    """Drafts ``<out>.yaml``, the sheets in the folder `out`, and the link tables that alone know raw paths.

    Args:
        folder: folder of the exams.
        key: file with the secret key of the pseudonyms; made when missing.
        out: ``config/cohorts/<name>``.
        links: link table to write, by default ``<name>_links.tsv`` beside the key; that of the reports lies beside it.
        layout: plug-in of `gliodelta.ingest.layouts`; by default the first one that finds exams.
        role: role of the cohort; by default the layout's, else development with labels and inference without.
        skull_stripped: whether the images show the brain only; by default as the layout has it, else not.
        tables: dict of kind (`site_tables.COLUMNS`) to the path of a CSV with these columns. Labels may have the
            published columns of a layout instead.

    Returns:
        list of sentences that say what was drafted and what left out, in numbers only.

    Raises:
        InvalidInput: nothing was found, a table is not as it should be, or the cohort exists already.
    """
    out = Path(out).absolute()
    links = Path(links or Path(key).absolute().parent / f"{out.name}_links.tsv").absolute()
    files = {"links": links} | {
        kind: links.with_name(f"{links.stem}_{kind.removesuffix('_links')}s.tsv") for kind in list(LINKS)[1:]
    }
    missing = links.with_name(f"{links.stem}_missing.tsv")
    _check_new(out, [out.with_suffix(".yaml"), *files.values(), missing])
    layout, found, left_out = _find_exams(Path(folder).absolute(), layout)
    plugin = plugins.load(LAYOUTS, layout)
    sheets = _Sheets(Pseudonyms(read_key(key), [(exam.patient, exam.day) for exam in found]), left_out)
    sheets.add_exams(found)
    if hasattr(plugin, "find_maps"):
        sheets.add_maps(plugin.find_maps(Path(folder).absolute()))
    for kind, table in (tables or {}).items():
        sheets.add_table(kind, read_site_table(table, kind, found), Path(table).absolute().parent)
    sheets.add_pairs()
    defaults = {"role": "development" if sheets.rows["labels"] else "inference", "skull_stripped": False}
    defaults |= getattr(plugin, "DEFAULTS", {})
    cohort = {
        "role": role or defaults["role"],
        "layout": layout,
        "skull_stripped": defaults["skull_stripped"] if skull_stripped is None else skull_stripped,
    }
    for kind, columns in sheets.filled():
        io.write_text(_table(sheets.rows[kind], columns), out / f"{kind}.tsv")
    for kind, file in files.items():
        if sheets.rows[kind]:
            io.write_text(_table(sheets.rows[kind], LINKS[kind]), file, private=True)
            cohort[kind] = str(file)
    if sheets.missing:
        io.write_text(_table(sheets.missing_rows(), MISSING), missing, private=True)
        sheets.sentences.append(f"{len(sheets.missing)} exams that labels need are missing; {missing.name} lists them.")
    if hasattr(plugin, "NOTE"):
        io.write_text(f"# Cohort {out.name}\n\n{plugin.NOTE}", out / "README.md")
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
        "(T2 in their file names, or a BIDS tree), BRATS-2015, LUMIERE, or published difference maps"
    )


class _Sheets:
    """The rows of a cohort's sheets and link tables, filled from raw names and days.

    Attributes:
        rows: dict of kind (`SHEETS`, `LINKS`) to rows; pseudonyms but for the paths in the link tables.
        left_out: Counter of what could not be used, and why.
        missing: Counter of the exams, (patient, day as written), that labels need and that were not found.
        sentences: list of what else is to be said, in numbers only.
    """

    def __init__(self, names, left_out):
        self.names, self.left_out = names, left_out
        self.rows = {kind: [] for kind in [*SHEETS, *LINKS]}
        self.missing, self.sentences = Counter(), []
        self._keys, self._excluded = set(), {}

    def add_exams(self, found):
        """Adds exams (`Found`) and the links to their sources."""
        for exam in found:
            row = self._at(exam.patient, exam.day)
            if not str(exam.source).isprintable():
                self.left_out["exams whose path has characters that a table cannot hold"] += 1
                continue
            added = self._add("exams", row, "exams of a day that has one already; the first by name was taken")
            if added and exam.source:
                self.rows["links"].append({**row, "source": str(exam.source)})

    def add_maps(self, found):
        """Adds the links to difference maps (`FoundMap`)."""
        for one in found:
            prior, current = (self._at(one.patient, day) for day in (one.prior, one.current))
            row = {"subject": prior["subject"], "prior": prior["session"], "current": current["session"]}
            self._add("map_links", {**row, "source": str(one.source)}, "maps of a pair that has one already")

    def add_pairs(self):
        """Adds the pairs that have a map; where exams are given, those of consecutive exams and the labelled ones."""
        exams = sorted((row["subject"], row["session"]) for row in self.rows["exams"])
        pairs = {
            (subject, prior, current) for (subject, prior), (other, current) in pairwise(exams) if subject == other
        }
        pairs |= {self._pair(row) for kind in ("labels", "weak") for row in self.rows[kind]}
        pairs = {self._pair(row) for row in self.rows["map_links"]} or pairs
        rows = [dict(zip(SHEETS["pairs"], (*pair, self._excluded.get(pair, "")), strict=True)) for pair in pairs]
        self.rows["pairs"] = rows

    def add_table(self, kind, table, folder):
        """Adds what `read_site_table` read of a table that lies in `folder`."""
        getattr(self, f"add_{kind}")(table.entries, folder)
        self.add_events(table.events, folder)
        for line, entry in table.excluded:
            row = self._labelled(entry, line)
            if row:
                self._excluded[self._pair(row)] = entry["reason"]
        self.left_out.update(table.left_out)
        self.sentences += table.sentences
        if table.whole and not self.missing:
            found = len(self.rows["labels"]), len({row["subject"] for row in self.rows["labels"]})
            if found != table.whole:
                raise InvalidInput(
                    "no exam of the whole published table is missing, and yet {} pairs of {} patients, not {} of {}, "
                    "were drafted: two exams of a patient are on one day".format(*found, *table.whole)
                )

    def add_labels(self, entries, _):
        """Adds labels of pairs whose exams are known."""
        for line, entry in entries:
            label, reader = word_in(entry, "label", line), self.names.reader(entry["reader"])
            row = self._labelled(entry, line)
            if row:
                self._add("labels", {**row, "reader": reader, "label": label})

    def add_weak(self, entries, _):
        """Adds labels that were made of reports elsewhere, of pairs whose exams are known."""
        for line, entry in entries:
            row = self._labelled(entry, line)
            if row:
                self._add("weak", {**row, "p_unstable": entry["p_unstable"], "confidence": entry["confidence"]})

    def filled(self):
        """Returns (kind, columns) of the sheets to write; few cohorts have weak labels that were made elsewhere."""
        return [(kind, columns) for kind, columns in SHEETS.items() if kind != "weak" or self.rows[kind]]

    def missing_rows(self):
        """Returns the rows of the private table of exams that labels need."""
        return [dict(zip(MISSING, (*exam, count), strict=True)) for exam, count in self.missing.items()]

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
            day, event = day_in(entry, "date", line), word_in(entry, "event", line)
            if self.names.knows(entry["patient"]):
                self._add("events", {**self._at(entry["patient"], day), "event": event})
            else:
                self.left_out["events of patients without exams"] += 1

    def _at(self, patient, day):
        return {"subject": self.names.subject(patient), "session": self.names.session(patient, day)}

    def _exam(self, entry, column, line):
        """Returns subject and session of the exam on the day in `column`, or None."""
        day = day_in(entry, column, line)
        exam = self._at(entry["patient"], day) if self.names.knows(entry["patient"]) else {}
        return exam if ("exams", *exam.values()) in self._keys else None

    def _labelled(self, entry, line):
        """Returns the pair that a table speaks of; None, which is counted, where there is no such pair."""
        dates = ("prior_date", "current_date")
        prior, current = exams = [self._exam(entry, column, line) for column in dates]
        self.missing.update(
            (entry["patient"].strip(), entry[date]) for date, exam in zip(dates, exams, strict=True) if not exam
        )
        if not prior or not current:
            self.left_out["labels of exams that were not found"] += 1
        elif prior["session"] >= current["session"]:
            self.left_out["labels whose prior exam is not the earlier one"] += 1
        else:
            row = {"subject": prior["subject"], "prior": prior["session"], "current": current["session"]}
            if not self.rows["map_links"] or ("map_links", *row.values()) in self._keys:
                return row
            self.left_out["labels of pairs without a map"] += 1
        return None

    @staticmethod
    def _pair(row):
        return row["subject"], row["prior"], row["current"]

    def _add(self, kind, row, twice=None):
        """Adds a row unless there is one with the same key, and returns whether it did."""
        key = (kind, *(row[name] for name in KEYS.get(kind, KEYS["pairs"])))
        if key in self._keys:
            self.left_out[twice or f"{kind} given twice"] += 1
            return False
        self._keys.add(key)
        self.rows[kind].append(row)
        return True


def _table(rows, columns):
    buffer = text_io.StringIO()
    writer = csv.DictWriter(buffer, columns, delimiter="\t", lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: list(row.values())))
    return buffer.getvalue()


def _summary(sheets, layout, undated):
    patients = len({row["subject"] for row in sheets.rows["exams"]})
    counts = ", ".join(f"{len(sheets.rows[kind])} {WORDS.get(kind, kind)}" for kind, _ in sheets.filled())
    lines = [f"Drafted a cohort in the layout {layout}: {patients} patients, {counts}."]
    lines += [f"Left out: {number} {what}." for what, number in sorted(sheets.left_out.items())]
    lines += sheets.sentences
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
