"""Volumes in space: numpy arrays with an affine, and their resampling by SimpleITK (ten times faster than scipy)."""

import dataclasses

import numpy as np

# RAS+ world coordinates (nibabel, this project) to LPS+ ones (ITK, DICOM) and back.
FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclasses.dataclass(frozen=True)
class Grid:
    """Where voxels lie: `shape` in voxels, `affine` from voxel to RAS+ world in mm."""

    shape: tuple
    affine: np.ndarray

    @property
    def spacing(self):
        """Voxel sizes in mm, array of 3."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    @property
    def voxel_ml(self):
        """Volume of a voxel in ml."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000

    def world(self):
        """World coordinates (mm) of a grid whose axes are those of the world; arrays that broadcast to `shape`."""
        axes = [self.affine[axis, axis] * np.arange(self.shape[axis]) + self.affine[axis, 3] for axis in range(3)]
        return np.meshgrid(*(axis.astype(np.float32) for axis in axes), indexing="ij", sparse=True)


def box(low, high, spacing):
    """Returns the `Grid` of voxels of `spacing` mm (one number or three) that fills the box `low` to `high` (mm)."""
    low, spacing = np.asarray(low, float), np.broadcast_to(np.asarray(spacing, float), 3)
    shape = np.ceil((np.asarray(high, float) - low) / spacing).astype(int) + 1
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = low
    return Grid(tuple(int(size) for size in shape), affine)


def to_itk(array, grid):
    """Returns a SimpleITK image (LPS+) of an array [X, Y, Z], or [X, Y, Z, 3] of RAS+ vectors."""
    import SimpleITK as sitk

    vectors = array.ndim == 4
    if vectors:
        array = array * FLIP.diagonal()[:3]
    image = sitk.GetImageFromArray(np.swapaxes(array, 0, 2), isVector=vectors)
    lps = FLIP @ grid.affine
    image.SetSpacing(grid.spacing.tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    image.SetDirection((lps[:3, :3] / grid.spacing).ravel().tolist())
    return image


def resample(array, source, target, pose=None, displacement=None, coarse=None, outside=0):
    """Samples an array on another grid, once, linearly.

    Args:
        array: [X, Y, Z], float32, on the grid `source`.
        source, target: `Grid`.
        pose: 4x4 matrix from world of `source` to world of `target` (RAS+, mm); identity when missing.
        displacement: [x, y, z, 3] in mm on the grid `coarse`, which lies in the world of `source`: what is seen at the
            point p is taken from p + displacement(p). 0 outside of `coarse`.
        coarse: `Grid` of `displacement`.
        outside: value beyond `source`.

    Returns:
        float32 array of the shape of `target`.
    """
    import SimpleITK as sitk

    transforms = []
    if displacement is not None:
        field = sitk.Cast(to_itk(displacement, coarse), sitk.sitkVectorFloat64)
        transforms.append(sitk.DisplacementFieldTransform(field))
    if pose is not None:
        back = FLIP @ np.linalg.inv(pose) @ FLIP
        affine = sitk.AffineTransform(3)
        affine.SetMatrix(back[:3, :3].ravel().tolist())
        affine.SetTranslation(back[:3, 3].tolist())
        transforms.append(affine)
    resampler = sitk.ResampleImageFilter()
    # A composite applies its last transform first: target -> pose -> displacement -> source.
    resampler.SetTransform(sitk.CompositeTransform(transforms) if transforms else sitk.Transform(3, sitk.sitkIdentity))
    resampler.SetNumberOfThreads(1)
    resampler.SetReferenceImage(to_itk(np.empty(target.shape, np.uint8), target))
    resampler.SetOutputPixelType(sitk.sitkFloat32)
    resampler.SetDefaultPixelValue(float(outside))
    image = resampler.Execute(to_itk(np.asarray(array, np.float32), source))
    return np.swapaxes(sitk.GetArrayFromImage(image), 0, 2)


def noise_field(draw, grid, sigma_mm):
    """Returns smooth random numbers on `grid`, float32, mean 0 and standard deviation 1, correlated over `sigma_mm`."""
    from scipy import ndimage

    field = draw.standard_normal(grid.shape, dtype=np.float32)
    field = ndimage.gaussian_filter(field, sigma_mm / grid.spacing, mode="wrap", truncate=3)
    return field / field.std()
