"""Random changes of a pair before its difference is taken.

Both exams get the same geometry, since they are registered to each other, and independent intensities, since they come
from two scans. Published (Di Noto et al. 2022): the same probability, but on the difference map, with flips of all axes
at once and elastic moves of 50 to 150 voxels, which no head makes.
"""

import math

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
# Gain of each exam against the other, as a fraction; z-scoring removes most of it.
GAIN = 0.1
# Published standard deviation, in units of the z-scored brain.
NOISE = 0.1


def augment(pairs, generator, size_mm):
    """Changes each pair at random, each kind of change with probability `PROBABILITY`.

    Args:
        pairs: float tensor [N, 2, X, Y, Z] (prior, current), 0 outside the brain, X from left to right or back.
        generator: torch.Generator on the device of `pairs`; the only source of randomness.
        size_mm: extent of the grid (X, Y, Z) in mm.

    Returns:
        A new tensor of the same shape.
    """
    import torch

    pairs = pairs.clone()
    changes = (flip, warp, rescale, add_noise)
    draws = torch.rand(len(changes), len(pairs), generator=generator, device=pairs.device) < PROBABILITY
    for change, chosen in zip(changes, draws, strict=True):
        if chosen.any():
            pairs[chosen] = change(pairs[chosen], generator, size_mm)
    return pairs


def flip(pairs, generator, size_mm):
    """Swaps left and right, the one symmetry that heads have."""
    return pairs.flip(2)


def warp(pairs, generator, size_mm):
    """Rotates, scales, shifts and bends both exams alike, in a single linear interpolation."""
    import torch
    from torch.nn.functional import grid_sample, interpolate

    count, shape, device = len(pairs), pairs.shape[2:], pairs.device

    def uniform(*size):
        return 2 * torch.rand(*size, generator=generator, device=device) - 1

    half = torch.tensor(size_mm, dtype=torch.float32, device=device) / 2
    axes = [((torch.arange(n, device=device) + 0.5) * 2 / n - 1) * h for n, h in zip(shape, half, strict=True)]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    matrix = torch.linalg.matrix_exp(_skew(ROTATION * uniform(count, 3))) * (1 + ZOOM * uniform(count, 1, 1))
    shift = TRANSLATION_MM * uniform(count, 1, 1, 1, 3)
    control = torch.randn(count, 3, *[CONTROL_POINTS] * 3, generator=generator, device=device)
    bend = interpolate(ELASTIC_MM * control, size=tuple(shape), mode="trilinear", align_corners=True)
    points = torch.einsum("nij,xyzj->nxyzi", matrix, points) + shift + bend.permute(0, 2, 3, 4, 1)
    # grid_sample counts axes from the last one and from -1 to 1.
    return grid_sample(pairs, (points / half).flip(-1), align_corners=False)


def rescale(pairs, generator, size_mm):
    """Multiplies each exam by a gain of its own."""
    import torch

    gain = 2 * torch.rand(*pairs.shape[:2], 1, 1, 1, generator=generator, device=pairs.device) - 1
    return pairs * (1 + GAIN * gain)


def add_noise(pairs, generator, size_mm):
    """Adds Gaussian noise to each exam, inside the brain only: outside there is nothing to learn."""
    import torch

    noise = torch.randn(pairs.shape, generator=generator, device=pairs.device)
    return pairs + NOISE * noise * (pairs != 0)


def _skew(vectors):
    """Cross-product matrices [N, 3, 3] of `vectors` [N, 3]; their exponentials are rotations by these angles."""
    import torch

    x, y, z = vectors.unbind(1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).view(-1, 3, 3)
