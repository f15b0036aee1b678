"""The maps of a cohort on one grid in one file, which training reads without unpacking (safetensors, memory-mapped)."""

import hashlib
import json
from functools import partial
from pathlib import Path

from gliodelta import io
from gliodelta.imaging.pair import crop
from gliodelta.imaging.resample import resample
from gliodelta.sheets import pair_id


def sample_maps(maps_table, images, spacing_mm, shape, resize, cache, checksum=None):
    """Brings the included pairs of a cohort to one shape and stacks them in one file.

    The axes run to the patient's right, front and top (RAS). By default maps are resampled to a grid of equal voxels
    (`to_grid`); what it does not reach is cut off, what the map does not reach is 0. The published maps are resized
    instead (`to_shape`).

    Args:
        maps_table: maps.tsv of the cohort.
        images: paths of the pairs' 4-D images (prior, current) from `map_difference`; those not included are left
            unread.
        spacing_mm: voxel size of the grid (right, front, top).
        shape: its three numbers of voxels.
        resize: whether maps are resized to `shape`, whatever their size in mm.
        cache: safetensors file to write; key ``{subject}/{prior}/{current}`` -> float16 (2, X, Y, Z) = (prior,
            current), z-scored.
        checksum: text to write, the cache's SHA-256 as `sha256sum` writes it, or None. Caches are up to 39 GB: whoever
            wants to know only whether one is another need not read it.
    """
    files = {Path(image).name: image for image in images}
    table = io.read_table(maps_table)
    rows = table[table["include"] == "yes"].to_dict("records")
    keys = [f"{row['subject']}/{row['prior']}/{row['current']}" for row in rows]
    found = [files[f"sub-{row['subject']}_pair-{pair_id(row)}_pair.nii.gz"] for row in rows]
    place = partial(to_shape, shape=shape) if resize else partial(to_grid, spacing_mm=spacing_mm, shape=shape)
    content = _write_stack(dict(zip(keys, found, strict=True)), place, shape, cache)
    if checksum:
        io.write_text(f"{content}  {Path(cache).name}\n", checksum)


def _write_stack(files, place, shape, cache):
    """Writes the safetensors format pair by pair, since a cohort on the full grid (35 GB) need not fit in memory.

    Returns the SHA-256 of the file.
    """
    import numpy as np

    size = 2 * int(np.prod(shape)) * np.dtype(np.float16).itemsize
    header = {
        key: {"dtype": "F16", "shape": [2, *shape], "data_offsets": [index * size, (index + 1) * size]}
        for index, key in enumerate(sorted(files))
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    content = hashlib.sha256()
    with io.atomic(cache) as temporary, open(temporary, "wb") as file:

        def write(data):
            file.write(data)
            content.update(data)

        write(len(text).to_bytes(8, "little") + text)
        for key in sorted(files):
            image = io.read_image(files[key])
            pair = place(np.asarray(image.dataobj, np.float32), image.affine)
            write(np.ascontiguousarray(pair, "<f2").tobytes())
    return content.hexdigest()


def to_grid(pair, affine, spacing_mm, shape):
    """Resamples a pair to a RAS grid, centred on its brain, which may lie anywhere in the scanner.

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


def to_shape(pair, affine, shape):
    """Resizes a pair as published: what it shows, with its padding, fills the array whatever its size in mm.

    Each voxel is the mean of those it covers wholly or in part (adaptive average pooling, which MONAI's `Resized` does
    by default; Di Noto et al. 2022, arXiv 2210.09698, public code). Voxels of two patients differ in size, and those of
    a large head are as many as those of a small one.

    Args:
        pair: float32 (X, Y, Z, 2), 0 outside the brain.
        affine: 4x4, voxels to world mm (RAS+); its axes are turned to the nearest of the patient's.
        shape: three numbers of voxels.

    Returns:
        float32 (2, *shape).
    """
    import nibabel
    import numpy as np

    turned = nibabel.apply_orientation(pair, nibabel.io_orientation(affine))
    (image,), _ = crop([turned], turned.any(axis=-1), np.eye(4))
    for axis, after in enumerate(shape):
        image = np.moveaxis(np.tensordot(_pooling(image.shape[axis], after), image, (1, axis)), 0, axis)
    return np.moveaxis(image, -1, 0)


def _pooling(before, after):
    """The matrix (after, before) that averages the voxels that each new one covers."""
    import numpy as np

    edges = np.arange(after + 1) * before / after
    starts, ends = np.floor(edges[:-1]), np.ceil(edges[1:])
    voxels = np.arange(before)
    covered = (voxels >= starts[:, None]) & (voxels < ends[:, None])
    return (covered / covered.sum(axis=1, keepdims=True)).astype(np.float32)


def grid_affine(mask, affine, spacing_mm, shape):
    """Returns the 4x4 affine of the RAS grid whose centre is the centre of the bounding box of `mask`, in world mm."""
    import numpy as np

    world = np.argwhere(mask) @ affine[:3, :3].T + affine[:3, 3]
    centre = (world.min(axis=0) + world.max(axis=0)) / 2
    target = np.diag([*spacing_mm, 1.0])
    target[:3, 3] = centre - np.multiply(spacing_mm, np.subtract(shape, 1)) / 2
    return target
