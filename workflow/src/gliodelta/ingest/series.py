"""What a DICOM series shows: judged by how it was acquired, hardly by what somebody called it."""

import re
from typing import NamedTuple

import numpy as np

# MR Image Storage, Enhanced MR Image Storage and Legacy Converted Enhanced MR Image Storage (DICOM PS3.4, B.5).
MR_IMAGES = ("1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.4")
# Values of ImageType. Phase, real and imaginary parts have other voxels than magnitudes.
DERIVED = {"DERIVED", "SECONDARY", "MPR", "PROJECTION IMAGE", "MIP", "SUBTRACTION", "T2 MAP"}
DERIVED |= {"PHASE", "P", "PHASE MAP", "REAL", "R", "IMAGINARY", "I"}
# Dixon images of fat alone, and those in which water and fat cancel out at every border.
DERIVED |= {"FAT", "OUT_PHASE", "OPP_PHASE"}
LOCALISER = {"LOCALIZER", "SCOUT", "SURVEY"}
DIFFUSION = {"DIFFUSION", "ADC", "TRACEW", "FA"}
INVERTED = {"M_IR", "FLUID_ATTENUATED"}
FAT_SUPPRESSED = {"FS", "SPIR", "SPAIR", "FAT", "FAT_AND_WATER", "WATER", "W"}
NO_CONTRAST_AGENT = {"", "NO", "NONE", "N", "0", "NON", "SANS", "KEIN", "KEINE"}

# T2-weighted spin echo: clinical protocols have TE 80 to 120 ms (3-D ones up to 560 ms) and TR 2000 to 9000 ms; the
# first echo of a dual-echo series (proton density) has TE 10 to 30 ms, T1 has TR 400 to 800 ms.
MIN_TE_MS, MIN_TR_MS = 60, 1500
# CSF is nulled by TI 1600 to 2900 ms; fat (STIR) by 100 to 250 ms, T1 contrast comes with 300 to 1200 ms.
MIN_FLAIR_TI_MS = 1400
# FLAIR has TR 6000 to 11000 ms, most T2 have 2500 to 6000 ms: above, a missing inversion time leaves a doubt.
MAX_T2_TR_MS = 7000
# T2* needs gradient echoes this late; T1 gradient echoes have 2 to 8 ms.
MIN_T2STAR_TE_MS = 10
# Adult brains measure 110 mm and more in each direction; slabs of the inner ear or orbit measure 30 to 60 mm.
MIN_COVERAGE_MM = 80
# Slice positions are rounded differently by vendors; a lost slice doubles the step.
MAX_STEP_RATIO = 1.5
# Longer side of a slice: heads are imaged at 200 to 260 mm, joints at 120 to 160, the trunk at 300 and more.
FIELDS_OF_VIEW_MM = (170, 300)
# Slices of 2-D T2 are 2 mm and more apart, those of 3-D T2 up to 1.3 mm.
MAX_3D_STEP_MM = 1.6

_SAYS_FLAIR = re.compile(r"flair|dark.?fluid|tirm", re.IGNORECASE)
_SAYS_T2 = re.compile(r"t2(?!.?(\*|star|map|flair))", re.IGNORECASE)
_SAYS_OTHER = re.compile(r"t1|star|\*|swi|swan|dwi|diff|adc|epi(?!l)|bold|perf|asl|tof|pd(?![a-z])|map", re.IGNORECASE)
# Parts of the body in English, French, German and Italian, whole or as they are shortened in names of series.
_SAYS_ELSEWHERE = re.compile(
    r"spine|rachis|cervic|dorsa|lumb|lomb|thora|sacr|medullaire|moelle|wirbel|(?<![a-z])[hbl]ws|colonna|myelo|neck|hals"
    r"|knee|genou|knie|ginocch|shoulder|epaule|épaule|schulter|spalla|elbow|wrist|ankle|foot|hand|hip(?!po)|hanche|pelvi"
    r"|abdom|liver|breast|sein|heart|cardia|prostat|extremity|(?<![a-z])(leg|arm)(?![a-z])",
    re.IGNORECASE,
)


class Doubt(NamedTuple):
    """What the header of a T2 leaves open, for its image to answer.

    Attributes:
        about: "contrast" (is it T2-weighted?) or "head" (is it one?).
        text: the doubt in words for users.
        presumed: what holds when the image does not tell.
        slight: whether it counts only between series that are alike in all else.
    """

    about: str
    text: str
    presumed: bool
    slight: bool = False


class Kind(NamedTuple):
    """What a series shows.

    Attributes:
        name: "T2", or in a few words why it is none that can be used.
        numbers: the numbers that tell, in words for users; may be empty.
        doubts: tuple of `Doubt`, of a T2 only.
    """

    name: str
    numbers: str = ""
    doubts: tuple = ()


def kind(series):
    """Returns what a `gliodelta.ingest.headers.Series` shows, as `Kind`."""
    return _by_image_type(series) or _by_sequence(series) or _by_times(series) or _by_slices(series)


def _by_image_type(series):
    header = series.headers[0]
    if header.get("Modality", "MR") != "MR" or header.get("SOPClassUID") not in MR_IMAGES:
        return Kind("not MR")
    if series.image_type & DERIVED:
        return Kind("derived images")
    if series.image_type & LOCALISER or (series.directions > 1 and series.coverage < MIN_COVERAGE_MM):
        return Kind("localiser")
    return None


def _by_sequence(series):
    header = series.headers[0]
    if (
        "EP" in series.sequence
        or header.get("EchoPlanarPulseSequence") == "YES"
        or (series.value("DiffusionBValue") or 0) > 0
        or series.image_type & DIFFUSION
    ):
        return Kind("diffusion or other echo-planar")
    if "GR" in series.sequence and "SE" not in series.sequence:
        late = (series.echo_time or 0) >= MIN_T2STAR_TE_MS
        return Kind("T2*" if late else "T1 or other gradient echo", _milliseconds(TE=series.echo_time))
    inverted = "IR" in series.sequence or header.get("InversionRecovery") == "YES" or series.image_type & INVERTED
    if series.inversion_time or inverted:
        nulled = (series.inversion_time or MIN_FLAIR_TI_MS) >= MIN_FLAIR_TI_MS
        return Kind("FLAIR" if nulled else "inversion recovery", _milliseconds(TI=series.inversion_time or None))
    return None


def _by_times(series):
    echo, repetition = series.echo_time, series.repetition_time
    if repetition is not None and repetition < MIN_TR_MS:
        return Kind("T1", _milliseconds(TR=repetition))
    if echo is not None and echo < MIN_TE_MS:
        return Kind("proton density", _milliseconds(TE=echo))
    return None


def _by_slices(series):
    """Returns "T2" when the slices of a T2-weighted series make one whole volume."""
    # Proton density and T2 come as two echoes; more echoes are a relaxation measurement.
    if series.echoes > 2:
        return Kind("T2 measurement with many echoes", f"{series.echoes} echoes")
    if not len(series.places):
        return Kind("T2 without slice positions")
    steps = np.diff(series.places)
    if len(steps) and steps.min() < 0.1 * max(np.median(steps), 0.1):
        return Kind("T2 with several volumes")
    if len(steps) and steps.max() > MAX_STEP_RATIO * np.median(steps):
        return Kind("T2 with missing slices", f"a gap of {steps.max():.1f} mm, steps of {np.median(steps):.1f} mm")
    if series.coverage < MIN_COVERAGE_MM:
        return Kind(f"T2 of less than {MIN_COVERAGE_MM} mm of the head", f"{series.coverage:.0f} mm")
    return Kind("T2", _milliseconds(TE=series.echo_time, TR=series.repetition_time), tuple(_doubts(series)))


def _doubts(series):
    missing = [
        name
        for name, value in (("echo time", series.echo_time), ("repetition time", series.repetition_time))
        if value is None
    ]
    called_flair, called_other = series.says(_SAYS_FLAIR), series.says(_SAYS_OTHER)
    if missing:
        called_t2 = series.says(_SAYS_T2) and not called_flair and not called_other
        yield Doubt("contrast", f"no {' and no '.join(missing)}, {'' if called_t2 else 'not '}called T2", called_t2)
    if series.inversion_time is None and called_flair:
        yield Doubt("contrast", "called FLAIR without an inversion time", False)
    elif series.inversion_time is None and (series.repetition_time or 0) > MAX_T2_TR_MS:
        yield Doubt("contrast", f"TR {series.repetition_time:g} ms without an inversion time", True, slight=True)
    if not series.sequence:
        yield Doubt("contrast", "no sequence type", not called_other)
    if series.says(_SAYS_ELSEWHERE) or series.says(_SAYS_ELSEWHERE, "BodyPartExamined"):
        yield Doubt("head", "the header names another part of the body", False)
    extent = series.field_of_view
    if extent and not FIELDS_OF_VIEW_MM[0] <= extent <= FIELDS_OF_VIEW_MM[1]:
        yield Doubt("head", f"a field of view of {extent:.0f} mm", True)


def fat_suppressed(series):
    """Returns whether fat was suppressed."""
    return bool((series.words("ScanOptions", "SpectrallySelectedSuppression") | series.image_type) & FAT_SUPPRESSED)


def after_contrast_agent(series):
    """Returns whether the header names a contrast agent."""
    agents = {agent.strip() for agent in series.words("ContrastBolusAgent")}
    return bool(agents - NO_CONTRAST_AGENT) or series.headers[0].get("ContrastBolusAgentAdministered") == "YES"


def is_3d(series):
    """Returns whether the series was acquired as one volume."""
    kinds = series.words("MRAcquisitionType")
    return "3D" in kinds if kinds else series.step <= MAX_3D_STEP_MM


def describe(series):
    """Returns the series in words made of numbers."""
    times = _milliseconds(TE=series.echo_time, TR=series.repetition_time)
    slices = f"{len(series.places)} slices of {series.step:.1f} mm"
    return ", ".join(filter(None, [series.plane, "3-D" if is_3d(series) else "", times, slices]))


def _milliseconds(**times):
    return ", ".join(f"{name} {value:g} ms" for name, value in times.items() if value is not None)
