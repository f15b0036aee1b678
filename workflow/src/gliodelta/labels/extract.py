"""Reads a cohort's reports into votes. No human label is used, and no word of a report is written anywhere."""

import datetime
import functools
from dataclasses import dataclass

from gliodelta import io, sheets
from gliodelta.labels import comparison, dates, guard, matcher, text
from gliodelta.labels.vote import COUNTS, gather, vote
from gliodelta.status import Excluded, is_machine_fault

COLUMNS = ["subject", "prior", "current", "language", "inferred", "label", "component", "section", *COUNTS, "evidence"]

# Letters; reports of MRI have 1,000 to 10,000. A longer file is a whole record or no text.
LONGEST = 100_000
TOO_LONG = f"the report file holds more than {LONGEST:,} letters; give each report a file of its own"


@dataclass(frozen=True)
class Report:
    """A report that could be read; `order` is that of day and month in its dates where it shows one, else None."""

    language: str
    sentences: list
    order: str | None


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
    _check_folder(cohort, simulated)
    subjects, exams = {}, {}
    for row in cohort["reports"]:
        subjects.setdefault(row["subject"], []).append(row)
    for row in cohort["exams"]:
        exams.setdefault(row["subject"], []).append(row["session"])
    voted, faults = [], []
    for subject in sorted(subjects):
        known = exams.get(subject, [])
        files = {row["session"]: _path(cohort, row, simulated) for row in subjects[subject]}
        kept, lost = read_subject(files, known, cohort["languages"], cohort["date_order"], tolerance_days)
        # Tuples take a fifth of the memory of dicts: there may be 100,000 reports.
        voted += [tuple({"subject": subject, **row}[name] for name in COLUMNS) for row in kept]
        faults += [(subject, row["session"], row["reason"]) for row in lost]
    print(f"{len(voted)} reports have a usable comparison, {len(faults)} have not")
    io.write_table(pd.DataFrame(voted, columns=COLUMNS), votes)
    io.write_table(pd.DataFrame(faults, columns=["subject", "session", "reason"]), excluded)


def _check_folder(cohort, simulated):
    """Ends the job when no folder with reports can be seen, as when a share is not mounted."""
    paths = [path for row in cohort["reports"] if (path := _path(cohort, row, simulated))]
    if paths and not any(path.parent.is_dir() for path in paths):
        raise SystemExit(
            "the folder with the reports does not exist or cannot be seen; mount it, or correct `root` (or the file "
            "that `report_links` names) in the cohort's YAML"
        )


def read_subject(files, exams, languages=("fr", "en"), date_order="DMY", tolerance_days=3):
    """Reads the reports of one patient, whose dates share one scale.

    Args:
        files: dict of session to the path of its report, None where no sheet names it.
        exams: the patient's known sessions.
        languages: languages to expect.
        date_order: order of day, month and year in reports whose dates leave it open.
        tolerance_days: as in `extract_reports`.

    Returns:
        (votes, faults): two lists of rows as `extract_reports` writes them but for the subject; votes by session.
    """
    reports, own, votes, faults = {}, {}, [], []
    unknown = "exams.tsv has no such exam; add it or correct the report's subject or session"
    # Those of exams.tsv are days, which was checked; others may be anything.
    faults += [{"session": session, "reason": unknown} for session in sorted(set(files) - set(exams))]
    for session in sorted(set(files) & set(exams), key=sheets.day_of_session):
        try:
            report = read_report(files[session], languages)
            own[session] = dates.own_date(report.sentences, report.order or date_order)
            _check_date(own[session] or _date_of(session))
            reports[session] = report
        except Excluded as fault:
            faults.append({"session": session, "reason": str(fault)})
    zero = dates.day_zero([(session, own[session]) for session in reports])
    for session, report in reports.items():
        try:
            prior, inferred = comparison.compared_session(
                report.sentences, session, exams, zero, report.order or date_order, tolerance_days
            )
            found = find_findings(report, session, prior, zero, date_order, tolerance_days)
        except Excluded as fault:
            faults.append({"session": session, "reason": str(fault)})
        else:
            facts = {"language": report.language, "inferred": "yes" if inferred else "no"}
            votes.append({"prior": prior, "current": session, **facts, **vote(found)})
    return votes, faults


def read_record(words, exam_date, prior_dates, languages=("fr", "en"), date_order="DMY", tolerance_days=3):
    """Reads one report whose dates are known, with the code of the stage.

    Args:
        words: the report.
        exam_date: ISO date of its exam.
        prior_dates: ISO dates of the patient's earlier exams.
        languages: languages to expect.
        date_order: order of day, month and year in the report where its dates leave it open.
        tolerance_days: as in `extract_reports`.

    Returns:
        dict: the columns of votes.tsv but for subject, where `prior` and `current` are ISO dates, and `reason`. A
        report without a usable comparison has a reason, `prior` None and the label unknown; one that says nothing on
        change a reason and the label unknown.
    """
    sessions = {date.replace("-", ""): date for date in (exam_date, *prior_dates)}
    session = exam_date.replace("-", "")
    row = {"prior": None, "current": exam_date, "language": "", "inferred": "no", "reason": "", **vote([])}
    try:
        _check_date(datetime.date.fromisoformat(exam_date))
        report = read_words(words, languages)
        row["language"] = report.language
        prior, inferred = comparison.compared_session(
            report.sentences, session, sessions, 0, report.order or date_order, tolerance_days
        )
        row |= {"prior": sessions[prior], "inferred": "yes" if inferred else "no"}
        row |= vote(find_findings(report, session, prior, 0, date_order, tolerance_days))
    except Excluded as fault:
        row["reason"] = str(fault)
    return row


def read_report(path, languages=("fr", "en")):
    """Reads a report: bytes, guard, language, sentences.

    Raises:
        Excluded: it is missing, empty, too long, not text, or in another language.
    """
    if path is None:
        raise Excluded("no sheet names the report's file")
    try:
        # Two bytes a letter, in UTF-16.
        if path.stat().st_size > 2 * LONGEST + 2:
            raise Excluded(TOO_LONG)
        data = path.read_bytes()
    except OSError as error:
        if is_machine_fault(error):
            raise
        raise Excluded("the report file is missing or cannot be read") from None
    return read_words(text.decode(data), languages)


def read_words(words, languages=("fr", "en")):
    """Reads the text of a report: guard, language, sentences.

    Raises:
        Excluded: it is too long for one report, or in another language.
    """
    if len(words) > LONGEST:
        raise Excluded(TOO_LONG)
    words = guard.scrub(text.normalise(words))
    return Report(text.language(words, languages), text.sentences(words), dates.order_shown(words))


def find_findings(report, session, prior, zero, date_order, tolerance_days):
    """Returns what `gather` finds in a report, apart from what it tells of another time than from `prior` to `session`.

    Sessions are as in `read_subject`; without the ordinal `zero` of day 0 every time counts.

    Raises:
        Excluded: nothing.
    """
    elsewhere = _elsewhere(prior, session, zero, report.order or date_order, tolerance_days)
    found = gather(report.sentences, matcher.load(report.language), elsewhere)
    if not found:
        raise Excluded("the report says nothing on change that the rules know")
    return found


def _date_of(session):
    return datetime.date.fromisoformat(session) if sheets.is_date(session) else None


def _check_date(date):
    """Raises `Excluded` where an exam lies in the future."""
    if date and date > datetime.date.today():
        raise Excluded("the report's exam has a date in the future; correct it")


def _path(cohort, row, simulated):
    """Returns the path of a report, or None where no sheet names it."""
    try:
        return sheets.report_path(cohort, row, simulated[0] if simulated else None)
    except LookupError:
        return None


def _elsewhere(prior, session, zero, date_order, tolerance_days):
    """Returns the function that says whether a clause tells of another time than from `prior` to `session`."""
    if zero is None:
        return lambda clause, lasting: False
    then, now = (datetime.date.fromordinal(zero + sheets.day_of_session(exam)) for exam in (prior, session))

    def elsewhere(clause, lasting):
        return comparison.other_time(clause, lasting, then, now, date_order, tolerance_days)

    return functools.cache(elsewhere)
