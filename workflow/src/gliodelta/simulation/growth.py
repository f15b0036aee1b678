"""A glioma: Fisher-KPP growth in white and grey matter, oedema, resection cavity; and a drift that is no tumour.

References: Fisher (1937), The wave of advance of advantageous genes, Ann Eugen 7:355; Harpold, Alvord & Swanson (2007),
The evolution of mathematical modeling of glioma proliferation and invasion, J Neuropathol Exp Neurol 66:1.
"""

import dataclasses

import numpy as np

from gliodelta.simulation.geometry import box, noise_field, resample
from gliodelta.simulation.seeds import stream

# Diffusion (mm^2/day) and growth rate (1/day) of a fast glioma; five times slower in grey matter (Harpold et al.).
WHITE_DIFFUSION, GREY_DIFFUSION, GROWTH_RATE = 0.3, 0.06, 0.03
# The front crosses white matter at 2 sqrt(D rho) mm a day (Fisher).
FRONT_SPEED = 2 * np.sqrt(WHITE_DIFFUSION * GROWTH_RATE)
# Cell density, relative to the capacity of the tissue, from which T2 shows a tumour.
VISIBLE = 0.4
# Oedema fades out over this distance in white matter (mm).
OEDEMA_MM = 7
# Growth is computed in a box of this half width (mm) around the first cell, a litre, far above any tumour. Cells below
# 2 mm would cost minutes and show nothing more.
REACH_MM, FINEST_MM = 50, 2


@dataclasses.dataclass(frozen=True)
class Tumour:
    """When the tumour reaches each voxel of the head's grid, in days of the model (`arrival`; infinite: never).

    `cavity` is the fraction of each voxel that was resected, `order` the finite arrival times sorted: the place of a
    time in it is the tumour's volume then, in voxels of `voxel_ml`.
    """

    arrival: np.ndarray
    cavity: np.ndarray
    order: np.ndarray
    voxel_ml: float

    def depth(self, volume_ml):
        """Returns how deep (mm, about) each voxel lies inside the tumour of `volume_ml`; negative outside."""
        place = min(round(volume_ml / self.voxel_ml), len(self.order) - 1)
        return ((self.order[place] - self.arrival) * FRONT_SPEED).astype(np.float32)


def arrival_times(diffusion, rate, start, spacing, volume_cells):
    """Solves the Fisher-KPP equation ``du/dt = div(D grad u) + rate u (1 - u)`` and notes when u reaches `VISIBLE`.

    Explicit steps in flux form; no flux leaves the array, and none enters cells whose diffusion is 0.

    Args:
        diffusion: D of each cell, mm^2/day, array of any dimension.
        rate: growth rate, 1/day.
        start: bool array, where u begins as 1.
        spacing: cell size in mm along each axis.
        volume_cells: stops when as many cells are visible, or no further one can be.

    Returns:
        float64 array of days, infinite where u stays below `VISIBLE`.
    """
    density = np.where(start, 1.0, 0.0)
    arrival = np.where(start, 0.0, np.inf)
    alive, dims = diffusion > 0, diffusion.ndim
    # A little below the stability limit h^2 / (2 n D), and no more than a tenth of the growth time.
    step = min(0.8 * min(spacing) ** 2 / (2 * dims * diffusion.max()), 0.1 / rate)
    low = [tuple(slice(None, -1) if other == axis else slice(None) for other in range(dims)) for axis in range(dims)]
    high = [tuple(slice(1, None) if other == axis else slice(None) for other in range(dims)) for axis in range(dims)]
    # Harmonic mean: nothing crosses into a cell with D = 0.
    faces = [
        2 * diffusion[a] * diffusion[b] / np.maximum(diffusion[a] + diffusion[b], 1e-12) / size**2
        for a, b, size in zip(low, high, spacing, strict=True)
    ]
    time, wanted = 0.0, min(volume_cells, int(alive.sum()))
    # 20,000 days: a tumour that has not filled its box by then is walled in.
    while time < 20_000 and np.isfinite(arrival).sum() < wanted:
        change = rate * density * (1 - density) * alive
        for a, b, face in zip(low, high, faces, strict=True):
            flux = face * (density[b] - density[a])
            change[a] += flux
            change[b] -= flux
        after = density + step * change
        crossed = (after >= VISIBLE) & ~np.isfinite(arrival)
        arrival[crossed] = time + step * (VISIBLE - density[crossed]) / (after[crossed] - density[crossed])
        density, time = after, time + step
    return arrival


def grow(settings, patient, head):
    """Grows the tumour of one patient to beyond the largest volume of the plan.

    Args:
        settings: dict of the schema `simulation`.
        patient: `plan.Patient`.
        head: `anatomy.Head`.

    Returns:
        `Tumour` on the head's grid.
    """
    draw = stream(settings["seed"], patient.subject, "growth")
    seed = _draw_seed(draw, head, patient.side)
    grid = box(seed - REACH_MM, seed + REACH_MM, max(settings["grid_mm"], FINEST_MM))
    white, grey, depth = (
        resample(part, head.grid, grid) for part in (head.tissues["white"], head.tissues["grey"], head.depth)
    )
    diffusion = np.where(white + grey > 0.5, WHITE_DIFFUSION * white + GREY_DIFFUSION * grey, 0) * (depth < 0)
    # Uneven tissue makes uneven borders: D differs by half an order of magnitude either way within a centimetre.
    diffusion = diffusion * 3 ** noise_field(draw, grid, 8).clip(-1, 1)
    start = np.zeros(grid.shape, bool)
    start[tuple(size // 2 for size in grid.shape)] = True
    largest = max(exam.volume_ml for exam in patient.exams)
    cavity = np.zeros(grid.shape, np.float32)
    if patient.resected:
        # The cavity is the tumour as it was, a fifth to a half of its later size; a part of its border was left.
        cells = int(draw.uniform(0.2, 0.5) * largest / grid.voxel_ml)
        first = arrival_times(diffusion, GROWTH_RATE, start, grid.spacing, cells)
        removed = np.isfinite(first)
        cavity, start = _smooth(removed), _rest(draw, removed, diffusion > 0)
        diffusion = np.where(removed, 0, diffusion)
    # Half more than needed: the arrival times around the largest tumour feed its oedema.
    arrival = arrival_times(diffusion, GROWTH_RATE, start, grid.spacing, int(1.5 * largest / grid.voxel_ml))
    return _on_head(arrival, cavity, grid, head)


def _draw_seed(draw, head, side):
    """A point of white matter (mm), 15 to 40 mm below the surface, in one hemisphere, above the temporal base."""
    x, _, z = head.grid.world()
    where = (head.tissues["white"] > 0.7) & (head.depth < -15) & (head.depth > -40) & (z > -15)
    where &= (x > 15) if side == "right" else (x < -15)
    places = np.argwhere(where)
    return (head.grid.affine @ [*places[draw.integers(len(places))], 1])[:3]


def _smooth(mask):
    from scipy import ndimage

    return ndimage.gaussian_filter(mask.astype(np.float32), 0.6)


def _rest(draw, removed, tissue):
    """Tumour left by the surgeon: the cells beside the cavity on a random half of its border."""
    from scipy import ndimage

    border = ndimage.binary_dilation(removed) & ~removed & tissue
    places = np.argwhere(border)
    side = (places - places.mean(0)) @ draw.standard_normal(3)
    rest = np.zeros_like(border)
    rest[tuple(places[side >= np.median(side)].T)] = True
    return rest


def _on_head(arrival, cavity, grid, head):
    """The growth box carried over to the head's grid: linear in time, so that borders are smooth."""
    never = np.isinf(arrival)
    last = arrival[~never].max()
    # One cell beyond the last front stands for what was not reached.
    filled = np.where(never, last + grid.spacing[0] / FRONT_SPEED, arrival).astype(np.float32)
    arrival = resample(filled, grid, head.grid, outside=filled.max())
    cavity = resample(cavity, grid, head.grid)
    arrival[(cavity > 0.5) | (head.depth > 0)] = np.inf
    arrival[arrival >= last] = np.inf
    return Tumour(arrival, cavity, np.sort(arrival[np.isfinite(arrival)]), head.grid.voxel_ml)


def ventricle_drift(head, coarse):
    """Returns the direction in which the walls of the ventricles retreat with age, the slow change that is no tumour.

    Args:
        head: `anatomy.Head`.
        coarse: `geometry.Grid` of the answer.

    Returns:
        [x, y, z, 3], longest vector 1, on `coarse`: sampling at p + d * field(p) widens the ventricles by about d mm.
    """
    from scipy import ndimage

    fluid, depth = resample(head.tissues["fluid"], head.grid, coarse), resample(head.depth, head.grid, coarse)
    # Fluid more than 30 mm below the surface is ventricle; the insula's cistern lies less deep.
    ventricles = np.where(depth < -30, fluid, 0)
    pull = np.stack(np.gradient(ndimage.gaussian_filter(ventricles, 6 / coarse.spacing)), axis=-1)
    return pull / np.linalg.norm(pull, axis=-1).max()
