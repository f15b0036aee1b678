"""Shows what the rules see in a report: for the terminal of whoever may read it, never for a workflow."""

from gliodelta.labels import comparison, dates, matcher
from gliodelta.labels.extract import find_findings, read_words
from gliodelta.labels.vote import vote
from gliodelta.status import Excluded


def explain(words, exam_date=None, prior_dates=(), languages=("fr", "en"), date_order="DMY", tolerance_days=3):
    """Explains the label of a report.

    Args:
        words: the report.
        exam_date: ISO date of its exam; None takes the date that the report gives.
        prior_dates: ISO dates of the patient's earlier exams.
        languages: languages to expect.
        date_order: order of day, month and year in the report where its dates leave it open.
        tolerance_days: days by which a named date may miss an exam's.

    Returns:
        Lines that hold the report's words: its sentences by section, the rules that act in each with the words that
        they act on, the dates, what is found, and the vote.

    Raises:
        Excluded: the report is in another language.
    """
    report = read_words(words, languages)
    rules = matcher.load(report.language)
    date_order = report.order or date_order
    own = dates.own_date(report.sentences, date_order)
    exam_date = exam_date or (own.isoformat() if own else None)
    lines = [f"language: {report.language}", f"exam: {exam_date or 'no date given and none found'}"]
    prior = None
    if exam_date:
        try:
            prior, inferred = _compared(report, exam_date, prior_dates, date_order, tolerance_days)
            lines.append(f"compared with: {prior}{' (the exam before, as no date is named)' if inferred else ''}")
        except Excluded as fault:
            lines.append(f"compared with: nothing usable; {fault}")
    try:
        days = [date.replace("-", "") for date in (exam_date, prior)] if prior else (None, None)
        found = find_findings(report, *days, 0 if prior else None, date_order, tolerance_days)
    except Excluded as fault:
        found = []
        lines.append(f"findings: none; {fault}")
    for sentence in report.sentences:
        lines += ["", f"[{sentence.section}] {sentence.text}"]
        for match, (start, end) in rules.acting(sentence.folded):
            lines.append(f"    {match.category.lower():13} {match.rule['id']:22} {sentence.text[start:end]!r}")
        lines += [f"    date          {_day(date)}" for date in dates.find(sentence.spelt, date_order)]
        for section, component, finding, (start, _) in found:
            if sentence.start <= start < sentence.start + len(sentence.text):
                lines.append(f"    => {finding.kind} of {component}, {finding.certainty}, counted as {section}")
    said = vote(found)
    label = said["label"] if prior or not exam_date else "unknown, without a comparison"
    by = f" (decided by {said['component']} in the {said['section']})" if said["component"] else ""
    return "\n".join([*lines, "", f"vote: {label}{by}"])


def _compared(report, exam_date, prior_dates, date_order, tolerance_days):
    sessions = {date.replace("-", ""): date for date in (exam_date, *prior_dates)}
    session = exam_date.replace("-", "")
    prior, inferred = comparison.compared_session(report.sentences, session, sessions, 0, date_order, tolerance_days)
    return sessions[prior], inferred


def _day(date):
    return f"{date.year}-{date.month:02}" + (f"-{date.day:02}" if date.day else "")
