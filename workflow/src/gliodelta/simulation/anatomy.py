"""A head: the brain of the MNI152 tissue maps in the nilearn wheel, deformed for each patient, in skull, scalp and air.

Reference: Fonov et al. (2009), Unbiased nonlinear average age-appropriate brain templates, NeuroImage 47, S102.
"""

import dataclasses
import functools
from pathlib import Path

import numpy as np

from gliodelta.simulation.geometry import Grid, box, noise_field, resample
from gliodelta.simulation.seeds import stream

# Signal of each tissue; cerebrospinal fluid on T2 is 1. As radiologists know them: on T2 white matter darker than grey,
# fat bright (fast spin echo), cortical bone and air dark; fluid dark on T1 and FLAIR.
TISSUES = ("white", "grey", "fluid", "bone", "fat", "muscle", "oedema", "tumour")
CONTRASTS = {
    "T2": dict(zip(TISSUES, (0.45, 0.62, 1.0, 0.06, 0.8, 0.25, 0.72, 0.82), strict=True)),
    "T1": dict(zip(TISSUES, (0.8, 0.6, 0.2, 0.06, 1.0, 0.5, 0.6, 0.5), strict=True)),
    "FLAIR": dict(zip(TISSUES, (0.42, 0.55, 0.08, 0.05, 0.6, 0.3, 0.85, 0.9), strict=True)),
}
# The space of a patient in mm, RAS+, origin near the anterior commissure as in MNI152; holds scalp and upper face.
LOW, HIGH = (-93, -130, -100), (93, 105, 106)
# Grid of what is smooth: surfaces and deformations.
COARSE_MM = 3
# Thickness in mm of the fluid between brain and bone, of the bone and of the scalp (adults: 5-8 and 4-7 mm).
FLUID_MM, BONE_MM, SCALP_MM = 1.5, 6.0, 5.5
# Distance to the brain of what lies beyond the template.
FAR_MM = 100
# Ellipsoids (centre, radii) in mm: upper face, neck, skull base; then eyes, and air in the sinuses.
FACE = (((0, 40, -62), (64, 56, 72)), ((0, -28, -95), (58, 60, 70)), ((0, 2, -52), (70, 66, 36)))
EYES = (((-32, 72, -36), (12, 12, 12)), ((32, 72, -36), (12, 12, 12)))
SINUSES = (
    ((0, 68, -62), (22, 22, 20)),
    ((0, 80, -18), (16, 5, 9)),
    ((-38, -30, -48), (6, 10, 12)),
    ((38, -30, -48), (6, 10, 12)),
)


@dataclasses.dataclass(frozen=True)
class Head:
    """One patient's head on `grid`.

    `tissues` maps names of `TISSUES` to fractions 0..1 (float32; the rest of a voxel is air), `depth` is the distance
    in mm to the surface of the closed brain (negative inside), `texture` a multiplicative unevenness around 1.
    """

    grid: Grid
    tissues: dict
    depth: np.ndarray
    texture: np.ndarray


def make_head(settings, subject):
    """Builds the head of one patient.

    Args:
        settings: dict of the schema `simulation`.
        subject: id of the patient; with the seed it decides everything.

    Returns:
        `Head` on a grid of `grid_mm` in the patient's own world.
    """
    draw = stream(settings["seed"], subject, "anatomy")
    grid, coarse = box(LOW, HIGH, settings["grid_mm"]), box(LOW, HIGH, COARSE_MM)
    template, maps = _read_template()
    displacement = _draw_deformation(draw, coarse, settings["deformation_mm"])
    grey, white = (resample(array, template, grid, displacement=displacement, coarse=coarse) for array in maps)
    surface = _brain_surface()
    depth = resample(surface, coarse, grid, displacement=displacement, coarse=coarse, outside=FAR_MM)
    thickness = 1 + 0.15 * resample(noise_field(draw, coarse, 20), coarse, grid)
    texture = 1 + 0.025 * noise_field(draw, grid, 1.5)
    return Head(grid, _fill_tissues(grid, grey, white, depth, thickness), depth, texture)


@functools.cache
def _read_template():
    """The template's grid and its maps of grey and white matter, 0..1."""
    import importlib.util

    import nibabel as nib

    # Found without importing nilearn, which takes 2 s.
    folder = Path(importlib.util.find_spec("nilearn").origin).parent / "datasets" / "data"
    images = [nib.load(folder / f"mni_icbm152_{tissue}_tal_nlin_sym_09a_converted.nii.gz") for tissue in ("gm", "wm")]
    maps = [np.asarray(image.dataobj, np.float32) / 255 for image in images]
    return Grid(images[0].shape, images[0].affine), maps


def _draw_deformation(draw, coarse, size):
    """Displacement [x, y, z, 3] in mm: a smooth random field of standard deviation `size`, and other proportions."""
    # MNI152 is about 6 % longer than people's brains in every direction; these differ by about 3 %.
    scales = draw.normal(0.06, 0.03, 3)
    # 25 mm, wider than a gyrus, so that gyri stay gyri.
    fields = [size * noise_field(draw, coarse, 25) for _ in range(3)]
    return np.stack([a + scale * axis for a, scale, axis in zip(fields, scales, coarse.world(), strict=True)], axis=-1)


@functools.cache
def _brain_surface():
    """Signed distance in mm to the surface of the template's closed brain, on the coarse grid."""
    from scipy import ndimage

    coarse, (template, maps) = box(LOW, HIGH, COARSE_MM), _read_template()
    tissue = resample(maps[0] + maps[1], template, coarse) > 0.4
    margin = ndimage.distance_transform_edt(~tissue, coarse.spacing)
    # Closing by 9 mm bridges the sulci and ventricles, which belong to the brain.
    grown = ndimage.binary_fill_holes(margin <= 9)
    closed = ndimage.distance_transform_edt(grown, coarse.spacing) > 9
    closed |= tissue
    outside = ndimage.distance_transform_edt(~closed, coarse.spacing)
    inside = ndimage.distance_transform_edt(closed, coarse.spacing)
    return ndimage.gaussian_filter((outside - inside).astype(np.float32), 0.7)


def _fill_tissues(grid, grey, white, depth, thickness):
    # The maps average 152 brains; squared fractions give the sharper edges of one.
    shares = [np.square(share) for share in (grey, white, np.clip(1 - grey - white, 0, 1))]
    total = np.maximum(sum(shares), 1e-6)
    inside = _below(depth, 0)
    grey, white, fluid = (share / total * inside for share in shares)
    bone = FLUID_MM + BONE_MM * thickness
    face = np.minimum.reduce([_ellipsoid(grid, *part) for part in FACE])
    skin = np.minimum(depth - bone - SCALP_MM * thickness, face)
    cranium, head = _below(depth, bone), _below(skin, 0)
    fluid = fluid + _below(depth, FLUID_MM) - inside
    eyes = _union(grid, EYES) * (1 - cranium) * head
    air = _union(grid, SINUSES) * (1 - cranium)
    soft = (head - cranium).clip(0) * (1 - eyes) * (1 - air)
    fat = soft * np.maximum(1 - _below(skin, -SCALP_MM * thickness), _below(depth, bone + 4))
    # Marrow between the two tables of the skull gives a little signal.
    middle = np.exp(-np.square((depth - (FLUID_MM + bone) / 2) / 1.2))
    shell = cranium - _below(depth, FLUID_MM)
    return {
        "white": white,
        "grey": grey,
        "fluid": fluid + eyes,
        "bone": shell * (1 - 0.3 * middle),
        "fat": fat + shell * 0.3 * middle,
        "muscle": soft - fat,
    }


def _below(values, limit):
    """Fraction of each voxel where a distance (mm) is below `limit`: a ramp of 1 mm, so that edges are not stairs."""
    return np.clip(limit - values + 0.5, 0, 1).astype(np.float32)


def _ellipsoid(grid, centre, radii):
    """Approximate signed distance in mm to an ellipsoid."""
    parts = zip(grid.world(), centre, radii, strict=True)
    ratio = sum(np.square((axis - middle) / radius) for axis, middle, radius in parts)
    return (np.sqrt(ratio) - 1) * min(radii)


def _union(grid, parts):
    return _below(np.minimum.reduce([_ellipsoid(grid, *part) for part in parts]), 0)
