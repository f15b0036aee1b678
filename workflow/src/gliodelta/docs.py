"""Reference pages made from the schemas, so that they cannot fall behind them.

Usage: ``python -m gliodelta.docs config/README.md``
"""

import sys

from gliodelta import io, schema

PAGES = {
    "config": "The configuration (`config/config.yaml`, or any file given with `--configfile`)",
    "cohort": "A cohort (`config/cohorts/<name>.yaml`)",
    "simulation": "A simulated cohort (the key `simulation` of a cohort)",
    "arms": "`arms.tsv`, one row an experiment",
    "recipes": "`recipes.tsv`, one row a pretraining run",
    "exams": "`exams.tsv`, one row an exam",
    "pairs": "`pairs.tsv`, one row a pair of exams",
    "labels": "`labels.tsv`, one row a reader and pair",
    "reports": "`reports.tsv`, one row a radiology report",
    "events": "`events.tsv`, one row a treatment event",
    "weak": "`weak.tsv`, one row a pair whose report was labelled elsewhere",
}
INTRODUCTION = """# Configuration

Made from the schemas in `workflow/schemas` by `make docs`; edit those. A misspelt key is an error that names the
nearest known one. Sheets are tab-separated, with a header; empty cells are missing values.

Files given together with `--configfile` are laid over each other, key by key, the last on top; without any,
`config.yaml` counts. `paper.yaml` is the published study, `better.yaml` what should beat it, `study.yaml` the study on
simulated populations; `small.yaml`, laid over one of the first two, runs it in small on the demo's patients.
"""


def config_page():
    """Returns the text of config/README.md: every key of every schema with type, default and meaning."""
    sections = [f"## {title}\n\n{_table(schema.read(name))}" for name, title in PAGES.items()]
    return "\n".join([INTRODUCTION, *sections])


def _table(document):
    rows = list(_rows(document, ""))
    return "\n".join(["| key | type | default | meaning |", "|---|---|---|---|", *rows, ""])


def _rows(document, prefix):
    required = document.get("required", [])
    for key, entry in document.get("properties", {}).items():
        nested = entry.get("properties")
        default = "required" if key in required else "" if nested else _cell(entry.get("default"))
        yield f"| `{prefix}{key}` | {_type(entry)} | {default} | {entry.get('description', '')} |"
        if nested:
            yield from _rows(entry, f"{prefix}{key}.")


def _type(entry):
    if "enum" in entry:
        return " or ".join(f"`{value}`" for value in entry["enum"])
    return entry.get("type", "")


def _cell(value):
    return "" if value is None else f"`{value}`"


if __name__ == "__main__":
    io.write_text(config_page(), sys.argv[1])
