"""What happens in a simulated cohort: who is examined when, how each tumour changes, who labels and writes what.

Light and fast, since the sheets come from it alone; the images are made later, from the same plan.
"""

import dataclasses
import datetime
import itertools

import numpy as np

from gliodelta import io
from gliodelta.schema import InvalidInput, validate
from gliodelta.simulation.seeds import stream

PHASES = ("stable", "progression", "response")
# RANO for low-grade glioma (van den Bent et al. 2011, Lancet Oncol 12:583) calls 25 % more in the product of two
# diameters on T2 progression, 25 % less a minor response; here carried over to the volume of a sphere.
PROGRESSION_RATIO, RESPONSE_RATIO = 1.25**1.5, 0.75**1.5
# Exams are a fictional matter of the years from here on; day 0 of a patient lies within ten years of it.
FIRST_DATE, YEARS = datetime.date(2008, 1, 1), 10


@dataclasses.dataclass(frozen=True)
class Exam:
    """One visit: its session (day, four digits), calendar date and tumour volume in ml."""

    session: str
    date: datetime.date
    volume_ml: float
    compressed: bool


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two exams with their true course and the readers' labels (empty where nobody read the pair)."""

    prior: str
    current: str
    truth: str
    labels: tuple = ()


@dataclasses.dataclass(frozen=True)
class Report:
    """The report of an exam: which course it states, and against which exam."""

    prior: str
    current: str
    truth: str
    stated: str


@dataclasses.dataclass(frozen=True)
class Patient:
    """The whole course of one patient; `side` is that of the tumour, `events` are (session, event)."""

    subject: str
    number: int
    language: str
    side: str
    resected: bool
    exams: tuple
    pairs: tuple
    reports: tuple
    events: tuple


def read_settings(cohort_file):
    """Reads the key `simulation` of a cohort's YAML.

    Returns:
        dict with the schema's defaults filled in.

    Raises:
        InvalidInput: the cohort is not a simulated one, or a setting is wrong.
    """
    cohort = io.read_yaml(cohort_file)
    if "simulation" not in cohort:
        raise InvalidInput(f"{cohort_file}: not a simulated cohort; add the key `simulation` (even an empty one, {{}})")
    return validate(cohort["simulation"], "simulation", f"{cohort_file}, simulation")


def draw_cohort(settings):
    """Draws the plan of a whole cohort.

    Args:
        settings: dict of the schema `simulation`, complete.

    Returns:
        list of `Patient`. Shares are kept exactly (rounded to whole patients, intervals, reports), not only on average.
    """
    count, draw = settings["patients"], stream(settings["seed"], "cohort")
    low, high = settings["exams"]
    exams = draw.integers(low, high + 1, count)
    intervals = int(exams.sum()) - count
    changes = {phase: settings[phase] for phase in PHASES[1:]}
    phases = iter(_deal(draw, intervals, rest="stable", **changes))
    languages = _deal(draw, count, fr=settings["french"], rest="en")
    resected = _deal(draw, count, yes=settings["resected"], rest="no")
    labelled = _deal(draw, count, yes=settings["human_patients"], rest="no")
    early = [index for index in range(count) if resected[index] == "yes"][: settings["early_postoperative"]]
    compressed = iter(_deal(draw, int(exams.sum()), yes=settings["compressed"], rest="no"))
    patients = []
    for index in range(count):
        subject = f"{settings['prefix']}{index + 1:02d}"
        own = stream(settings["seed"], subject, "course")
        course = list(itertools.islice(phases, int(exams[index]) - 1))
        visits = _draw_exams(settings, own, course, compressed)
        patients.append(
            Patient(
                subject=subject,
                number=index + 1,
                language=languages[index],
                side=str(own.choice(["left", "right"])),
                resected=resected[index] == "yes",
                exams=visits,
                pairs=_make_pairs(visits, settings["pairs"]),
                reports=(),
                events=_list_events(visits, course, index in early),
            )
        )
    return _add_reports(settings, _add_labels(settings, patients, labelled))


def find_patient(settings, subject):
    """Returns the plan of one patient.

    Raises:
        InvalidInput: the settings make no such patient.
    """
    for patient in draw_cohort(settings):
        if patient.subject == subject:
            return patient
    raise InvalidInput(
        f"subject {subject}: the settings of the simulated cohort make no such patient; "
        "write its sheets anew with `python -m gliodelta.simulation sheets`"
    )


def _deal(draw, count, rest, **shares):
    """Deals out words to `count` places in a random order, each as often as its share says."""
    words = [word for word, share in shares.items() for _ in range(round(share * count))][:count]
    return [str(word) for word in draw.permutation(words + [rest] * (count - len(words)))]


def _draw_exams(settings, draw, course, compressed):
    days = np.cumsum([0, *draw.integers(*settings["interval_days"], len(course), endpoint=True)])
    factors = [draw.uniform(*settings[f"{phase}_factor"]) for phase in course]
    relative = np.cumprod([1, *factors])
    volumes = relative / relative.max() * draw.uniform(*settings["largest_volume_ml"])
    first = FIRST_DATE + datetime.timedelta(days=int(draw.integers(365 * YEARS)))
    dates = [first + datetime.timedelta(days=int(day)) for day in days]
    return tuple(
        Exam(f"{day:04d}", date, round(float(volume), 3), next(compressed) == "yes")
        for day, date, volume in zip(days, dates, volumes, strict=True)
    )


def _make_pairs(exams, which):
    pairs = itertools.pairwise(exams) if which == "consecutive" else itertools.combinations(exams, 2)
    return tuple(Pair(prior.session, current.session, _course(prior, current)) for prior, current in pairs)


def _course(prior, current):
    ratio = current.volume_ml / prior.volume_ml
    return "progression" if ratio >= PROGRESSION_RATIO else "response" if ratio <= RESPONSE_RATIO else "stable"


def _list_events(exams, course, early):
    # Surgery before the first exam has no day on the sheets' scale, unless it was on the day of that exam.
    events = [(exams[0].session, "surgery")] if early else []
    # A response follows a new treatment, begun a week after the exam that called for it.
    begun = [int(exam.session) + 7 for exam, phase in zip(exams, course, strict=False) if phase == "response"]
    return tuple(events + [(f"{day:04d}", "treatment-change") for day in begun])


def _add_labels(settings, patients, labelled):
    """Lets the readers label a share of the labelled patients' pairs, at least one of each patient."""
    draw = stream(settings["seed"], "labels")
    chosen = set()
    others = []
    for index, patient in enumerate(patients):
        if labelled[index] == "yes":
            order = [(index, int(place)) for place in draw.permutation(len(patient.pairs))]
            chosen.add(order[0])
            others += order[1:]
    wanted = round(settings["human_pairs"] * (len(chosen) + len(others))) - len(chosen)
    chosen |= {others[place] for place in draw.permutation(len(others))[: max(wanted, 0)]}
    return [
        dataclasses.replace(
            patient,
            pairs=tuple(
                dataclasses.replace(pair, labels=_read(settings, draw, pair)) if (index, place) in chosen else pair
                for place, pair in enumerate(patient.pairs)
            ),
        )
        for index, patient in enumerate(patients)
    ]


def _read(settings, draw, pair):
    labels = []
    for _ in range(settings["readers"]):
        error, unknown = draw.random(2)
        label = _mistake(draw, pair.truth) if error < settings["reader_error"] else pair.truth
        labels.append("unknown" if unknown < settings["reader_unknown"] else label)
    return tuple(labels)


def _mistake(draw, truth):
    """A course on the other side of stable | unstable."""
    return "stable" if truth != "stable" else str(draw.choice(PHASES[1:]))


def _add_reports(settings, patients):
    if not settings["reports"]:
        return patients
    draw = stream(settings["seed"], "reports")
    visits = [(patient.subject, pair) for patient in patients for pair in _make_pairs(patient.exams, "consecutive")]
    misleading = _deal(draw, len(visits), yes=settings["misleading_reports"], rest="no")
    reports = {}
    for (subject, pair), wrong in zip(visits, misleading, strict=True):
        stated = _mistake(draw, pair.truth) if wrong == "yes" else pair.truth
        reports.setdefault(subject, []).append(Report(pair.prior, pair.current, pair.truth, stated))
    return [dataclasses.replace(patient, reports=tuple(reports[patient.subject])) for patient in patients]
