"""The published recipe's registration: ANTs ``Affine`` (Mattes mutual information), by antspyx.

About 50 CPU seconds for a clinical pair. Here for parity, and for exams of different contrast. Masks are left out, as
in the published recipe.
"""

import os
import tempfile
from pathlib import Path

from gliodelta.imaging import engines

# ANTs draws 20 % of the voxels for its metric; with a seed and on one thread it gives the same sums each time.
SEED = 1
# ANTs' world is LPS+, NIfTI's RAS+.
FLIP = (-1.0, -1.0, 1.0, 1.0)


def register(fixed, moving, fixed_affine, moving_affine, fixed_mask=None, moving_mask=None):
    """Finds the affine transform from `fixed` to `moving`; the contract is in this package's docstring.

    Returns:
        4x4 float64, world mm of `fixed` to world mm of `moving`.

    Raises:
        Excluded: ANTs gave up.
    """
    # ITK reads this when it is first used.
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"
    import ants

    with engines.foreign("ANTs found no transform"), tempfile.TemporaryDirectory() as folder:
        result = ants.registration(
            _image(fixed, fixed_affine),
            _image(moving, moving_affine),
            "Affine",
            outprefix=f"{folder}/",
            random_seed=SEED,
        )
        (file,) = (name for name in result["fwdtransforms"] if Path(name).suffix == ".mat")
        transform = ants.read_transform(file)
    return _world_matrix(transform.parameters, transform.fixed_parameters)


def _image(array, affine):
    import ants
    import numpy as np

    affine = np.diag(FLIP) @ affine
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    return ants.from_numpy(
        np.asarray(array, np.float32),
        origin=affine[:3, 3].tolist(),
        spacing=spacing.tolist(),
        direction=affine[:3, :3] / spacing,
    )


def _world_matrix(parameters, centre):
    """ITK's 12 parameters, ``y = A (x - centre) + t + centre`` in LPS, as a 4x4 matrix in RAS."""
    import numpy as np

    linear, shift = np.reshape(parameters[:9], (3, 3)), np.asarray(parameters[9:])
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = shift + centre - linear @ centre
    return np.diag(FLIP) @ matrix @ np.diag(FLIP)
