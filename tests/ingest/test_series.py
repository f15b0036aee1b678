"""The T2 series is told from the others by how it was acquired."""

import numpy as np
import pytest

from gliodelta.ingest.series import Series, choose, group, kind
from gliodelta.status import Excluded

CORONAL = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({}, "T2"),
        ({"SeriesDescription": "ax flair (no)", "InversionTime": 0}, "T2"),
        ({"EchoTime": 420, "RepetitionTime": 3200}, "T2"),
        ({"ScanningSequence": "RM"}, "T2"),
        ({"InversionTime": 2500, "RepetitionTime": 9000}, "FLAIR"),
        ({"ScanningSequence": ["SE", "IR"]}, "FLAIR"),
        ({"SeriesDescription": "AX T2 Dark-Fluid"}, "FLAIR"),
        ({"InversionTime": 160}, "inversion recovery"),
        ({"EchoTime": 12, "RepetitionTime": 550, "SeriesDescription": "T2"}, "T1"),
        ({"EchoTime": 12}, "proton density"),
        ({"ScanningSequence": "GR", "EchoTime": 25, "RepetitionTime": 600}, "T2*"),
        ({"ScanningSequence": "GR", "EchoTime": 3, "RepetitionTime": 8}, "T1 or other gradient echo"),
        ({"ScanningSequence": ["EP", "SE"]}, "diffusion or other echo-planar"),
        ({"DiffusionBValue": 1000}, "diffusion or other echo-planar"),
        ({"DiffusionBValue": 0}, "T2"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "DIFFUSION"]}, "diffusion or other echo-planar"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localiser"),
        ({"ImageType": ["DERIVED", "PRIMARY", "M"]}, "derived images"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "MPR"]}, "derived images"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "not MR"),
        ({"Modality": "CT"}, "not MR"),
        ({"EchoTime": "a name"}, "without echo or repetition time"),
        ({"slices": 8}, "T2 of less than 80 mm of the head"),
        ({"ScanningSequence": "", "EchoPulseSequence": "GRADIENT", "EchoTime": 4}, "T1 or other gradient echo"),
        ({"EchoTime": None, "EffectiveEchoTime": 95}, "T2"),
        ({"InversionRecovery": "YES"}, "FLAIR"),
    ],
)
def test_kinds(headers, elements, expected):
    assert kind(Series(headers(**elements))) == expected


def test_planes_that_cross_are_a_localiser(headers):
    assert kind(Series(headers(uid="a") + headers(uid="b", rotation=CORONAL))) == "localiser"


def test_a_lost_slice_and_doubled_volumes_are_told(headers):
    slices = headers()
    assert kind(Series(slices[:9] + slices[10:])) == "T2 with missing slices"
    assert kind(Series(slices + headers(uid="again"))) == "T2 with several volumes"


def test_the_same_file_twice_counts_once(headers):
    assert kind(Series(headers() + headers())) == "T2"


def test_echo_times_that_differ_by_rounding_are_one_series(headers):
    slices = [{**header, "EchoTime": 100 + 0.01 * number} for number, header in enumerate(headers())]
    assert [kind(series) for series in group(slices)] == ["T2"]


def test_the_later_of_two_echoes_is_the_t2_and_many_echoes_are_none(headers):
    series, candidates = choose(group(headers(EchoTime=15) + headers(EchoTime=95)))
    assert (series.echo_time, candidates) == (95, 1)
    echoes = [header for time in (30, 60, 90, 120) for header in headers(EchoTime=time)]
    with pytest.raises(Excluded, match="3 T2 measurement with many echoes"):
        choose(group(echoes))


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"ScanOptions": "PFP"}, {"ScanOptions": ["FS"], "step": 4.0}),
        ({}, {"rotation": CORONAL, "step": 4.0}),
        ({"step": 4.0}, {"step": 6.0}),
        ({"SeriesDescription": "T2 TSE"}, {"SeriesDescription": "series"}),
    ],
)
def test_of_two_t2_series_the_better_is_chosen_whatever_their_order(headers, better, worse):
    for first, second in ((better, worse), (worse, better)):
        series, candidates = choose(group(headers(uid="1", **first) + headers(uid="2", **second)))
        assert candidates == 2
        assert series.headers[0]["SeriesInstanceUID"] == ("1" if first is better else "2")


def test_two_equal_t2_series_are_ambiguous_and_the_reason_says_what_to_do(headers):
    with pytest.raises(
        Excluded, match=r"ambiguous: 2 equally good T2 series \(axial, TE 100 ms.*let the exam's source"
    ):
        choose(group(headers(uid="1") + headers(uid="2")))


def test_without_a_t2_the_reason_counts_what_there_is(headers):
    found = headers(uid="1", InversionTime=2500) + headers(uid="2", EchoTime=10, RepetitionTime=500)
    with pytest.raises(Excluded, match="no T2 series among 2: 1 FLAIR, 1 T1"):
        choose(group(found))
