"""One scan of a head: pose, slice profile, coil field, Rician noise. The anatomy is sampled once.

Reference for the noise: Gudbjartsson & Patz (1995), The Rician distribution of noisy MRI data, Magn Reson Med 34:910.
"""

import dataclasses

import numpy as np

from gliodelta.simulation.anatomy import CONTRASTS, FAR_MM
from gliodelta.simulation.geometry import Grid, resample
from gliodelta.simulation.growth import OEDEMA_MM
from gliodelta.simulation.seeds import stream

# Middle of the field of view in the patient's world (mm): between the eyes' level and the vertex.
CENTRE = (0, -14, 18)
# A slice is the mean of samples this far apart (mm), the size of the head's own voxels; at most three of them.
PROFILE_MM, MOST_PARTS = 1.5, 3
# Signs of the voxel axes in RAS+ world: to the left, front and head, as dcm2niix stores them; to the left, back and
# head, as an ITK image without rotation has them.
RADIOLOGICAL, ATLAS = (-1, 1, 1), (-1, -1, 1)


@dataclasses.dataclass(frozen=True)
class Scan:
    """How one exam is scanned: `pose` (4x4, patient's world to scanner's world, mm) and the `grid` of the T2 series."""

    pose: np.ndarray
    grid: Grid


@dataclasses.dataclass(frozen=True)
class Visit:
    """What there is to scan at one exam: the head with its tumour, and the drift of the tissue (mm on `coarse`)."""

    grid: Grid
    tissues: dict
    texture: np.ndarray
    brain: np.ndarray
    tumour: np.ndarray
    drift: np.ndarray
    coarse: Grid

    def signal(self, contrast):
        """Returns what a perfect scanner would see, float32 on `grid`; `contrast` is a key of `anatomy.CONTRASTS`."""
        return sum(CONTRASTS[contrast][name] * fraction for name, fraction in self.tissues.items()) * self.texture

    def sample(self, array, grid, pose, outside=0):
        """Samples an array on `self.grid` through the drift and the pose of a scan."""
        return resample(array, self.grid, grid, pose, self.drift, self.coarse, outside)


def draw_scan(settings, subject, session, axes=RADIOLOGICAL):
    """Draws pose and grid of an exam's T2 series.

    Args:
        settings: dict of the schema `simulation`.
        subject, session: the exam.
        axes: sign of each voxel axis in RAS+ world.

    Returns:
        `Scan`. Its slices are tilted by a few degrees about the left-right axis, as technologists plan them; those of
        `ATLAS` are not.
    """
    draw = stream(settings["seed"], subject, session, "scan")
    angles = np.deg2rad(draw.normal(0, settings["rotation_degrees"], 3))
    pose = rotation(angles)
    pose[:3, 3] = draw.normal(0, settings["translation_mm"], 3)
    jitter = 1 + settings["voxel_jitter"] * draw.uniform(-1, 1, 2)
    spacing = np.round(np.array([settings["pixel_mm"]] * 2 + [settings["slice_mm"]]) * jitter[[0, 0, 1]], 3)
    shape = np.round(np.array(settings["field_of_view_mm"]) / spacing).astype(int)
    tilt, shift = draw.normal(0, 4), draw.normal(0, 3, 3)
    turn = np.eye(4) if axes == ATLAS else rotation(np.deg2rad([tilt, 0, 0]))
    affine = turn @ np.diag([*(np.array(axes) * spacing), 1])
    middle = np.array(CENTRE) if axes == ATLAS else pose[:3, :3] @ CENTRE + pose[:3, 3] + shift
    affine[:3, 3] = middle - affine[:3, :3] @ ((shape - 1) / 2)
    return Scan(pose, Grid(tuple(int(size) for size in shape), affine))


def visit(head, tumour, volume_ml, drift, coarse):
    """Puts the tumour of `volume_ml` with its oedema and cavity into the head.

    Args:
        head: `anatomy.Head`.
        tumour: `growth.Tumour`.
        volume_ml: volume that T2 shows as tumour.
        drift, coarse: displacement in mm [x, y, z, 3] on the `Grid` coarse.

    Returns:
        `Visit`; its fractions of tissues add up as the head's do.
    """
    depth = tumour.depth(volume_ml)
    solid = np.clip(depth + 0.5, 0, 1)
    # Fluid spreads along white matter.
    oedema = np.exp(np.minimum(depth, 0) / OEDEMA_MM) * (1 - solid) * head.tissues["white"]
    rest = (1 - tumour.cavity) * (1 - solid)
    tissues = {name: fraction * rest for name, fraction in head.tissues.items()}
    tissues["white"] = tissues["white"] - oedema * (1 - tumour.cavity)
    tissues["oedema"], tissues["tumour"] = oedema * (1 - tumour.cavity), solid * (1 - tumour.cavity)
    tissues["fluid"] = tissues["fluid"] + tumour.cavity
    return Visit(head.grid, tissues, head.texture, head.depth, depth, drift, coarse)


def acquire(visit, signal, scan, draw, bias, noise):
    """Scans a visit.

    Args:
        visit: `Visit`.
        signal: what `visit.signal` returns.
        scan: `Scan`.
        draw: numpy random generator.
        bias: standard deviation of the natural logarithm of the coil's field.
        noise: standard deviation of the noise in each of the two channels; fluid on T2 is 1.

    Returns:
        float32 array of the shape of the scan's grid, 0 and above.
    """
    image = _slices(visit, signal, scan) * coil_field(draw, scan.grid.shape, bias)
    real, imaginary = (noise * draw.standard_normal(image.shape, dtype=np.float32) for _ in range(2))
    return np.hypot(image + real, imaginary)


def truth_masks(visit, scan):
    """Returns the true masks of "brain" and "tumour" on the scan's grid, bool, from the middle of each slice."""
    # Clipped alike on both sides, so that the border to what the tumour never reaches lies midway between two voxels.
    tumour = np.clip(visit.tumour, -visit.grid.spacing[0], visit.grid.spacing[0])
    return {
        "brain": visit.sample(visit.brain, scan.grid, scan.pose, FAR_MM) <= 0,
        "tumour": visit.sample(tumour, scan.grid, scan.pose, -FAR_MM) > 0,
    }


def coil_field(draw, shape, size):
    """Returns a smooth positive field whose natural logarithm has mean 0 and standard deviation `size`, float32."""
    bases = [np.cos(np.pi * np.arange(3)[:, None] * (np.arange(count) + 0.5) / count) for count in shape]
    weights = draw.standard_normal((3, 3, 3))
    weights[0, 0, 0] = 0
    field = np.einsum("abc,ai,bj,ck->ijk", weights, *bases, optimize=True)
    return np.exp(field * (size / field.std())).astype(np.float32)


def rotation(angles):
    """Returns the 4x4 rotation about x, then y, then z, by angles in radians."""
    matrix = np.eye(4)
    for axis, angle in enumerate(angles):
        first, second = [other for other in range(3) if other != axis]
        turn = np.eye(4)
        turn[[first, second], [first, second]] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix


def _slices(visit, image, scan):
    """Samples within each slice, averaged: a box profile as wide as the slice."""
    parts = min(int(np.ceil(scan.grid.spacing[2] / PROFILE_MM)), MOST_PARTS)
    shape = (*scan.grid.shape[:2], scan.grid.shape[2] * parts)
    affine = scan.grid.affine @ np.diag([1, 1, 1 / parts, 1])
    # The samples of a slice lie symmetrically about its middle.
    affine[:3, 3] -= affine[:3, 2] * (parts - 1) / 2
    return visit.sample(image, Grid(shape, affine), scan.pose).reshape(*scan.grid.shape, parts).mean(-1)
