"""The maps of a cohort on one grid in one file, which training reads without unpacking (safetensors, memory-mapped)."""

import json
from pathlib import Path

from gliodelta import io
from gliodelta.imaging.resample import resample
from gliodelta.sheets import pair_id


def sample_maps(maps_table, images, spacing_mm, shape, cache):
    """Resamples the included pairs of a cohort to a grid of equal voxels and stacks them in one file.

    The grid's axes run to the patient's right, front and top (RAS); its centre is the centre of the brain's bounding
    box, so that the brain may lie anywhere in the scanner. What the grid does not reach is cut off; what the map does
    not reach is 0.

    Args:
        maps_table: maps.tsv of the cohort.
        images: paths of the pairs' 4-D images (prior, current) from `map_difference`; those not included are left
            unread.
        spacing_mm: voxel size of the grid (right, front, top).
        shape: its three numbers of voxels.
        cache: safetensors file to write; key ``{subject}/{prior}/{current}`` -> float16 (2, X, Y, Z) = (prior,
            current), z-scored.
    """
    files = {Path(image).name: image for image in images}
    table = io.read_table(maps_table)
    rows = table[table["include"] == "yes"].to_dict("records")
    keys = [f"{row['subject']}/{row['prior']}/{row['current']}" for row in rows]
    found = [files[f"sub-{row['subject']}_pair-{pair_id(row)}_pair.nii.gz"] for row in rows]
    _write_stack(dict(zip(keys, found, strict=True)), spacing_mm, shape, cache)


def _write_stack(files, spacing_mm, shape, cache):
    """Writes the safetensors format pair by pair: a cohort on the full grid (35 GB) need not fit in memory."""
    import numpy as np

    size = 2 * int(np.prod(shape)) * np.dtype(np.float16).itemsize
    header = {
        key: {"dtype": "F16", "shape": [2, *shape], "data_offsets": [index * size, (index + 1) * size]}
        for index, key in enumerate(sorted(files))
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with io.atomic(cache) as temporary, open(temporary, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for key in sorted(files):
            image = io.read_image(files[key])
            pair = to_grid(np.asarray(image.dataobj, np.float32), image.affine, spacing_mm, shape)
            file.write(np.ascontiguousarray(pair, "<f2").tobytes())


def to_grid(pair, affine, spacing_mm, shape):
    """Resamples a pair to a RAS grid centred on its brain.

    Args:
        pair: float32 (X, Y, Z, 2), 0 outside the brain.
        affine: 4x4, voxels to world mm (RAS+), in any orientation.
        spacing_mm, shape: the grid.

    Returns:
        float32 (2, *shape).
    """
    import numpy as np
    from scipy import ndimage

    target = grid_affine(pair.any(axis=-1), affine, spacing_mm, shape)
    # Where the grid is coarser, voxels see the mean of their surroundings: the Gaussian that turns a point spread of
    # the old width into one of the new (Cardoso et al. 2015, "Scale factor point spread function matching").
    ratio = np.abs(np.linalg.inv(affine)[:3, :3]) @ spacing_mm
    sigma = np.sqrt(np.maximum(ratio**2 - 1, 0) / (8 * np.log(2)))
    smooth = (ndimage.gaussian_filter(pair[..., exam], sigma, mode="constant", truncate=3) for exam in range(2))
    return np.stack([resample(exam, affine, np.eye(4), shape, target) for exam in smooth])


def grid_affine(mask, affine, spacing_mm, shape):
    """Returns the 4x4 affine of the RAS grid whose centre is the centre of the bounding box of `mask`, in world mm."""
    import numpy as np

    world = np.argwhere(mask) @ affine[:3, :3].T + affine[:3, 3]
    centre = (world.min(axis=0) + world.max(axis=0)) / 2
    target = np.diag([*spacing_mm, 1.0])
    target[:3, 3] = centre - np.multiply(spacing_mm, np.subtract(shape, 1)) / 2
    return target
