"""The slices of a DICOM series as one volume, each where its header says that it lies."""

import numpy as np

from gliodelta.ingest.headers import numbers
from gliodelta.ingest.layouts import refuse_huge
from gliodelta.status import Excluded, is_machine_fault

# Of directions: 0.1 degrees, or 0.25 mm at the edge of a slice. Rounding to 3 decimals makes less.
MAX_TURN = 2e-3
# Vendors round positions to 0.1 mm at worst. A slice that is lost or was placed by hand is off by half a step or more.
MAX_OFF_STEPS = 0.25
# Of elements that are written as text: 0.488281 and 0.48828125 are the same spacing.
SAME_SPACING = 1e-4
_TO_RAS = np.diag([-1.0, -1, 1, 1])


def stack(headers):
    """Reads the voxels of a series with pydicom and places them by the headers alone.

    dcm2niix, the usual tool, is not used because of what it does with unusual series (1.0.20260724): it takes the
    distance of the slices from the first two and fails when another differs by 0.3 mm, leaves out the shear of slices
    that do not lie straight above one another, takes 1 mm when PixelSpacing is missing, and splits a series whose
    slices have several times. Through files it is also slower, 0.8 against 0.4 CPU s for 200 slices of 512 x 512.

    Args:
        headers: of the files of one series, from `gliodelta.ingest.headers.read_headers`.

    Returns:
        (array, affine): voxels along columns, rows and slices in Fortran order, as stored, or float32 where a header
        has a rescale slope; 4x4 voxel to world in mm (RAS+), sheared when the slices' positions are.

    Raises:
        Excluded: the slices differ in size, spacing or direction, do not lie evenly, or cannot be decoded.
    """
    shape = [_shared(headers, keyword, "a size", 1)[0] for keyword in ("Columns", "Rows")]
    spacing = _shared(headers, "PixelSpacing", "a pixel spacing", 2, SAME_SPACING)
    if min(*shape, *spacing) <= 0:
        raise Excluded("the slices of the T2 series have a size or pixel spacing of 0")
    along, down = np.reshape(_shared(headers, "ImageOrientationPatient", "an orientation", 6, MAX_TURN), (2, 3))
    if np.abs([along @ along - 1, down @ down - 1, along @ down]).max() > MAX_TURN:
        raise Excluded("the orientation of the T2 series is not made of two perpendicular directions")
    places = [place for header in headers for place in header["positions"]]
    if len(places) < 2 or any(len(place) != 3 for place in places):
        raise Excluded("the T2 series is a single slice, or slices of it have no position")
    shape = (int(shape[0]), int(shape[1]), len(places))
    refuse_huge(shape)
    order = np.argsort(np.array(places) @ np.cross(along, down))
    first, step = _line(np.array(places)[order])
    affine = np.eye(4)
    # The first pixel spacing is that between rows.
    affine[:3] = np.column_stack([along * spacing[1], down * spacing[0], step, first])
    return _voxels(headers, shape, np.argsort(order)), _TO_RAS @ affine


def _shared(headers, keyword, name, length, tolerance=0):
    """Returns the numbers of an element that all slices agree on."""
    values = [numbers(header.get(keyword)) for header in headers]
    if any(len(value) != length for value in values):
        raise Excluded(f"slices of the T2 series are without {name} (DICOM {keyword})")
    if np.ptp(values, axis=0).max() > tolerance:
        raise Excluded(f"slices of the T2 series differ in {name.split(' ', 1)[1]} (DICOM {keyword})")
    return values[0]


def _line(places):
    """Returns the first place and the step of slices that lie evenly on a line; places [n, 3] in order, in mm."""
    steps = np.arange(len(places))
    step, first = np.polyfit(steps, places, 1)
    off = np.linalg.norm(places - first - steps[:, None] * step, axis=1).max()
    if off > MAX_OFF_STEPS * np.linalg.norm(step):
        raise Excluded(f"the slices of the T2 series do not lie evenly: one is {off:.1f} mm off its place")
    return first, step


def _voxels(headers, shape, ranks):
    frames = _decoded(headers, shape)
    kinds = {pixels.dtype if scale == (1, 0) else np.dtype(np.float32) for pixels, scale in frames}
    array = np.empty(shape, np.result_type(*kinds), order="F")
    for rank in ranks[::-1]:
        # Each is dropped once it is copied, else the volume would be in memory twice.
        pixels, (slope, intercept) = frames.pop()
        array[:, :, rank] = pixels.T if (slope, intercept) == (1, 0) else pixels.T * np.float32(slope) + intercept
    return array


def _decoded(headers, shape):
    """Returns the frames of all files in their order, each [rows, columns], with slope and intercept."""
    frames, damaged = [], 0
    for header in headers:
        try:
            found = _frames(header["path"])
        except Excluded:
            raise
        except Exception as error:  # Decoders raise anything at all.
            if is_machine_fault(error):
                raise
            found = []
        damaged += len(found) != len(header["positions"]) or found[0][0].shape != (shape[1], shape[0])
        frames += found
    if damaged:
        raise Excluded(
            f"{damaged} of {len(headers)} files of the T2 series cannot be decoded: damaged, cut short, or compressed "
            "in a way that is not supported"
        )
    return frames


def _frames(path):
    """Returns [(pixels, scale)] of a file's frames: [rows, columns] as stored, and their (slope, intercept)."""
    from pydicom import dcmread
    from pydicom.pixels import pixel_array
    from pydicom.uid import RLELossless

    dataset = dcmread(path)
    if dataset.PhotometricInterpretation != "MONOCHROME2":
        raise Excluded("the T2 series holds colour or inverted images, which are no measured intensities")
    # The RLE decoder that pydicom would take before its own panics on damaged data, which no `except Exception` sees.
    # view_only saves a copy of what is only read.
    plugin = "pydicom" if dataset.file_meta.TransferSyntaxUID == RLELossless else ""
    pixels = pixel_array(dataset, view_only=True, decoding_plugin=plugin)
    pixels = pixels if pixels.ndim == 3 else pixels[None]
    return [(frame, _scale(dataset, number)) for number, frame in enumerate(pixels)]


def _scale(dataset, frame):
    """Returns (slope, intercept) of a frame: its own, else that of all frames."""
    own = dataset.get("PerFrameFunctionalGroupsSequence", [])[frame : frame + 1]
    for group in [*own, *dataset.get("SharedFunctionalGroupsSequence", []), dataset]:
        for place in group.get("PixelValueTransformationSequence", [group]):
            if "RescaleSlope" in place:
                return float(place.RescaleSlope), float(place.get("RescaleIntercept") or 0)
    return 1, 0
