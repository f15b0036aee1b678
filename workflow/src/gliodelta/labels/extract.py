"""Reads a cohort's reports into votes. No human label is used, and no word of a report is written anywhere."""

from dataclasses import dataclass

from gliodelta import io, sheets
from gliodelta.labels import dates, guard, matcher, text
from gliodelta.labels.vote import COUNTS, gather, vote
from gliodelta.status import Excluded, is_machine_fault

COLUMNS = ["subject", "prior", "current", "language", "inferred", "label", "component", "section", *COUNTS, "evidence"]


@dataclass(frozen=True)
class Report:
    """A report that could be read."""

    language: str
    sentences: list


def extract_reports(cohort_file, simulated, tolerance_days, votes, excluded):
    """Labels every report of a cohort that compares with a known exam.

    Args:
        cohort_file: the cohort's YAML.
        simulated: folders of the simulated subjects; empty for a real cohort.
        tolerance_days: days by which a date in a report may miss the exam that it names.
        votes: table to write, one row a report with a usable comparison: subject, prior, current, language, inferred
            (yes where "the previous exam" has no date), label by rules, the component and section that decided, counts
            by section, component and kind, evidence (character offsets and rule ids).
        excluded: table to write: subject, session, reason of every other report.
    """
    import pandas as pd

    cohort = sheets.read_cohort(cohort_file)
    subjects = {}
    for row in cohort["reports"]:
        subjects.setdefault(row["subject"], {})[row["session"]] = _path(cohort, row, simulated)
    voted, faults = [], []
    for subject in sorted(subjects):
        exams = [row["session"] for row in sheets.find(cohort, "exams", subject=subject)]
        kept, lost = read_subject(subjects[subject], exams, cohort["languages"], cohort["date_order"], tolerance_days)
        voted += [{"subject": subject, **row} for row in kept]
        faults += [{"subject": subject, **row} for row in lost]
    print(f"{len(voted)} reports have a usable comparison, {len(faults)} have not")
    io.write_table(pd.DataFrame(voted, columns=COLUMNS), votes)
    io.write_table(pd.DataFrame(faults, columns=["subject", "session", "reason"]), excluded)


def read_subject(files, exams, languages=("fr", "en"), date_order="DMY", tolerance_days=3):
    """Reads the reports of one patient, whose dates share one scale.

    Args:
        files: dict of session to the path of its report, None where no sheet names it.
        exams: the patient's known sessions.
        languages: languages to expect.
        date_order: order of day, month and year in the reports.
        tolerance_days: as in `extract_reports`.

    Returns:
        (votes, faults): two lists of rows, sorted by session, as `extract_reports` writes them but for the subject.
    """
    reports, votes, faults = {}, [], []
    sessions = sorted(files, key=sheets.day_of_session)
    for session in sessions:
        try:
            reports[session] = read_report(files[session], languages)
        except Excluded as fault:
            faults.append({"session": session, "reason": str(fault)})
    zero = dates.day_zero([(key, dates.own_date(report.sentences, date_order)) for key, report in reports.items()])
    for session, report in reports.items():
        try:
            prior, inferred = dates.compared_session(report.sentences, session, exams, zero, date_order, tolerance_days)
            elsewhere = _elsewhere(prior, zero, date_order, tolerance_days)
            found = gather(report.sentences, matcher.load(report.language), elsewhere)
            if not found:
                raise Excluded("the report says nothing on change that the rules know")
        except Excluded as fault:
            faults.append({"session": session, "reason": str(fault)})
        else:
            facts = {"language": report.language, "inferred": "yes" if inferred else "no"}
            votes.append({"prior": prior, "current": session, **facts, **vote(found)})
    return votes, sorted(faults, key=lambda row: sheets.day_of_session(row["session"]))


def read_report(path, languages=("fr", "en")):
    """Reads a report: bytes, guard, language, sentences.

    Raises:
        Excluded: it is missing, empty, not text, or in another language.
    """
    if path is None:
        raise Excluded("no sheet names the report's file")
    try:
        data = path.read_bytes()
    except OSError as error:
        if is_machine_fault(error):
            raise
        raise Excluded("the report file is missing or cannot be read") from None
    words = guard.scrub(text.normalise(text.decode(data)))
    return Report(text.language(words, languages), text.sentences(words))


def _path(cohort, row, simulated):
    """Returns the path of a report, or None where no sheet names it."""
    try:
        return sheets.report_path(cohort, row, simulated[0] if simulated else None)
    except LookupError:
        return None


def _elsewhere(prior, zero, date_order, tolerance_days):
    """Returns the function that says whether a clause compares with another exam than `prior`."""

    def elsewhere(clause):
        folded = text.fold(clause)
        named = dates.find(folded, date_order) if zero is not None and dates.COMPARING.search(folded) else []
        return bool(named) and not any(dates.match_exam(date, [prior], zero, tolerance_days) for date in named)

    return elsewhere
