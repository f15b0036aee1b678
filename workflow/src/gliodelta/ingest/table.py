"""The cohort's table of exams: which series was taken, and why an exam was excluded."""

from pathlib import Path

from gliodelta import io
from gliodelta.sheets import read_cohort

COLUMNS = (
    "status",
    "reason",
    "series",
    "candidates",
    "found",
    "chosen",
    "shape",
    "spacing_mm",
    "echo_time_ms",
    "repetition_time_ms",
    "field_strength_t",
    "manufacturer",
)


def list_exams(cohort_file, sidecars, table):
    """Writes one row for each exam of the cohort's sheet, in its order.

    Args:
        cohort_file: the cohort's YAML.
        sidecars: JSON files from `gliodelta.ingest.convert.convert_exam`, one an exam, in any order.
        table: table to write: subject, session, `COLUMNS`; what an excluded exam or its layout lacks is n/a.
    """
    import pandas as pd

    by_name = {Path(sidecar).name: sidecar for sidecar in sidecars}
    rows = []
    for exam in read_cohort(cohort_file)["exams"]:
        key = {"subject": exam["subject"], "session": exam["session"]}
        facts = io.read_json(by_name["sub-{subject}_ses-{session}_T2w.json".format(**key)])
        rows.append({**key, **{name: _cell(facts.get(name)) for name in COLUMNS}})
    # As objects: whole numbers stay whole in columns that also hold missing values.
    io.write_table(pd.DataFrame(rows, columns=["subject", "session", *COLUMNS], dtype=object), table)


def _cell(value):
    return " x ".join(f"{part:g}" for part in value) if isinstance(value, list) else value
