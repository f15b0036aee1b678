"""The plan keeps what its settings promise."""

import collections
import itertools

import pytest

from gliodelta.schema import InvalidInput, validate
from gliodelta.simulation.plan import draw_cohort, find_patient, read_settings


def plan(**changes):
    return draw_cohort(validate(changes, "simulation", "test"))


def pairs(patients):
    return [pair for patient in patients for pair in patient.pairs]


def test_shares_are_kept_exactly():
    patients = plan(patients=20, exams=[3, 3], progression=0.3, response=0.2, french=0.25, resected=0.1)
    assert collections.Counter(pair.truth for pair in pairs(patients)) == {
        "stable": 20,
        "progression": 12,
        "response": 8,
    }
    assert collections.Counter(patient.language for patient in patients) == {"fr": 5, "en": 15}
    assert sum(patient.resected for patient in patients) == 2


def test_volumes_follow_the_course():
    for patient in plan(patients=20, exams=[2, 4]):
        volumes = {exam.session: exam.volume_ml for exam in patient.exams}
        for pair in patient.pairs:
            ratio = volumes[pair.current] / volumes[pair.prior]
            low, high = {"stable": (0.94, 1.06), "progression": (1.6, 2.4), "response": (0.35, 0.55)}[pair.truth]
            assert low - 1e-3 <= ratio <= high + 1e-3
        assert 25 <= max(volumes.values()) <= 70


def test_sessions_are_the_days_between_the_dates():
    for patient in plan(patients=5, exams=[4, 4], interval_days=[60, 200]):
        days = [int(exam.session) for exam in patient.exams]
        assert days[0] == 0 and all(60 <= later - earlier <= 200 for earlier, later in itertools.pairwise(days))
        assert [(exam.date - patient.exams[0].date).days for exam in patient.exams] == days


def test_all_pairs_of_a_patient():
    assert len(plan(patients=1, exams=[4, 4], pairs="all")[0].pairs) == 6


def test_readers_err_at_their_rate():
    patients = plan(patients=99, exams=[9, 9], human_patients=1, human_pairs=1, reader_error=0.2, reader_unknown=0.1)
    read = [(label, pair.truth) for pair in pairs(patients) for label in pair.labels]
    assert len(read) == 99 * 8 * 3
    known = [(label == "stable", truth == "stable") for label, truth in read if label != "unknown"]
    assert 1 - len(known) / len(read) == pytest.approx(0.1, abs=0.02)
    assert sum(label != truth for label, truth in known) / len(known) == pytest.approx(0.2, abs=0.03)


def test_human_labels_cover_their_share_and_every_labelled_patient():
    patients = plan(patients=20, human_patients=0.5, human_pairs=0.75)
    labelled = [[pair for pair in patient.pairs if pair.labels] for patient in patients]
    assert sum(bool(some) for some in labelled) == 10
    assert sum(map(len, labelled)) == 15


def test_reports_mislead_at_the_rate_set_and_each_exam_but_the_first_has_one():
    patients = plan(patients=20, misleading_reports=0.25)
    reports = [report for patient in patients for report in patient.reports]
    assert len(reports) == 40
    misleading = [report for report in reports if report.stated != report.truth]
    assert len(misleading) == 10
    # A misleading report is on the other side of stable | unstable.
    assert all((report.stated == "stable") != (report.truth == "stable") for report in misleading)


def test_surgery_on_the_first_day_only_where_asked_for():
    surgery = [
        patient.events for patient in plan(resected=0.5, early_postoperative=2) if ("0000", "surgery") in patient.events
    ]
    assert len(surgery) == 2


def test_an_unknown_patient_is_named(tmp_path):
    with pytest.raises(InvalidInput, match="s99"):
        find_patient(validate({}, "simulation", "test"), "s99")


def test_a_real_cohort_is_refused(tmp_path):
    (tmp_path / "real.yaml").write_text("{role: development, layout: dicom}")
    with pytest.raises(InvalidInput, match="add the key `simulation`"):
        read_settings(tmp_path / "real.yaml")
