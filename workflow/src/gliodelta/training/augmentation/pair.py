"""Changes that two registered exams of one head can show, each with the published probability.

Both exams get the same geometry, for they are registered to each other, but for a small error of that registration;
each gets a gain, a bias field and noise of its own, for they come from two scans. Published (Di Noto et al. 2022):
changes of the difference map, with flips of all axes at once and elastic moves of 50 to 150 voxels, which no head
makes; see `published`.
"""

import math

import torch
from torch.nn.functional import grid_sample

# Published probability of each change.
PROBABILITY = 0.2
# Heads lie in the scanner a few degrees askew, and a brain's centre is known to a few mm.
ROTATION = math.radians(10)
TRANSLATION_MM = 5
# Published 0.7 to 1.3 on arrays of unknown scale; in mm adult brains differ by about a tenth in length.
ZOOM = 0.1
# Anatomy differs smoothly by some mm between heads: control points about 30 mm apart, standard deviation 3 mm.
CONTROL_POINTS = 6
ELASTIC_MM = 3
# Largest errors of registration along and about each axis. The workflow's own engine errs by 0.08 mm where it is sure,
# and pairs with a residual of up to 1.4 mm pass its check: these move no voxel within 70 mm of the grid's centre by
# more than sqrt(3) * (0.4 mm + 70 mm * 0.34 degrees) = 1.4 mm, and the brain's by 0.5 mm (root mean square).
MISREGISTRATION_MM = 0.4
MISREGISTRATION_ROTATION = math.radians(0.34)
# Gain of each exam against the other, as a fraction; z-scoring removes most of it.
GAIN = 0.1
# Standard deviation, over the grid, of the logarithm of the field that bias correction leaves; it is 0.05 over a brain
# that fills the grid. Of simulated fields of 0.09, the workflow's N4 finds a part that correlates by 0.75 to 0.86 with
# the truth, so that 0.05 to 0.06 remains.
BIAS = 0.07
# Up to one period over the grid: coils vary no faster.
BIAS_ORDER = 2
# Published standard deviation, in units of the z-scored brain.
NOISE = 0.1
# Planes of the grid that are interpolated at a time: what they need stays in the processor's cache (0.50 s a pair of
# 310 x 388 x 48 voxels on one core, all planes at once 0.87 s), and the cores share them.
PLANES = 16
# The order in which they are drawn, and made.
CHANGES = ("flip", "warp", "misregister", "gain", "bias", "noise")


def augment(pairs, generator, size_mm):
    """Changes each pair at random, each kind of change with probability `PROBABILITY`.

    Args:
        pairs: float tensor [N, 2, X, Y, Z] (prior, current), 0 outside the brain, X from left to right or back.
        generator: torch.Generator on the device of `pairs`; the only source of randomness.
        size_mm: extent of the grid (X, Y, Z) in mm.

    Returns:
        A new tensor of the same shape, 0 outside the brain; of misregistered exams, outside what both show of it.
    """
    chosen = torch.rand(len(pairs), len(CHANGES), generator=generator, device=pairs.device) < PROBABILITY
    return change(pairs, chosen.tolist(), generator, size_mm)


def change(pairs, chosen, generator, size_mm):
    """Makes the chosen changes: for each pair, `chosen` has one bool for each of `CHANGES`; the rest is as above."""
    changed = []
    for pair, row in zip(pairs, chosen, strict=True):
        drawn = {name for name, hit in zip(CHANGES, row, strict=True) if hit}
        # Left and right, the one symmetry that heads have.
        pair = pair.flip(1) if "flip" in drawn else pair
        if drawn & {"warp", "misregister"}:
            pair = move(pair, drawn, generator, size_mm)
        if "gain" in drawn:
            pair = pair * (1 + GAIN * _uniform(generator, 2, 1, 1, 1))
        if "bias" in drawn:
            pair = pair * torch.stack([bias_field(pair.shape[1:], generator) for _ in pair])
        if "noise" in drawn:
            # Inside the brain only: outside there is nothing to learn.
            pair = pair + _normal(generator, *pair.shape).mul_(NOISE * (pair != 0))
        changed.append(pair)
    return torch.stack(changed)


def move(pair, drawn, generator, size_mm):
    """Warps both exams alike, misregisters the prior, or both, by one linear interpolation of each exam."""
    points = control_points(pair.shape[1:], size_mm).to(pair.device)
    if "warp" in drawn:
        points = warp(points, generator)
    if "misregister" not in drawn:
        return sample(pair, points, size_mm)
    prior = sample(pair[:1], misregister(points, generator), size_mm)
    current = sample(pair[1:], points, size_mm) if "warp" in drawn else pair[1:]
    # As in the difference maps of the workflow, what only one exam shows is cut away.
    return torch.cat([prior, current]) * ((prior != 0) & (current != 0))


def control_points(shape, size_mm):
    """Places [3, P, P, P] in mm from the grid's centre, evenly from its first to its last voxel along each axis.

    What becomes of a voxel follows linearly from what becomes of the control points around it. That is exact for all
    affine maps, so that maps are composed at these few points and the exams interpolated once.
    """
    ends = [(1 - 1 / count) * extent / 2 for count, extent in zip(shape, size_mm, strict=True)]
    return torch.stack(torch.meshgrid(*[torch.linspace(-end, end, CONTROL_POINTS) for end in ends], indexing="ij"))


def warp(points, generator):
    """Rotates, scales, shifts and bends places [3, ...] in mm at random."""
    moved = rigid(points, ROTATION * _uniform(generator, 3), TRANSLATION_MM * _uniform(generator, 3))
    return moved * (1 + ZOOM * _uniform(generator, 1)) + ELASTIC_MM * _normal(generator, *points.shape)


def misregister(points, generator):
    """Moves places [3, ...] in mm as an error of registration does."""
    angles = MISREGISTRATION_ROTATION * _uniform(generator, 3)
    return rigid(points, angles, MISREGISTRATION_MM * _uniform(generator, 3))


def rigid(points, angles, shift):
    """Turns places [3, ...] about the axis `angles` [3] by its length in radians, then adds `shift` [3]."""
    x, y, z = angles
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero]).view(3, 3)
    return torch.tensordot(torch.linalg.matrix_exp(cross), points, dims=1) + shift.view(3, 1, 1, 1)


def sample(exams, points, size_mm):
    """Values of `exams` [E, X, Y, Z] at the places that the control points say, linearly interpolated, 0 outside."""
    extent = torch.tensor(size_mm, dtype=points.dtype, device=points.device).view(3, 1, 1, 1)
    # grid_sample counts axes from the last one, and each from -1 to 1.
    points = (2 * points / extent).flip(0)
    bases = [_hats(size).to(points.device) for size in exams.shape[1:]]
    sampled = torch.empty_like(exams)
    for rows, planes in zip(bases[0].split(PLANES), sampled.split(PLANES, dim=1), strict=True):
        grid = _product(points, (rows, *bases[1:])).permute(1, 2, 3, 0)
        # Each plane is an item of a batch, for on a CPU cores share items only.
        values = grid_sample(exams.expand(len(rows), *exams.shape), grid.unsqueeze(1), align_corners=False)
        planes.copy_(values.squeeze(2).transpose(0, 1))
    return sampled


def bias_field(shape, generator):
    """Returns a smooth positive field [X, Y, Z], whose logarithm is a random sum of slow cosines.

    They are orthogonal and of mean square 1 on the grid, and their coefficients independent and normal, so that the
    logarithm's mean square over the grid is BIAS^2 on average over fields.
    """
    bases = [_cosines(size).to(generator.device) for size in shape]
    order = torch.arange(BIAS_ORDER + 1, device=generator.device)
    order = order.view(-1, 1, 1) + order.view(-1, 1) + order
    # A constant is a gain.
    terms = (order > 0) & (order <= BIAS_ORDER)
    coefficients = BIAS / terms.sum().sqrt() * terms * _normal(generator, *terms.shape)
    return _product(coefficients, bases).exp_()


def _hats(size):
    """Shares [size, P] that the control points have in each voxel of an axis."""
    places = torch.linspace(0, CONTROL_POINTS - 1, size).view(-1, 1)
    return (1 - (places - torch.arange(CONTROL_POINTS)).abs()).clamp(min=0)


def _cosines(size):
    """Cosines [size, BIAS_ORDER + 1] of 0, 1/2, ... periods along an axis, orthogonal, with mean square 1."""
    orders = torch.arange(BIAS_ORDER + 1)
    waves = torch.cos(math.pi * orders * (torch.arange(size).view(-1, 1) + 0.5) / size)
    return waves * torch.where(orders > 0, math.sqrt(2), 1)


def _product(coefficients, bases):
    """Sums of products of functions of one axis each: coefficients [..., A, B, C], bases [X, A], [Y, B] and [Z, C]."""
    x, y, z = bases
    lines = torch.einsum("zc,...abc->...abz", z, coefficients)
    return torch.einsum("xa,...ayz->...xyz", x, torch.einsum("yb,...abz->...ayz", y, lines))


def _uniform(generator, *size):
    return 2 * torch.rand(size, generator=generator, device=generator.device) - 1


def _normal(generator, *size):
    return torch.randn(size, generator=generator, device=generator.device)
