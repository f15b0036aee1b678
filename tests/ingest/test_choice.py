"""The series that is taken as an exam's T2, and what is said about it and about every other one."""

import numpy as np
import pytest

from gliodelta.ingest.choice import choose
from gliodelta.ingest.headers import group
from gliodelta.status import Excluded

CORONAL = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
SAGITTAL = np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]])
NOISE = np.random.default_rng(0).integers(1, 1000, (20, 24, 22)), np.diag([5, 5, 5.5, 1])
# One voxel volume for all, whatever the plane and step.
THREE_D = {"MRAcquisitionType": "3D", "EchoTime": 380, "RepetitionTime": 3200, "step": 1.0, "slices": 160}


@pytest.fixture
def exam(headers):
    """A function that makes an exam of series, each given by its elements; their numbers are 1, 2, ..."""

    def make(*series):
        made = []
        for number, elements in enumerate(series, start=1):
            elements = {"uid": str(number), "SeriesNumber": number, **elements}
            made += [{key: one for key, one in header.items() if one is not None} for header in headers(**elements)]
        return group(made)

    return make


def take(series, images=None):
    """Chooses; `images` are what series by their number show, noise by default."""
    return choose(series, lambda one: (images or {}).get(one.number, NOISE))


@pytest.mark.parametrize(
    ("better", "worse", "reason"),
    [
        ({"ScanOptions": "PFP"}, {"ScanOptions": ["FS"], "step": 4.0, "slices": 30}, "fat-suppressed"),
        ({}, {"rotation": CORONAL, "step": 4.0, "slices": 30}, "2-D coronal, which comes after 2-D axial"),
        ({}, THREE_D, "3-D, which comes after 2-D axial"),
        (THREE_D | {"rotation": SAGITTAL}, {"rotation": CORONAL}, "2-D coronal, which comes after 3-D"),
        ({"step": 4.0, "slices": 35}, {"step": 6.0, "slices": 25}, "voxels of 1.5 against 1.0 mm3"),
        ({"step": 5.0, "slices": 28}, {"step": 3.0, "slices": 30}, "covers 90 mm against 140 mm"),
        ({}, {"ContrastBolusAgent": "Gd", "step": 4.0, "slices": 30}, "after a contrast agent"),
        ({}, {"EchoTime": None, "SeriesDescription": "T2"}, "doubtful: no echo time, called T2"),
        ({}, {"BodyPartExamined": "LSPINE", "step": 4.0, "slices": 35}, "doubtful: the header names another part"),
        ({}, {"Rows": 320, "Columns": 320, "step": 4.0, "slices": 35}, "doubtful: a field of view of 160 mm"),
        ({"RepetitionTime": 9000}, THREE_D, "3-D, which comes after 2-D axial"),
        ({}, {"RepetitionTime": 9000, "step": 4.0, "slices": 35}, "doubtful: TR 9000 ms without an inversion time"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "DIS2D"]}, {}, "not corrected for distortion"),
        ({"AcquisitionTime": "110000"}, {"AcquisitionTime": "100000"}, "acquired earlier than an equal one"),
    ],
)
def test_of_two_t2_series_the_better_is_taken_whatever_their_order(exam, better, worse, reason):
    for first, second in ((better, worse), (worse, better)):
        choice = take(exam(first, second))
        number = 1 if first is better else 2
        assert (choice.series.number, choice.candidates) == (number, 2)
        assert choice.why.startswith("best of 2 T2")
        assert f"Not taken: series {3 - number}: T2, {reason}" in choice.why


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_files_does_not_matter(headers, seed):
    files = []
    for number, elements in enumerate([{}, THREE_D, {"ScanOptions": "FS"}, {"EchoTime": 12}, {}], start=1):
        files += headers(uid=str(number), SeriesNumber=number, **elements)
    expected = take(group(files))
    np.random.default_rng(seed).shuffle(files)
    assert take(group(files)).why == expected.why


def test_of_equal_series_the_last_is_taken_by_time_or_else_by_number(exam):
    repeated = [{"AcquisitionTime": time} for time in ("101500.25", "103000.5", "102000")]
    assert take(exam(*repeated)).series.number == 2
    assert take(exam(*[{"AcquisitionTime": "101500"}] * 3)).series.number == 3
    assert take(exam({"AcquisitionTime": "120000"}, {})).series.number == 2
    # A repeat may be planned with voxels that differ by a little.
    assert take(exam({"step": 5.5}, {"step": 5.8})).series.number == 2


def test_series_that_nothing_tells_apart_are_ambiguous_and_the_reason_says_what_to_do(exam):
    with pytest.raises(
        Excluded, match=r"ambiguous: 2 equally good T2 series \(axial, TE 100 ms.*let the exam's source"
    ):
        take(exam({}, {"SeriesNumber": 1}))


def test_without_a_t2_the_reason_counts_what_there_is(exam):
    with pytest.raises(Excluded, match=r"^no T2 series among 3: 1 FLAIR, 2 T1$"):
        take(exam({"InversionTime": 2500}, *[{"EchoTime": 10, "RepetitionTime": 500}] * 2))


def test_why_says_of_every_series_what_it_is_by_its_number(exam):
    choice = take(
        exam(
            {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
            {"EchoTime": 10, "RepetitionTime": 500},
            {"RepetitionTime": 4000},
            {"InversionTime": 2500, "SeriesDescription": "T2 ax"},
            {"EchoTime": 10, "RepetitionTime": 500},
            {"ImageType": ["DERIVED", "SECONDARY"], "SeriesNumber": None},
        )
    )
    assert choice.why == (
        "the only T2; its image does not tell. Not taken: 1 series without number: derived images; series 1: "
        "localiser; series 2, 5: T1 (TR 500 ms); series 4: FLAIR (TI 2500 ms)"
    )


def test_planes_of_a_localiser_and_echoes_count_as_one_series(headers):
    planes = [*headers(slices=1), *headers(slices=1, rotation=CORONAL), *headers(slices=1, rotation=SAGITTAL)]
    echoes = [header for time in (30, 60, 90, 120) for header in headers(uid="2", EchoTime=time)]
    with pytest.raises(Excluded, match=r"among 2: 1 T2 measurement with many echoes, 1 localiser, 1 proton density$"):
        take(group(planes + echoes))
    assert take(group(planes + headers(uid="3"))).found == 2


def test_the_later_of_two_echoes_is_the_t2(headers):
    choice = take(group(headers(EchoTime=15) + headers(EchoTime=95)))
    assert (choice.series.echo_time, choice.candidates) == (95, 1)
    assert "proton density (TE 15 ms)" in choice.why


@pytest.mark.parametrize(
    ("elements", "remark"),
    [
        ({"rotation": CORONAL}, "coronal"),
        ({"ScanOptions": "FS"}, "fat-suppressed"),
        ({"ContrastBolusAgent": "Gd"}, "after a contrast agent"),
        ({"ScanningSequence": None}, "no sequence type"),
        ({"EchoTime": None, "SeriesDescription": "t2 tse"}, "no echo time, called T2"),
        ({"RepetitionTime": 9000}, "TR 9000 ms without an inversion time"),
    ],
)
def test_the_only_t2_is_taken_with_a_remark_on_what_is_unusual_about_it(exam, elements, remark):
    assert take(exam(elements, {"EchoTime": 12})).why.startswith(f"the only T2; {remark}; its image does not tell")


NO_TIMES = {"EchoTime": None, "RepetitionTime": None, "ScanningSequence": None}


@pytest.mark.parametrize("name", ["T2 FLAIR ax", "serie 4", ""])
def test_without_times_and_a_name_the_image_decides(exam, scanned, name):
    series = exam(NO_TIMES | {"SeriesDescription": name})
    choice = take(series, {1: scanned("T2")})
    assert "no echo time and no repetition time" in choice.why and "fluid is bright in its image" in choice.why
    with pytest.raises(Excluded, match=r"fluid is dark in the image, as on FLAIR or T1"):
        take(series, {1: scanned("FLAIR")})
    for unclear in (scanned("proton density"), NOISE):
        with pytest.raises(Excluded, match=r"doubtful .no echo time.*does not show fluid that is bright"):
            take(series, {1: unclear})


def test_t2_called_flair_and_flair_called_t2_are_told_apart_by_inversion_time(exam):
    choice = take(
        exam(
            {"SeriesDescription": "FLAIR", "InversionTime": 0},
            {"SeriesDescription": "AX T2", "InversionTime": 2200, "RepetitionTime": 9000},
        )
    )
    assert choice.series.number == 1


@pytest.mark.parametrize("times", [{}, {"RepetitionTime": 9000}, NO_TIMES])
def test_t2_called_flair_and_flair_called_t2_are_told_apart_by_their_fluid(exam, scanned, times):
    named = exam({"SeriesDescription": "FLAIR", **times}, {"SeriesDescription": "AX T2", **times})
    choice = take(named, {1: scanned("T2"), 2: scanned("FLAIR")})
    assert (choice.series.number, choice.candidates) == (1, 2)
    assert "fluid is bright in its image" in choice.why
    assert "series 2: fluid is dark in the image" in choice.why


def test_a_spine_or_knee_of_smaller_voxels_in_the_same_study_is_not_taken(exam, scanned, limb):
    brain, other = {"BodyPartExamined": "CSPINE"}, {"BodyPartExamined": "HEAD", "step": 4.0, "slices": 35}
    for image in (limb(250, 180), limb(50, 160)):
        choice = take(exam(other, brain), {1: image, 2: scanned("T2")})
        assert choice.series.number == 2
        assert "series 1: the image shows" in choice.why and "no T2 of the brain" in choice.why
        assert "the header names another part of the body" in choice.why


def test_a_spine_or_knee_alone_is_excluded_by_its_image_or_else_by_its_header(exam, scanned, limb):
    with pytest.raises(Excluded, match=r"shows no head.*no T2 of the brain"):
        take(exam({}), {1: limb(50, 160)})
    named = exam({"SeriesDescription": "T2 sag rachis"})
    with pytest.raises(Excluded, match=r"names another part of the body.*the image does not show a head"):
        take(named)
    assert take(named, {1: scanned("T2")}).series.number == 1


def test_the_next_series_is_taken_when_the_best_is_damaged_and_why_says_so(exam):
    def convert(series):
        if series.number == 1:
            raise Excluded("3 of 22 files cannot be decoded")
        return NOISE

    choice = choose(exam({}, {"step": 6.5}), convert)
    assert choice.series.number == 2
    assert "series 1: 3 of 22 files cannot be decoded" in choice.why


def test_when_no_candidate_can_be_used_each_has_its_reason(exam):
    def convert(series):
        raise Excluded(f"fault {series.number}")

    with pytest.raises(Excluded, match=r"^fault 1$"):
        choose(exam({}), convert)
    with pytest.raises(Excluded, match=r"^none of 2 T2 series can be used: series 1: fault 1; series 2: fault 2$"):
        choose(exam({}, {"step": 6.5}), convert)


def test_no_text_of_a_header_is_in_why(exam):
    planted = dict.fromkeys(("SeriesDescription", "ProtocolName", "BodyPartExamined", "ContrastBolusAgent"), "ZZCANARY")
    planted |= {"ScanOptions": ["ZZCANARY"], "AcquisitionTime": "ZZCANARY", "MRAcquisitionType": "ZZCANARY"}
    choice = take(exam(planted, {**planted, "EchoTime": "ZZCANARY"}, {**planted, "InversionTime": 2500}))
    assert "ZZCANARY" not in choice.why


def test_a_whole_exam_whose_names_are_wrong_ends_in_its_t2(tmp_path, scanned, dicom_image, convert, same_image):
    raw = tmp_path / "raw"
    dicom_image(raw, scanned("FLAIR"), 2, SeriesDescription="t2_tse_tra", EchoTime=120, AcquisitionTime="120000")
    expected = dicom_image(raw, scanned("T2"), 3, SeriesDescription="FLAIR", AcquisitionTime="110000")
    dicom_image(raw, scanned("T2"), 4, SeriesDescription="FLAIR", AcquisitionTime="100000", ContrastBolusAgent="Gd")
    dicom_image(raw, scanned("T1"), 5, SeriesDescription="T2", EchoTime=9, RepetitionTime=600)
    sidecar, image = convert(raw)
    same_image(image, *expected)
    assert (sidecar["series"], sidecar["candidates"], sidecar["found"]) == (3, 3, 4)
    assert "series 2: fluid is dark in the image, as on FLAIR or T1" in sidecar["why"]
    assert "series 4: T2, after a contrast agent" in sidecar["why"]
    assert "series 5: T1 (TR 600 ms)" in sidecar["why"]


def test_an_exam_of_a_knee_is_excluded_whatever_its_header_says(tmp_path, limb, dicom_image, excluded):
    dicom_image(tmp_path / "raw", limb(50, 160), BodyPartExamined="HEAD", SeriesDescription="AX T2 BRAIN")
    excluded("shows no head: its largest cross-section measures .* cm2; so it is no T2 of the brain", tmp_path / "raw")
