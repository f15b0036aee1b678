"""The words of reports, for the parts of the stack that read them: read again from the source and never stored."""

from gliodelta import sheets
from gliodelta.labels import extract, text
from gliodelta.status import Excluded


def words(report):
    """Returns what an `extract.Report` says, as text models read it: guarded, folded, no indication or technique."""
    told = [s.folded for s in report.sentences if s.section not in (text.INDICATION, text.TECHNIQUE)]
    return " ".join(told)


def reader(cohort_file, simulated):
    """Returns the function that reads the words of a cohort's reports.

    Args:
        cohort_file: the cohort's YAML.
        simulated: folders of the simulated subjects; empty for a real cohort.

    Returns:
        function of a pandas.DataFrame with `subject` and `current`, the session of the report: these rows with the
        column `text`, "" where the report can no longer be read.
    """
    cohort = sheets.read_cohort(cohort_file)
    rows = {(row["subject"], row["session"]): row for row in cohort["reports"]}
    folder = simulated[0] if simulated else None

    def read(key):
        try:
            path = sheets.report_path(cohort, rows[key], folder)
            return words(extract.read_report(path, cohort["languages"]))
        except (LookupError, Excluded):
            return ""

    return lambda reports: reports.assign(
        text=[read(key) for key in zip(reports["subject"], reports["current"], strict=True)]
    )
