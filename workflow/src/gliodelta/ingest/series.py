"""Which DICOM series of an exam is the T2: judged by how it was acquired, hardly by what somebody called it."""

import functools
import logging
import math
import re
import warnings
from collections import Counter, defaultdict

import numpy as np

from gliodelta.status import Excluded, is_machine_fault

# What is read of a header. Descriptions serve as a hint (below) and are never passed on.
IDENTITY = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "Modality", "ImageType")
SCANNER = ("Manufacturer", "MagneticFieldStrength", "SeriesDescription", "ProtocolName")
TIMING = ("ScanningSequence", "ScanOptions", "EchoTime", "RepetitionTime", "InversionTime", "DiffusionBValue")
GEOMETRY = ("Rows", "Columns", "PixelSpacing", "SliceThickness", "ImageOrientationPatient", "ImagePositionPatient")
# Enhanced multi-frame images say the same as TIMING in other words.
ENHANCED_TIMING = ("EffectiveEchoTime", "InversionTimes", "InversionRecovery", "EchoPulseSequence")
ENHANCED_KIND = ("EchoPlanarPulseSequence", "AcquisitionContrast")
KEYWORDS = (*IDENTITY, *SCANNER, *TIMING, *GEOMETRY, *ENHANCED_TIMING, *ENHANCED_KIND)
FRAMES = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")

# MR Image Storage, Enhanced MR Image Storage and Legacy Converted Enhanced MR Image Storage (DICOM PS3.4, B.5).
MR_IMAGES = ("1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.4")
DERIVED = {"DERIVED", "SECONDARY", "MPR", "PROJECTION IMAGE", "MIP", "PHASE", "P", "PHASE MAP", "T2 MAP"}
DIFFUSION = {"DIFFUSION", "ADC", "TRACEW", "FA"}
ECHOES = {"SPIN": {"SE"}, "GRADIENT": {"GR"}, "BOTH": {"SE", "GR"}}

# T2-weighted spin echo: clinical protocols have TE 80 to 120 ms (3-D ones up to 560 ms) and TR 2000 to 9000 ms; the
# first echo of a dual-echo series (proton density) has TE 10 to 30 ms, T1 has TR 400 to 800 ms.
MIN_TE_MS, MIN_TR_MS = 60, 1500
# CSF is nulled by TI 1600 to 2900 ms; fat (STIR) by 100 to 250 ms, T1 contrast comes with 300 to 1200 ms.
MIN_FLAIR_TI_MS = 1400
# T2* needs gradient echoes this late; T1 gradient echoes have 2 to 8 ms.
MIN_T2STAR_TE_MS = 10
# Adult brains measure 110 mm and more in each direction; slabs of the inner ear or orbit measure 30 to 60 mm.
MIN_COVERAGE_MM = 80
# Slice positions are rounded differently by vendors; a lost slice doubles the step.
MAX_STEP_RATIO = 1.5
# Equal acquisitions differ by rounding in the direction of their slices.
MAX_TILT_COSINE = 1e-2

_SAYS_FLAIR = re.compile(r"flair|dark.?fluid|tirm", re.IGNORECASE)
_SAYS_T2 = re.compile(r"t2", re.IGNORECASE)


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
    headers = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in files:
            try:
                dataset = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=[*keywords, *FRAMES])
                headers.append({**_flatten(dataset, keywords), "path": path})
            except Exception as error:  # Damaged files raise anything at all; what cannot be read is no DICOM.
                if is_machine_fault(error):
                    raise
    return headers


def _flatten(dataset, keywords):
    header = _elements(dataset, keywords)
    frames = dataset.get(FRAMES[1]) or []
    for groups in [*(dataset.get(FRAMES[0]) or []), *frames[:1]]:
        for macro in groups:
            if macro.VR == "SQ" and macro.value:
                header |= _elements(macro.value[0], keywords)
    places = [frame.PlanePositionSequence[0] for frame in frames if "PlanePositionSequence" in frame]
    header["positions"] = [_numbers(place.get("ImagePositionPatient")) for place in places or [header]]
    return header


def _elements(dataset, keywords):
    found = {}
    for keyword in keywords:
        try:
            value = dataset.get(keyword)
        except Exception as error:  # A value that does not fit its type counts as missing.
            if is_machine_fault(error):
                raise
            continue
        if value not in (None, ""):
            found[keyword] = value
    return found


def _numbers(value):
    """Returns the value of an element as a tuple of finite numbers; empty when any of it is none."""
    try:
        numbers = tuple(float(number) for number in np.ravel(value))
    except (TypeError, ValueError):
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()


class Series:
    """A stack of slices of one acquisition: one SeriesInstanceUID and one echo time.

    Args:
        headers: what `read_headers` found of its files.
        echoes: how many echo times the files of its SeriesInstanceUID have.
    """

    def __init__(self, headers, echoes=1):
        # The same file may lie in the folder twice.
        self.headers = list({header.get("SOPInstanceUID", header["path"]): header for header in headers}.values())
        self.files = [header["path"] for header in self.headers]
        self.echoes = echoes
        self.echo_time = self.value("EchoTime", "EffectiveEchoTime")
        self.repetition_time = self.value("RepetitionTime")
        self.inversion_time = self.value("InversionTime", "InversionTimes")
        self.image_type = self.words("ImageType") | self.words("AcquisitionContrast")
        self.sequence = self.words("ScanningSequence") | ECHOES.get("".join(self.words("EchoPulseSequence")), set())

    def value(self, *keywords):
        """Returns the first of the elements that is a number, else None."""
        for keyword in keywords:
            numbers = _numbers(self.headers[0].get(keyword))
            if numbers:
                return numbers[0]
        return None

    def words(self, keyword):
        """Returns the values of a textual element in capitals, as a set."""
        value = self.headers[0].get(keyword, ())
        return {str(word).upper() for word in ([value] if isinstance(value, str) else value)}

    def says(self, pattern):
        """Returns whether the free text of the series matches `pattern`."""
        return any(pattern.search(str(self.headers[0].get(name, ""))) for name in ("SeriesDescription", "ProtocolName"))

    @functools.cached_property
    def normals(self):
        """Directions of the slices, [n, 3]; several for a localiser, none when an image has no orientation."""
        normals = []
        for header in self.headers:
            axes = _numbers(header.get("ImageOrientationPatient"))
            if len(axes) != 6:
                return []
            normal = np.cross(axes[:3], axes[3:])
            if not any(np.dot(normal, other) > 1 - MAX_TILT_COSINE for other in normals):
                normals.append(normal)
        return normals

    @functools.cached_property
    def places(self):
        """Sorted places of the slices along their normal, in mm."""
        positions = [position for header in self.headers for position in header["positions"]]
        if len(self.normals) != 1 or any(len(position) != 3 for position in positions):
            return np.array([])
        return np.sort(np.array(positions) @ self.normals[0])

    @property
    def plane(self):
        """The anatomical plane that the slices are nearest to."""
        return ("sagittal", "coronal", "axial")[int(np.argmax(np.abs(self.normals[0])))]

    @property
    def voxels(self):
        """Number of voxels that the headers promise."""
        return int((self.value("Rows") or 0) * (self.value("Columns") or 0) * len(self.places))

    @property
    def step(self):
        """Distance of neighbouring slices in mm."""
        return float(np.median(np.diff(self.places))) if len(self.places) > 1 else self.value("SliceThickness") or 0.0

    @property
    def voxel_mm3(self):
        """Volume of a voxel."""
        return float(np.prod([*_numbers(self.headers[0].get("PixelSpacing")), self.step]))


def group(headers):
    """Returns the headers as `Series`, in the order of their numbers."""
    by_uid = defaultdict(lambda: defaultdict(list))
    for header in headers:
        # Some scanners write echo times that differ by fractions of a millisecond from slice to slice.
        echo = round(Series([header]).echo_time or 0)
        by_uid[header.get("SeriesInstanceUID", "")][echo].append(header)
    series = [Series(found, len(echoes)) for echoes in by_uid.values() for found in echoes.values()]
    return sorted(series, key=lambda one: (one.value("SeriesNumber") or 0, one.echo_time or 0, str(one.files[0])))


def kind(series):
    """Returns what a series shows: "T2", or in a few words why it is none that can be used."""
    one = series.headers[0]
    inverted = series.inversion_time or "IR" in series.sequence or one.get("InversionRecovery") == "YES"
    if one.get("Modality", "MR") != "MR" or one.get("SOPClassUID") not in MR_IMAGES:
        return "not MR"
    if series.image_type & DERIVED:
        return "derived images"
    if "LOCALIZER" in series.image_type or len(series.normals) > 1:
        return "localiser"
    if _echo_planar(series):
        return "diffusion or other echo-planar"
    if "GR" in series.sequence and "SE" not in series.sequence:
        return "T2*" if (series.echo_time or 0) >= MIN_T2STAR_TE_MS else "T1 or other gradient echo"
    if inverted or (series.inversion_time is None and series.says(_SAYS_FLAIR)):
        return "FLAIR" if (series.inversion_time or MIN_FLAIR_TI_MS) >= MIN_FLAIR_TI_MS else "inversion recovery"
    if series.echo_time is None or series.repetition_time is None:
        return "without echo or repetition time"
    if series.repetition_time < MIN_TR_MS:
        return "T1"
    if series.echo_time < MIN_TE_MS:
        return "proton density"
    return _stack(series)


def _echo_planar(series):
    return (
        "EP" in series.sequence
        or series.headers[0].get("EchoPlanarPulseSequence") == "YES"
        or (series.value("DiffusionBValue") or 0) > 0
        or bool(series.image_type & DIFFUSION)
    )


def _stack(series):
    """Returns "T2" when the slices of a T2-weighted series make one whole volume."""
    # Proton density and T2 come as two echoes; more echoes are a relaxation measurement.
    if series.echoes > 2:
        return "T2 measurement with many echoes"
    if not len(series.places):
        return "T2 without slice positions"
    steps = np.diff(series.places)
    if len(steps) and steps.min() < 0.1 * max(np.median(steps), 0.1):
        return "T2 with several volumes"
    if len(steps) and steps.max() > MAX_STEP_RATIO * np.median(steps):
        return "T2 with missing slices"
    if series.step * len(series.places) < MIN_COVERAGE_MM:
        return f"T2 of less than {MIN_COVERAGE_MM} mm of the head"
    return "T2"


def choose(series):
    """Finds the T2 series of an exam.

    Of several, those without fat suppression come first, then axial ones (both as in most clinical exams, so that
    exams of a patient are alike), then those with smaller voxels, then those that are called T2.

    Args:
        series: list of `Series`.

    Returns:
        (Series, how many were T2).

    Raises:
        Excluded: none is a T2, or the two best are equally good.
    """
    kinds = [kind(one) for one in series]
    candidates = sorted((one for one, name in zip(series, kinds, strict=True) if name == "T2"), key=_rank)
    if not candidates:
        counts = ", ".join(f"{count} {name}" for name, count in sorted(Counter(kinds).items()))
        raise Excluded(f"no T2 series among {len(series)}: {counts}")
    best = candidates[0]
    equals = sum(_rank(one) == _rank(best) for one in candidates)
    if equals > 1:
        raise Excluded(
            f"ambiguous: {equals} equally good T2 series ({describe(best)}); "
            "let the exam's source be a folder with one of them"
        )
    return best, len(candidates)


def _rank(series):
    suppressed = "FS" in series.words("ScanOptions")
    return suppressed, series.plane != "axial", round(series.voxel_mm3, 1), not series.says(_SAYS_T2)


def describe(series):
    """Returns the series in words made of numbers."""
    return (
        f"{series.plane}, TE {series.echo_time:g} ms, TR {series.repetition_time:g} ms, {len(series.places)} slices of "
        f"{series.step:.1f} mm"
    )
