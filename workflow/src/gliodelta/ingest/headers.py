"""What DICOM headers say about an exam's series: the elements that are needed, and nothing that names a person."""

import functools
import logging
import math
import warnings
from collections import defaultdict

import numpy as np

from gliodelta.status import is_machine_fault

# What is read of a header. Descriptions and body parts serve as hints (`series`) and are never passed on.
IDENTITY = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "Modality", "ImageType")
SCANNER = ("Manufacturer", "MagneticFieldStrength", "SeriesDescription", "ProtocolName", "BodyPartExamined")
TIMING = ("ScanningSequence", "ScanOptions", "EchoTime", "RepetitionTime", "InversionTime", "DiffusionBValue")
GEOMETRY = ("Rows", "Columns", "PixelSpacing", "SliceThickness", "ImageOrientationPatient", "ImagePositionPatient")
ACQUISITION = ("MRAcquisitionType", "ContrastBolusAgent", "AcquisitionTime", "AcquisitionDateTime", "SeriesTime")
# Texts that are compared as wholes: a backslash makes two values of one, and a wrong type a number.
STUDY = ("PatientID", "StudyInstanceUID", "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID")
WHOLE = {*STUDY, "AcquisitionTime", "AcquisitionDateTime", "SeriesTime"}
# Enhanced multi-frame images say the same in other words.
ENHANCED_TIMING = ("EffectiveEchoTime", "InversionTimes", "InversionRecovery", "EchoPulseSequence")
ENHANCED_KIND = (
    "EchoPlanarPulseSequence",
    "AcquisitionContrast",
    "SpectrallySelectedSuppression",
    "ContrastBolusAgentAdministered",
    "ComplexImageComponent",
)
KEYWORDS = (*IDENTITY, *SCANNER, *TIMING, *GEOMETRY, *ACQUISITION, *ENHANCED_TIMING, *ENHANCED_KIND)
FRAMES = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")

ECHOES = {"SPIN": {"SE"}, "GRADIENT": {"GR"}, "BOTH": {"SE", "GR"}}
# Times beyond these are in another unit than ms, or what an anonymiser left: they count as missing. An inversion time
# of 0 is how several vendors say that there is no inversion.
ECHO_TIMES_MS, REPETITION_TIMES_MS, INVERSION_TIMES_MS = (0.5, 1000), (2, 30_000), (0, 5000)
# Equal acquisitions differ by rounding in the direction of their slices.
MAX_TILT_COSINE = 1e-2

# Some scanners write echo times that differ by fractions of a millisecond from slice to slice; those of two echoes
# differ by 10 ms and more.
MIN_ECHO_STEP_MS = 3


def read_headers(files, keywords=KEYWORDS):
    """Reads the headers of the DICOM files among `files`.

    Args:
        files: paths; those that are no DICOM are passed over.
        keywords: DICOM keywords of the elements to read; those of enhanced images' functional groups are found too.

    Returns:
        list of dicts of keyword to value, with the file as "path" and all slice positions as "positions".
    """
    import pydicom

    # pydicom quotes faulty values in its warnings, and a job's warnings are in its log.
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    elements = _Elements(keywords)
    headers = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in files:
            try:
                dataset = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=[*keywords, *FRAMES])
                headers.append({**_flatten(dataset, elements), "path": path})
            except Exception as error:  # Damaged files raise anything at all; what cannot be read is no DICOM.
                if is_machine_fault(error):
                    raise
    return headers


def _flatten(dataset, elements):
    header = elements.of(dataset)
    frames = dataset.get(FRAMES[1]) or []
    for groups in [*(dataset.get(FRAMES[0]) or []), *frames[:1]]:
        for macro in groups:
            if macro.VR == "SQ" and macro.value:
                header |= elements.of(macro.value[0])
    places = [frame.PlanePositionSequence[0] for frame in frames if "PlanePositionSequence" in frame]
    header["positions"] = [numbers(place.get("ImagePositionPatient")) for place in places or [header]]
    return header


class _Elements:
    """Reads some elements of datasets; each value once, since most are the same in all slices of a series."""

    def __init__(self, keywords):
        from pydicom.datadict import tag_for_keyword

        self._keywords = {tag_for_keyword(keyword): keyword for keyword in keywords}
        self._values = {}

    def of(self, dataset):
        """Returns a dict of keyword to value; a value that does not fit its type counts as missing."""
        found = {}
        for tag in self._keywords.keys() & dataset.keys():
            try:
                value = self._value(dataset, tag)
            except Exception as error:
                if is_machine_fault(error):
                    raise
                continue
            if value not in (None, ""):
                keyword = self._keywords[tag]
                found[keyword] = str(value) if keyword in WHOLE else value
        return found

    def _value(self, dataset, tag):
        stored = dataset.get_item(tag)
        key = (tag, stored.VR, stored.value)
        if not isinstance(stored.value, bytes):
            return dataset[tag].value
        if key not in self._values:
            self._values[key] = dataset[tag].value
        return self._values[key]


def numbers(value):
    """Returns the value of an element as a tuple of finite numbers; empty when any of it is none."""
    try:
        found = tuple(float(number) for number in np.ravel(value))
    except (TypeError, ValueError):
        return ()
    return found if all(map(math.isfinite, found)) else ()


class Series:
    """A stack of slices of one acquisition: one SeriesInstanceUID, one direction of slices and one echo time.

    Args:
        headers: what `read_headers` found of its files.
        echoes: how many echo times the files of its SeriesInstanceUID have.
        directions: how many directions of slices they have.
    """

    def __init__(self, headers, echoes=1, directions=1):
        # The same file may lie in the folder twice.
        self.headers = list({header.get("SOPInstanceUID", header["path"]): header for header in headers}.values())
        self.echoes, self.directions = echoes, directions
        self.echo_time = self.value("EchoTime", "EffectiveEchoTime", between=ECHO_TIMES_MS)
        self.repetition_time = self.value("RepetitionTime", between=REPETITION_TIMES_MS)
        self.inversion_time = self.value("InversionTime", "InversionTimes", between=INVERSION_TIMES_MS)
        self.image_type = self.words("ImageType", "AcquisitionContrast", "ComplexImageComponent")
        self.sequence = self.words("ScanningSequence") | ECHOES.get("".join(self.words("EchoPulseSequence")), set())

    def value(self, *keywords, between=(-math.inf, math.inf)):
        """Returns the first of the elements that is a number `between` two, else None."""
        for keyword in keywords:
            found = numbers(self.headers[0].get(keyword))
            if found and between[0] <= found[0] <= between[1]:
                return found[0]
        return None

    def words(self, *keywords):
        """Returns the values of textual elements in capitals, as a set."""
        values = [np.ravel(np.array(self.headers[0].get(keyword, ()), dtype=object)) for keyword in keywords]
        return {str(word).upper() for value in values for word in value} - {""}

    def says(self, pattern, *keywords):
        """Returns whether free text matches `pattern`, by default the name of the series."""
        keywords = keywords or ("SeriesDescription", "ProtocolName")
        return any(pattern.search(str(self.headers[0].get(keyword, ""))) for keyword in keywords)

    @functools.cached_property
    def places(self):
        """Sorted places of the slices along their normal, in mm; none when an image has no orientation or position."""
        positions = [position for header in self.headers for position in header["positions"]]
        if self._normal is None or any(len(position) != 3 for position in positions):
            return np.array([])
        return np.sort(np.array(positions) @ self._normal)

    @property
    def _normal(self):
        return _normal(numbers(self.headers[0].get("ImageOrientationPatient")))

    @property
    def plane(self):
        """The anatomical plane that the slices are nearest to."""
        return ("sagittal", "coronal", "axial")[int(np.argmax(np.abs(self._normal)))]

    @property
    def identity(self):
        """What the scanner calls one series: its echoes and directions have it in common."""
        return _identity(self.headers[0])

    @property
    def number(self):
        """SeriesNumber, or None."""
        found = self.value("SeriesNumber")
        return None if found is None else int(found)

    @property
    def acquired(self):
        """Time of day at which the acquisition began, as the number hhmmss.ffffff; None when the header lacks it."""
        # AcquisitionDateTime begins with yyyymmdd.
        times = [header.get("AcquisitionTime") or header.get("AcquisitionDateTime", "")[8:] for header in self.headers]
        times = [time for time in map(_time, times) if time is not None]
        return min(times) if times else _time(self.headers[0].get("SeriesTime"))

    @property
    def step(self):
        """Distance of neighbouring slices in mm."""
        return float(np.median(np.diff(self.places))) if len(self.places) > 1 else self.value("SliceThickness") or 0.0

    @property
    def coverage(self):
        """What the slices cover together in mm."""
        return self.step * len(self.places)

    @property
    def field_of_view(self):
        """The longer side of a slice in mm; None when the header lacks it."""
        spacing, rows, columns = numbers(self.headers[0].get("PixelSpacing")), self.value("Rows"), self.value("Columns")
        return max(rows * spacing[0], columns * spacing[1]) if len(spacing) == 2 and rows and columns else None

    @property
    def voxel_mm3(self):
        """Volume of a voxel."""
        return float(np.prod([*numbers(self.headers[0].get("PixelSpacing")), self.step]))


def _time(text):
    try:
        return float(str(text).replace(":", ""))
    except ValueError:
        return None


def _normal(axes):
    return np.cross(axes[:3], axes[3:]) if len(axes) == 6 else None


def group(headers):
    """Returns the headers as `Series`, in the order of their numbers."""
    together = defaultdict(list)
    for header in headers:
        together[_identity(header)].append(header)
    series = [one for found in together.values() for one in _acquisitions(found)]
    return sorted(series, key=lambda one: (one.number or 0, one.echo_time or 0, str(one.headers[0]["path"])))


def _identity(header):
    # Anonymisers that drop or reuse SeriesInstanceUID mostly keep the number.
    return header.get("SeriesInstanceUID", ""), str(header.get("SeriesNumber", ""))


def _acquisitions(headers):
    """Splits the files of one series by the direction of their slices and their echo time."""
    stacks, normals, known = defaultdict(list), [], {}
    times = np.unique([Series([header]).echo_time or 0 for header in headers])
    echoes = dict(zip(times, np.cumsum(np.diff(times, prepend=times[0]) > MIN_ECHO_STEP_MS), strict=True))
    for header in headers:
        axes = numbers(header.get("ImageOrientationPatient"))
        if axes not in known:
            known[axes] = _direction(_normal(axes), normals)
        stacks[known[axes], echoes[Series([header]).echo_time or 0]].append(header)
    directions = len({direction for direction, _ in stacks})
    for (direction, _), found in stacks.items():
        yield Series(found, sum(other == direction for other, _ in stacks), directions)


def _direction(normal, normals):
    """Returns the index of `normal` among those known, to which it is added when it is new."""
    if normal is None:
        return None
    for index, other in enumerate(normals):
        if np.dot(normal, other) > 1 - MAX_TILT_COSINE:
            return index
    normals.append(normal)
    return len(normals) - 1
