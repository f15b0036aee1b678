"""The sheets of a simulated cohort, written from its plan."""

from pathlib import Path

from gliodelta import io
from gliodelta.simulation import brats, dicom
from gliodelta.simulation.plan import draw_cohort, read_settings

HEADERS = {
    "exams": ("subject", "session", "source"),
    "pairs": ("subject", "prior", "current"),
    "labels": ("subject", "prior", "current", "reader", "label"),
    "reports": ("subject", "session", "file"),
    "events": ("subject", "session", "event"),
}


def write_sheets(cohort_file):
    """Writes the sheets of a simulated cohort into the folder beside its YAML that has its name.

    A cohort in the layout of BRATS-2015 also gets its label table in the form in which it was published.

    Args:
        cohort_file: YAML of the cohort, with the key `simulation`.

    Returns:
        list of the pathlib.Path written. A sheet that would have no row is not written.

    Raises:
        InvalidInput: the YAML is wrong.
    """
    patients = draw_cohort(read_settings(cohort_file))
    external = io.read_yaml(cohort_file)["layout"] == "brats2015"
    folder = Path(cohort_file).with_suffix("")
    written = []
    for kind, rows in _rows(patients, brats if external else dicom).items():
        if rows:
            lines = ["\t".join(cells) for cells in (HEADERS[kind], *rows)]
            written.append(_write(lines, folder / f"{kind}.tsv"))
    if external:
        written.append(_write(brats.label_table(patients), folder / "brats_labels.csv"))
    return written


def _write(lines, path):
    io.write_text("\n".join(lines) + "\n", path)
    return path


def _rows(patients, layout):
    """One list of rows a sheet; `layout` says where an exam's files lie."""
    return {
        "exams": [
            (p.subject, exam.session, f"sub-{p.subject}/{layout.exam_folder(p, exam)}")
            for p in patients
            for exam in p.exams
        ],
        "pairs": [(p.subject, pair.prior, pair.current) for p in patients for pair in p.pairs],
        "labels": [
            (p.subject, pair.prior, pair.current, f"r{reader}", label)
            for p in patients
            for pair in p.pairs
            for reader, label in enumerate(pair.labels, start=1)
        ],
        "reports": [
            (p.subject, report.current, f"sub-{p.subject}/ses-{report.current}/report.txt")
            for p in patients
            for report in p.reports
        ],
        "events": [(p.subject, *event) for p in patients for event in p.events],
    }
