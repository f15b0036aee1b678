"""Two exams of one patient with everything known: the scenes that the tests of `imaging` share.

    pair = cases.pair(bias="coil", lesion_ml=(20, 40))      # a current and a prior exam of a deformed head with skull
    pair.current.image, pair.current.affine                 # what a scanner gives (bias, Rician noise)
    pair.current.clean, pair.current.field                  # the same without bias and noise, and its bias field
    pair.current.brain, pair.current.lesion                 # true masks on the exam's own grid
    pair.truth                                              # 4x4, world mm of current -> world mm of prior
    pair.changed                                            # voxels of current whose tissue changed since prior
    cases.target_error(matrix, pair)                        # mean error in mm inside the brain
    cases.pair(**cases.CASES["resected"])                   # the named scenes that every engine is tested on

Heads are those of `gliodelta.simulation.anatomy`, another one for each `seed`. The last pairs are kept, so that tests
share them; their arrays are read-only. A pair at the default spacing takes a second, the first one of a seed four, one
at clinical resolution (`CLINICAL`, `ISOTROPIC`) half a minute.
"""

import dataclasses
import functools

import numpy as np

from gliodelta.simulation import acquisition, anatomy, growth
from gliodelta.simulation.geometry import Grid, box, noise_field, resample
from gliodelta.simulation.seeds import stream

# What hospitals send, for measurements; tests use voxels that are quick.
CLINICAL = dict(spacing=(0.6, 0.6, 3.3), shape=(310, 387, 43), head_mm=1.0)
ISOTROPIC = dict(spacing=(1.0, 1.0, 1.0), shape=(240, 240, 155), head_mm=1.0)
COARSE = (2.0, 2.0, 4.0)
# Middle and extent in mm of the field of view: the whole brain and the scalp around it.
CENTRE, EXTENT = (0, -16, 14), (190, 232, 160)
# Deep white matter beside the ventricle; room for 60 ml without leaving the brain.
DEEP = (32, -25, 25)
# Standard deviation in the brain of the log of a bias field: a mild one, a strong one, a coil array near the head.
BIAS = {"none": 0.0, "mild": 0.09, "strong": 0.27, "coil": 0.2}
# Scanner units of fluid in the two exams; no two sessions have the same gain.
PRIOR_GAIN, CURRENT_GAIN = 300, 435

# The stresses of the registration bar; each is one line of difference from two plain exams.
CASES = {
    "plain": {},
    "mild-bias": dict(bias="mild"),
    "coil": dict(bias="coil", residual_mm=0.84),
    "gamma": dict(bias="mild", gamma=0.55),
    "lost-slices": dict(bias="mild", lost_mm=33),
    "turned": dict(bias="mild", turn_degrees=30, shift_mm=40),
    "growing": dict(bias="mild", lesion_ml=(10, 60)),
    "resected": dict(bias="mild", lesion_ml=(60, 0), resected=True),
}


@dataclasses.dataclass(frozen=True)
class Exam:
    """One exam: float32 `image`, `clean` and `field`, bool `brain` and `lesion` (tumour or cavity), 4x4 `affine`."""

    image: np.ndarray
    clean: np.ndarray
    field: np.ndarray
    brain: np.ndarray
    lesion: np.ndarray
    affine: np.ndarray


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two exams, the true 4x4 `truth` (world mm of current to world mm of prior), bool `changed` on current's grid."""

    prior: Exam
    current: Exam
    truth: np.ndarray
    changed: np.ndarray


# Sixteen pairs of quick voxels take 300 MB.
@functools.lru_cache(maxsize=16)
def pair(
    seed=0,
    spacing=COARSE,
    shape=None,
    prior_spacing=None,
    bias="none",
    noise=0.02,
    gamma=1.0,
    contrast="T2",
    lost_mm=0,
    turn_degrees=0,
    shift_mm=0,
    lesion_ml=(0, 0),
    lesion_at=DEEP,
    resected=False,
    residual_mm=0,
    degrees=4,
    translation_mm=8,
    scale=0.02,
    head_mm=1.5,
):
    """Makes two exams of one patient; all arguments are hashable, so that equal calls give the very same pair.

    Args:
        seed: the patient, and all that is drawn.
        spacing, shape: voxel size in mm (slices are along z and have a box profile) and number of voxels of both exams;
            without `shape` the field of view is `EXTENT`.
        prior_spacing: that of the prior exam, when it is another one.
        bias: key of `BIAS`; another field in each exam: quadratic, or of eight coils, which is no polynomial.
        noise: standard deviation in each channel of the Rician noise; fluid is 1.
        gamma, contrast: exponent of the prior exam's signal, and its contrast (a key of `anatomy.CONTRASTS`).
        lost_mm: how much of its lowest slices the prior exam lacks.
        turn_degrees, shift_mm: a further pose of the prior exam's header, about a drawn axis, in a drawn direction.
        lesion_ml, lesion_at: volume of the tumour in (prior, current), 0 for none, and its middle in the patient's mm.
        resected: whether the tumour of the prior exam is a cavity in the current one.
        residual_mm: root mean square over the brain of a smooth deformation between the exams that has no affine part.
        degrees, translation_mm, scale: size of the affine transform between the exams: its rotation, the largest shift
            along an axis, the standard deviation of stretch and shear. All 0: the same place.
        head_mm: voxel size of the anatomy itself.

    Returns:
        `Pair`.
    """
    head = _head(seed, head_mm)
    coarse = box(anatomy.LOW, anatomy.HIGH, anatomy.COARSE_MM)
    drift = _residual(seed, head, coarse, residual_mm) if residual_mm else None
    tumours = _tumours(seed, head, lesion_ml, lesion_at, resected)
    before = _visit(head, tumours[0], lesion_ml[0], None, coarse)
    after = _visit(head, tumours[1], lesion_ml[1], drift, coarse)
    draw = stream(seed, "pose")
    current_pose = _affine(draw, degrees / 2, translation_mm / 4, 0)
    prior_pose = _affine(draw, degrees, translation_mm, scale)
    scans = _scan(prior_pose, prior_spacing or spacing, shape), _scan(current_pose, spacing, shape)
    prior = _acquire(seed, "prior", before, tumours[0], scans[0], before.signal(contrast), gamma, bias, noise)
    current = _acquire(seed, "current", after, tumours[1], scans[1], after.signal("T2"), 1, bias, noise)
    # A tenth of fluid's brightness: what a reader sees, five times the usual noise.
    changed = after.sample(np.abs(after.signal("T2") - before.signal("T2")), scans[1].grid, current_pose) > 0.1
    if lost_mm:
        prior = _without_lowest(prior, lost_mm)
    further = _affine(stream(seed, "turn"), turn_degrees, 0, 0)
    direction = stream(seed, "shift").standard_normal(3)
    further[:3, 3] = shift_mm * direction / np.linalg.norm(direction)
    prior["affine"] = further @ prior["affine"]
    truth = further @ prior_pose @ np.linalg.inv(current_pose)
    exams = [_exam(prior, PRIOR_GAIN), _exam(current, CURRENT_GAIN)]
    return Pair(*exams, _read_only(truth), _read_only(changed))


def target_error(matrix, pair, truth=None):
    """Returns how far `matrix` and the truth put the points of the brain apart, in mm, on average.

    Args:
        matrix: 4x4, world mm of the current exam to world mm of the prior one.
        pair: `Pair`; its lesion and what changed do not count.
        truth: another matrix to compare with.
    """
    points = np.argwhere(pair.current.brain & ~pair.current.lesion & ~pair.changed)
    # 20,000 points know the mean to a hundredth of its spread.
    points = points[:: max(1, len(points) // 20_000)] @ pair.current.affine[:3, :3].T + pair.current.affine[:3, 3]
    difference = matrix - (pair.truth if truth is None else truth)
    return float(np.linalg.norm(points @ difference[:3, :3].T + difference[:3, 3], axis=1).mean())


@functools.lru_cache(maxsize=2)
def _head(seed, head_mm):
    return anatomy.make_head({"seed": seed, "grid_mm": head_mm, "deformation_mm": 3}, "case")


def _visit(head, tumour, volume_ml, drift, coarse):
    if tumour is not None:
        return acquisition.visit(head, tumour, volume_ml, drift, coarse)
    nothing = np.full(head.grid.shape, -anatomy.FAR_MM, np.float32)
    return acquisition.Visit(head.grid, head.tissues, head.texture, head.depth, nothing, drift, coarse)


def _tumours(seed, head, lesion_ml, middle, resected):
    """The tumour at the prior and at the current exam, None where there is none."""
    if not any(lesion_ml):
        return None, None
    tumour = _tumour(seed, head, middle)
    if not resected:
        return tuple(tumour if volume else None for volume in lesion_ml)
    cavity = np.clip(tumour.depth(lesion_ml[0]) + 0.5, 0, 1)
    return tumour, dataclasses.replace(tumour, cavity=cavity)


def _tumour(seed, head, middle):
    """A tumour that spreads in an uneven ball from `middle` and stops at the brain's surface."""
    distance = np.sqrt(sum(np.square(axis - place) for axis, place in zip(head.grid.world(), middle, strict=True)))
    arrival = distance * np.exp(0.15 * noise_field(stream(seed, "lesion"), head.grid, 8)) / growth.FRONT_SPEED
    arrival[head.depth > 0] = np.inf
    order = np.sort(arrival[np.isfinite(arrival)])
    return growth.Tumour(arrival, np.zeros(head.grid.shape, np.float32), order, head.grid.voxel_ml)


def _residual(seed, head, coarse, size):
    """Displacement [x, y, z, 3] in mm: smooth, its best affine fit over the brain removed, `size` root mean square."""
    draw = stream(seed, "residual")
    field = np.stack([noise_field(draw, coarse, 25) for _ in range(3)], axis=-1)
    brain = resample(head.depth, head.grid, coarse, outside=anatomy.FAR_MM) < 0
    world = np.stack(np.broadcast_arrays(*coarse.world(), np.float32(1)), axis=-1)
    fit, *_ = np.linalg.lstsq(world[brain].astype(float), field[brain].astype(float), rcond=None)
    field = field - world @ fit
    return (field * (size / np.sqrt(np.square(field[brain]).sum(-1).mean()))).astype(np.float32)


def _affine(draw, degrees, mm, scale):
    """A 4x4 affine: `degrees` about a drawn axis, up to `mm` along each axis, stretch and shear of `scale`."""
    from scipy.spatial.transform import Rotation

    axis, matrix = draw.standard_normal(3), np.eye(4)
    turn = Rotation.from_rotvec(np.radians(degrees) * axis / np.linalg.norm(axis)).as_matrix()
    matrix[:3, :3] = turn @ (np.eye(3) + draw.normal(0, scale / np.sqrt(2), (3, 3)))
    matrix[:3, 3] = draw.uniform(-mm, mm, 3)
    return matrix


def _scan(pose, spacing, shape):
    spacing = np.array(spacing, float)
    shape = np.array(shape or np.ceil(np.array(EXTENT) / spacing)).astype(int)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = (pose @ [*CENTRE, 1])[:3] - spacing * (shape - 1) / 2
    return acquisition.Scan(pose, Grid(tuple(int(size) for size in shape), affine))


def _acquire(seed, name, visit, tumour, scan, signal, gamma, bias, noise):
    """One exam as a dict of what `Exam` holds, before its gain."""
    draw = stream(seed, name)
    clean = acquisition.acquire(visit, signal, scan, draw, bias=0, noise=0) ** np.float32(gamma)
    masks = acquisition.truth_masks(visit, scan)
    lesion = masks["tumour"]
    if tumour is not None:
        lesion = lesion | (visit.sample(tumour.cavity, scan.grid, scan.pose) > 0.5)
    field = _field(draw, scan.grid, masks["brain"], bias)
    real, imaginary = noise * draw.standard_normal((2, *scan.grid.shape), np.float32)
    image = np.hypot(clean * field + real, imaginary)
    return dict(image=image, clean=clean, field=field, brain=masks["brain"], lesion=lesion, affine=scan.grid.affine)


def _field(draw, grid, brain, kind):
    """A positive field with log mean 0 and log standard deviation `BIAS[kind]` inside the brain."""
    if kind == "none":
        return np.ones(grid.shape, np.float32)
    unit = np.meshgrid(*(np.linspace(-1, 1, size, dtype=np.float32) for size in grid.shape), indexing="ij", sparse=True)
    if kind == "coil":
        log = _coils(draw, grid)
    else:
        terms = [*unit, *(unit[i] * unit[j] for i in range(3) for j in range(i, 3))]
        log = sum(weight * term for weight, term in zip(draw.standard_normal(9).astype(np.float32), terms, strict=True))
    log = np.broadcast_to(log, grid.shape)
    inside = log[brain]
    return np.exp((log - inside.mean()) * (BIAS[kind] / inside.std())).astype(np.float32)


def _coils(draw, grid):
    """Log of the root of the sum of squares of eight loops around the head, each with its own gain."""
    world, middle = grid.world(), grid.affine[:3, :3] @ (np.array(grid.shape) - 1) / 2 + grid.affine[:3, 3]
    total = 0
    for index in range(8):
        angle, height = 2 * np.pi * (index + draw.uniform()) / 8, draw.uniform(-40, 60)
        place = middle + np.array([125 * np.cos(angle), 145 * np.sin(angle), height])
        square = sum(np.square(axis - float(centre)) for axis, centre in zip(world, place, strict=True))
        # On its axis a loop of radius R falls off as (R^2 + d^2)^(-3/2) (Biot & Savart); R is 60 mm here.
        total = total + draw.uniform(0.5, 1.5) * (60**2 + square) ** -3
    return (np.log(total) / 2).astype(np.float32)


def _without_lowest(exam, lost_mm):
    """The exam without its lowest slices inside the brain: as if planned `lost_mm` too high."""
    affine = exam["affine"].copy()
    lowest = np.argwhere(exam["brain"].any(axis=(0, 1)))[0, 0]
    lost = lowest + round(lost_mm / affine[2, 2])
    affine[:3, 3] += lost * affine[:3, 2]
    return {key: value[..., lost:] for key, value in exam.items() if key != "affine"} | {"affine": affine}


def _exam(parts, gain):
    parts = parts | {"image": gain * parts["image"], "clean": gain * parts["clean"]}
    return Exam(**{key: _read_only(value) for key, value in parts.items()})


def _read_only(array):
    array = np.ascontiguousarray(array)
    array.setflags(write=False)
    return array
