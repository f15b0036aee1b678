"""The cohort's tables of exams: which series was taken and why, and how many exams were excluded for which reason."""

from pathlib import Path

from gliodelta import io, status
from gliodelta.sheets import read_cohort
from gliodelta.tables import count_reasons

COLUMNS = (
    "status",
    "reason",
    "series",
    "candidates",
    "found",
    "chosen",
    "why",
    "shape",
    "spacing_mm",
    "echo_time_ms",
    "repetition_time_ms",
    "field_strength_t",
    "manufacturer",
    "notes",
    "voxels_digest",
)


def list_exams(cohort_file, sidecars, table, summary):
    """Writes one row for each exam of the cohort's sheet, in its order, and counts them by status and reason.

    Args:
        cohort_file: the cohort's YAML.
        sidecars: JSON files from `gliodelta.ingest.convert.convert_exam`, one an exam, in any order.
        table: table to write: subject, session, `COLUMNS`; what an excluded exam or its layout lacks is n/a.
        summary: table to write: status, reason as `gliodelta.tables.count_reasons` puts it, exams, share (0 to 1).
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
    counts = [
        (name, reason, number, number / len(rows))
        for name in (status.INCLUDED, status.EXCLUDED)
        for reason, number in count_reasons(row["reason"] for row in rows if row["status"] == name)
    ]
    io.write_table(pd.DataFrame(counts, columns=["status", "reason", "exams", "share"]), summary)


def _cell(value):
    return " x ".join(f"{part:g}" for part in value) if isinstance(value, list) else value
