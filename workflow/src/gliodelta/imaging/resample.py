"""From an image's own grid to another, through world coordinates in mm: one linear interpolation, or block means."""


def resample(moving, moving_affine, matrix, fixed_shape, fixed_affine, order=1):
    """Resamples a volume onto another grid; what lies outside its field of view becomes 0.

    Args:
        moving: array of 3 dimensions.
        moving_affine: 4x4, its voxels to world mm (RAS+).
        matrix: 4x4, world mm of the fixed grid to world mm of `moving`; the identity when nothing moved.
        fixed_shape: three numbers of voxels.
        fixed_affine: 4x4, voxels of the fixed grid to world mm.
        order: 1 for linear, 0 for the nearest neighbour (masks).

    Returns:
        float32 array of `fixed_shape`.
    """
    import numpy as np
    import SimpleITK as sitk

    # All in voxel indices: SimpleITK then needs neither origin nor direction, and its LPS world never enters.
    voxels = np.linalg.inv(moving_affine) @ matrix @ fixed_affine
    if np.allclose(voxels[:3, :3], np.eye(3), atol=1e-9) and np.allclose(voxels[:3, 3], np.rint(voxels[:3, 3])):
        return _shifted(np.asarray(moving, np.float32), np.rint(voxels[:3, 3]).astype(int), fixed_shape)
    # SimpleITK reads an array as z, y, x; the transpose of a float32 array costs one copy.
    image = sitk.GetImageFromArray(np.ascontiguousarray(np.asarray(moving, np.float32).T))
    engine = sitk.ResampleImageFilter()
    engine.SetSize([int(length) for length in fixed_shape])
    engine.SetTransform(sitk.AffineTransform(voxels[:3, :3].ravel().tolist(), voxels[:3, 3].tolist()))
    engine.SetInterpolator(sitk.sitkLinear if order else sitk.sitkNearestNeighbor)
    engine.SetNumberOfThreads(1)
    return sitk.GetArrayFromImage(engine.Execute(image)).T


def _shifted(image, start, shape):
    """Copies `image` from voxel `start` on: voxels that fall onto voxels need no interpolation."""
    import numpy as np

    shifted = np.zeros([int(length) for length in shape], np.float32)
    low, high = np.maximum(start, 0), np.minimum(start + shape, image.shape)
    if (low < high).all():
        box = tuple(map(slice, low, high))
        shifted[tuple(map(slice, low - start, high - start))] = image[box]
    return shifted


def average(image, affine, size_mm):
    """Means of blocks of voxels of about `size_mm`; an axis whose voxels are thicker already stays as it is.

    Args:
        image: array of 3 dimensions; what does not fill a block at its end is left out.
        affine: 4x4, voxels to world mm.

    Returns:
        float32 array and its affine, in which each block has its own middle.
    """
    import numpy as np

    factors = np.maximum(1, np.rint(size_mm / np.linalg.norm(affine[:3, :3], axis=0))).astype(int)
    lengths = np.array(image.shape) // factors
    blocks = image[tuple(slice(length * factor) for length, factor in zip(lengths, factors, strict=True))]
    for axis, factor in enumerate(factors.tolist()):
        # Sums of strided views: NumPy's mean over so short an axis takes several times as long.
        views = [blocks[(*[slice(None)] * axis, slice(start, None, factor))] for start in range(factor)]
        blocks = sum(view.astype(np.float32) for view in views) / factor
    moved = affine @ np.diag([*factors, 1.0])
    moved[:3, 3] += affine[:3, :3] @ (factors - 1) / 2
    return blocks, moved
