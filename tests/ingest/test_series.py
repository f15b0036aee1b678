"""What a series shows is told by how it was acquired; what its header leaves open is a doubt."""

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import EnhancedMRImageStorage

from gliodelta.ingest.headers import Series, group, read_headers
from gliodelta.ingest.series import after_contrast_agent, describe, fat_suppressed, is_3d, kind

CORONAL = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])


def changed(headers, **elements):
    """The headers with other elements; those that are None are taken out."""
    return [{key: one for key, one in {**header, **elements}.items() if one is not None} for header in headers]


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({}, "T2"),
        ({"SeriesDescription": "ax flair (no)", "InversionTime": 0}, "T2"),
        ({"EchoTime": 420, "RepetitionTime": 3200}, "T2"),
        ({"ScanningSequence": "RM"}, "T2"),
        ({"InversionTime": 2500, "RepetitionTime": 9000, "SeriesDescription": "T2 AX"}, "FLAIR"),
        ({"ScanningSequence": ["SE", "IR"]}, "FLAIR"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M_IR", "M", "IR"]}, "FLAIR"),
        ({"AcquisitionContrast": "FLUID_ATTENUATED"}, "FLAIR"),
        ({"InversionTime": 160}, "inversion recovery"),
        ({"EchoTime": 12, "RepetitionTime": 550, "SeriesDescription": "T2"}, "T1"),
        ({"EchoTime": None, "RepetitionTime": 550, "SeriesDescription": "T2"}, "T1"),
        ({"EchoTime": 12}, "proton density"),
        ({"ScanningSequence": "GR", "EchoTime": 25, "RepetitionTime": 600, "SeriesDescription": "T2"}, "T2*"),
        ({"ScanningSequence": "GR", "EchoTime": 3, "RepetitionTime": 8}, "T1 or other gradient echo"),
        ({"ScanningSequence": ["EP", "SE"]}, "diffusion or other echo-planar"),
        ({"DiffusionBValue": 1000}, "diffusion or other echo-planar"),
        ({"DiffusionBValue": 0}, "T2"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "DIFFUSION"]}, "diffusion or other echo-planar"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localiser"),
        ({"ImageType": ["DERIVED", "PRIMARY", "M"]}, "derived images"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "derived images"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "MPR"]}, "derived images"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "R", "SE"]}, "derived images"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M"], "ComplexImageComponent": "PHASE"}, "derived images"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "not MR"),
        ({"Modality": "CT"}, "not MR"),
        ({"slices": 8}, "T2 of less than 80 mm of the head"),
        ({"ScanningSequence": "", "EchoPulseSequence": "GRADIENT", "EchoTime": 4}, "T1 or other gradient echo"),
        ({"EchoTime": None, "EffectiveEchoTime": 95}, "T2"),
        ({"InversionRecovery": "YES"}, "FLAIR"),
    ],
)
def test_kinds(headers, elements, expected):
    assert kind(Series(headers(**elements))).name == expected


def test_the_kind_of_a_t2_with_all_attributes_leaves_no_doubt_and_states_its_times(headers):
    assert kind(Series(headers())) == ("T2", "TE 100 ms, TR 4500 ms", ())
    assert kind(Series(headers(InversionTime=2500))).numbers == "TI 2500 ms"


@pytest.mark.parametrize(
    ("elements", "about", "presumed", "text"),
    [
        ({"EchoTime": None, "SeriesDescription": "AX T2 TSE"}, "contrast", True, "no echo time, called T2"),
        ({"EchoTime": None, "SeriesDescription": "AX T2 FLAIR"}, "contrast", False, "no echo time, not called T2"),
        ({"EchoTime": None, "SeriesDescription": "T2*"}, "contrast", False, "no echo time, not called T2"),
        ({"EchoTime": 0.1, "RepetitionTime": 0}, "contrast", False, "no echo time and no repetition time, not called"),
        ({"EchoTime": "a name"}, "contrast", False, "no echo time"),
        ({"SeriesDescription": "AX T2 Dark-Fluid"}, "contrast", False, "called FLAIR without an inversion time"),
        ({"RepetitionTime": 9000}, "contrast", True, "TR 9000 ms without an inversion time"),
        ({"ScanningSequence": ""}, "contrast", True, "no sequence type"),
        ({"ScanningSequence": "", "SeriesDescription": "swi"}, "contrast", False, "no sequence type"),
        ({"BodyPartExamined": "CSPINE"}, "head", False, "names another part of the body"),
        ({"ProtocolName": "T2 ax genou", "BodyPartExamined": "HEAD"}, "head", False, "names another part of the body"),
        ({"Rows": 300, "Columns": 280}, "head", True, "a field of view of 150 mm"),
        ({"Rows": 720, "Columns": 560}, "head", True, "a field of view of 360 mm"),
    ],
)
def test_what_the_header_leaves_open_is_a_doubt(headers, elements, about, presumed, text):
    found = kind(Series(headers(**elements)))
    assert found.name == "T2"
    assert (found.doubts[0].about, found.doubts[0].presumed) == (about, presumed)
    assert text in found.doubts[0].text


@pytest.mark.parametrize("name", ["T2 hippocampus", "T2 epilepsie", "t2_tse_tra", "BRAIN", "AX T2 FRFSE"])
def test_usual_names_of_brain_series_raise_no_doubt(headers, name):
    assert kind(Series(headers(SeriesDescription=name, BodyPartExamined="HEAD"))).doubts == ()


def test_planes_that_cross_are_a_localiser_unless_each_is_a_whole_stack(headers):
    few = [*headers(slices=3), *headers(slices=3, rotation=CORONAL)]
    assert [kind(one).name for one in group(few)] == ["localiser"] * 2
    whole = [*headers(), *changed(headers(rotation=CORONAL, EchoTime=100.2))]
    assert sorted((one.plane, kind(one).name) for one in group(whole)) == [("axial", "T2"), ("coronal", "T2")]


def test_series_that_an_anonymiser_gave_one_uid_are_told_apart_by_their_number(headers):
    merged = changed(headers(EchoTime=12, SeriesNumber=2), SeriesInstanceUID=None)
    merged += changed(headers(SeriesNumber=3), SeriesInstanceUID=None)
    assert [(one.number, kind(one).name) for one in group(merged)] == [(2, "proton density"), (3, "T2")]


def test_a_lost_slice_and_doubled_volumes_are_told(headers):
    slices = headers()
    assert kind(Series(slices[:9] + slices[10:])).name == "T2 with missing slices"
    assert kind(Series(slices + headers(uid="again"))).name == "T2 with several volumes"
    assert kind(Series(changed(slices, ImageOrientationPatient=None))).name == "T2 without slice positions"


def test_the_same_file_twice_counts_once(headers):
    assert kind(Series(headers() + headers())).name == "T2"


def test_echo_times_that_differ_by_rounding_are_one_series(headers):
    slices = [{**header, "EchoTime": 100 + 0.01 * number} for number, header in enumerate(headers())]
    assert [kind(series).name for series in group(slices)] == ["T2"]


def test_echo_times_on_both_sides_of_a_rounding_edge_are_one_series(headers):
    alternating = [{**header, "EchoTime": (99.4, 99.6)[index % 2]} for index, header in enumerate(headers())]
    assert [len(one.headers) for one in group(alternating)] == [len(alternating)]


def test_values_of_the_wrong_type_or_number_do_no_harm(headers, tmp_path, dicom_series):
    dicom_series(tmp_path)
    for file in tmp_path.iterdir():
        dataset = dcmread(file)
        dataset.SeriesInstanceUID = ["1.2", "3.4"]
        dataset.add_new("ImageType", "US", 7)
        dataset.add_new("AcquisitionDateTime", "US", 12)
        dataset.save_as(file)
    (series,) = group(read_headers(tmp_path.iterdir()))
    assert kind(series).name == "T2" and series.acquired is None


def test_many_echoes_are_a_measurement_and_two_are_proton_density_and_t2(headers):
    two = group(headers(EchoTime=15) + headers(EchoTime=95))
    assert [kind(one).name for one in two] == ["proton density", "T2"]
    many = group([header for time in (30, 60, 90, 120) for header in headers(EchoTime=time)])
    assert [kind(one).name for one in many][1:] == ["T2 measurement with many echoes"] * 3


@pytest.mark.parametrize(
    ("question", "yes", "no"),
    [
        (
            fat_suppressed,
            [{"ScanOptions": ["PFP", "FS"]}, {"SpectrallySelectedSuppression": "FAT"}],
            {"ScanOptions": "PFP"},
        ),
        (fat_suppressed, [{"ImageType": ["ORIGINAL", "PRIMARY", "DIXON", "WATER"]}], {}),
        (after_contrast_agent, [{"ContrastBolusAgent": "Gd"}], {"ContrastBolusAgent": "NONE"}),
        (after_contrast_agent, [{"ContrastBolusAgentAdministered": "YES"}], {"ContrastBolusAgentAdministered": "NO"}),
        (is_3d, [{"MRAcquisitionType": "3D"}, {"step": 1.0, "slices": 160}], {"MRAcquisitionType": "2D", "step": 1.0}),
    ],
)
def test_how_a_t2_was_acquired(headers, question, yes, no):
    assert all(question(Series(headers(**one))) for one in yes)
    assert not question(Series(headers(**no)))


def test_the_description_is_made_of_numbers(headers):
    series = Series(headers(SeriesDescription="CANARY", MRAcquisitionType="3D"))
    assert describe(series) == "axial, 3-D, TE 100 ms, TR 4500 ms, 22 slices of 5.5 mm"


@pytest.mark.parametrize(
    ("elements", "seconds"),
    [
        ({"AcquisitionTime": "101502.5", "SeriesTime": "090000"}, 101502.5),
        ({"AcquisitionDateTime": "20200101101502.5"}, 101502.5),
        ({"SeriesTime": "10:15:02"}, 101502),
        ({"AcquisitionTime": "soon"}, None),
        ({}, None),
    ],
)
def test_the_time_of_an_acquisition(headers, elements, seconds):
    assert Series(headers(**elements)).acquired == seconds


def sequence(**elements):
    """A DICOM sequence of one item."""
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return [item]


def test_an_enhanced_multi_frame_image_says_the_same_in_its_functional_groups(tmp_path, dicom_series):
    dicom_series(tmp_path, skip=range(1, 22), SOPClassUID=EnhancedMRImageStorage)
    (file,) = tmp_path.iterdir()
    image = dcmread(file)
    moved = ("EchoTime", "RepetitionTime", "ScanningSequence", "PixelSpacing")
    for keyword in (*moved, "ImagePositionPatient", "ImageOrientationPatient"):
        delattr(image, keyword)
    image.Rows = image.Columns = 440
    image.EchoPulseSequence, image.MRAcquisitionType, image.AcquisitionDateTime = "SPIN", "2D", "20200101093000.5"
    image.SharedFunctionalGroupsSequence = sequence(
        MRTimingAndRelatedParametersSequence=sequence(RepetitionTime=4500),
        PlaneOrientationSequence=sequence(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
        PixelMeasuresSequence=sequence(PixelSpacing=[0.5, 0.5], SliceThickness=4),
        MRModifierSequence=sequence(InversionRecovery="NO", SpectrallySelectedSuppression="NONE"),
    )
    image.PerFrameFunctionalGroupsSequence = [
        sequence(
            PlanePositionSequence=sequence(ImagePositionPatient=[0, 0, 4.4 * number]),
            MREchoSequence=sequence(EffectiveEchoTime=90),
        )[0]
        for number in range(30)
    ]
    image.save_as(file)
    (series,) = group(read_headers([file]))
    assert kind(series) == ("T2", "TE 90 ms, TR 4500 ms", ())
    assert describe(series) == "axial, TE 90 ms, TR 4500 ms, 30 slices of 4.4 mm"
    assert (series.acquired, fat_suppressed(series)) == (93000.5, False)


def test_headers_are_read_from_files_and_others_are_passed_over(tmp_path, dicom_series):
    dicom_series(tmp_path, EchoTime=95, ContrastBolusAgent="Gd")
    (tmp_path / "notes.txt").write_text("no DICOM")
    headers = read_headers(sorted(tmp_path.iterdir()))
    (series,) = group(headers)
    assert len(headers) == len(series.places) == 22
    assert (series.echo_time, series.step, series.field_of_view) == (95, 5.5, 120)
    assert after_contrast_agent(series)
    assert not any("Patient" in key and "Position" not in key and "Orientation" not in key for key in headers[0])
