"""One linear interpolation from an image's own grid to another, through world coordinates in mm."""


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
    # SimpleITK reads an array as z, y, x; the transpose of a float32 array costs one copy.
    image = sitk.GetImageFromArray(np.ascontiguousarray(np.asarray(moving, np.float32).T))
    engine = sitk.ResampleImageFilter()
    engine.SetSize([int(length) for length in fixed_shape])
    engine.SetTransform(sitk.AffineTransform(voxels[:3, :3].ravel().tolist(), voxels[:3, 3].tolist()))
    engine.SetInterpolator(sitk.sitkLinear if order else sitk.sitkNearestNeighbor)
    engine.SetNumberOfThreads(1)
    return sitk.GetArrayFromImage(engine.Execute(image)).T
