"""Tables of reports, labels and events that a site brings along, or that were published, in the columns of `draft`."""

import csv
import io as text_io

from gliodelta import plugins
from gliodelta.ingest import LAYOUTS
from gliodelta.ingest.layouts import Translated
from gliodelta.ingest.pseudonyms import parse_day
from gliodelta.schema import InvalidInput, read
from gliodelta.sheets import read_utf8

# The columns of the tables that a site brings along; dates are yyyy-mm-dd, or days as in the exams' names.
COLUMNS = {
    "reports": ("patient", "date", "file"),
    "labels": ("patient", "prior_date", "current_date", "reader", "label"),
    "events": ("patient", "date", "event"),
    "weak": ("patient", "prior_date", "current_date", "p_unstable", "confidence"),
}


def read_site_table(path, kind, found):
    """Reads a table; its cells are separated by commas, semicolons or tabs.

    Args:
        path: CSV with the columns of `COLUMNS`, or with those of a table that was published.
        kind: a key of `COLUMNS`.
        found: list of the exams (`layouts.Found`), which some published tables are only understood with.

    Returns:
        `layouts.Translated`; its `entries` are of this kind.

    Raises:
        InvalidInput: it is no such table; the text gives nothing of it away.
    """
    text = read_utf8(path, f"the table of {kind}")
    # The likeliest separator first, but a published column name holds more commas than its row has separators.
    for separator in sorted(",;\t", key=text.partition("\n")[0].count, reverse=True):
        reader = csv.DictReader(text_io.StringIO(text, newline=""), delimiter=separator)
        names = {str(name).strip(): name for name in reader.fieldnames or ()}
        layout = _published(kind, names)
        if layout or names.keys() >= set(COLUMNS[kind]):
            break
    # Sheets that were once spreadsheets end in rows of separators.
    entries = [(line, row) for line, row in enumerate(reader, start=2) if any(_cells(row))]
    if layout:
        return _translated(layout, kind, entries, names, found)
    missing = [name for name in COLUMNS[kind] if name not in names]
    if (names and missing) or any(None in row.values() for _, row in entries):
        raise InvalidInput(f"the table of {kind} needs the columns {', '.join(COLUMNS[kind])}, filled in every row")
    return Translated([(line, {name: row[raw] for name, raw in names.items()}) for line, row in entries])


def day_in(entry, column, line):
    """Returns the day number in a cell.

    Raises:
        InvalidInput: it holds none; names line and column.
    """
    try:
        return parse_day(entry[column])
    except ValueError:
        raise InvalidInput(f"line {line}, column {column}: no date; write yyyy-mm-dd") from None


def word_in(entry, column, line):
    """Returns the word in a cell, one of those that the sheet's schema knows.

    Raises:
        InvalidInput: it is none of them; names line and column, and the words.
    """
    known = read(f"{column}s")["properties"][column]["enum"]
    word = entry[column].strip().lower()
    if word not in known:
        raise InvalidInput(f"line {line}, column {column}: unknown word; write one of {', '.join(known)}")
    return word


def _cells(row):
    return [cell for cell in row.values() if isinstance(cell, str) and cell.strip()]


def _published(kind, names):
    """The layout whose published table of this kind has these columns; None where there is none."""
    for name in plugins.names(LAYOUTS):
        layout = plugins.load(LAYOUTS, name)
        wanted = getattr(layout, "PUBLISHED", {}).get(kind, ())
        if wanted and all(any(column.startswith(begin) for column in names) for begin in wanted):
            return layout
    return None


def _column(names, begin):
    """The raw name of the column that is called, or else begins, like this."""
    return names.get(begin) or next(raw for name, raw in names.items() if name.startswith(begin))


def _translated(layout, kind, entries, names, found):
    # Columns under the names that the layout knows them by, cells without the blanks around them.
    known = {begin: _column(names, begin) for begin in layout.PUBLISHED[kind]}
    rows = [(line, {begin: (row[raw] or "").strip() for begin, raw in known.items()}) for line, row in entries]
    try:
        return getattr(layout, f"read_{kind}")(rows, found)
    except InvalidInput:
        raise
    except (KeyError, ValueError):
        place = layout.__name__.rpartition(".")[2]
        raise InvalidInput(f"the table of {kind} has a row unlike those published for {place}") from None
