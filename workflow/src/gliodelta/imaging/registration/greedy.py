"""Affine registration by normalised mutual information, by picsl-greedy: for exams of any two contrasts.

About 7 CPU seconds. Greedy runs in a process of its own: on some images it crashes, which must not take the job along.
The brains' middles are matched first, then 6 and at last 12 parameters are sought. Masks say where the head is; all of
the head votes, since a masked metric loses the brain's rim and with it the way.

Reference: Studholme, Hill & Hawkes (1999), An overlap invariant entropy measure of 3D medical image alignment, Pattern
Recognition 32:71.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from gliodelta import io
from gliodelta.imaging.resample import resample
from gliodelta.imaging.transforms import apply
from gliodelta.status import Excluded

# Smallest voxel size in mm that both exams are brought to (coarser ones keep their volume), and the margin around the
# brain: scalp and skull help, the neck does not, since it bends.
FINEST_MM, MARGIN_MM = 2.0, 10.0
# Degrees by which the fixed grid is turned. Where both grids are parallel, mutual information has a peak wherever
# voxels fall on voxels. Greedy's own cure, jitter, gives another answer each time, and is switched off.
TURN = (7, 11, 13)
# Degrees of freedom, and steps with voxels twice as large and as they are. Greedy crashes on 0 steps at the first.
STAGES = ((6, "50x50"), (12, "50x50"))
PROGRAM = "import sys, picsl_greedy; picsl_greedy.Greedy3D().execute(' '.join(sys.argv[1:]))"


def register(fixed, moving, fixed_affine, moving_affine, fixed_mask=None, moving_mask=None):
    """Finds the affine transform from `fixed` to `moving`; the contract is in this package's docstring.

    Returns:
        4x4 float64, world mm of `fixed` to world mm of `moving`.

    Raises:
        Excluded: greedy gave up.
    """
    fixed_points = _head(fixed, fixed_mask, fixed_affine)
    moving_points = _head(moving, moving_mask, moving_affine)
    start = np.eye(4)
    start[:3, 3] = moving_points.mean(axis=0) - fixed_points.mean(axis=0)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        size = max(FINEST_MM, abs(np.linalg.det(fixed_affine)) ** (1 / 3))
        _write(fixed, fixed_affine, fixed_points, size, TURN, folder / "fixed.nii")
        _write(moving, moving_affine, moving_points, size, (0, 0, 0), folder / "moving.nii")
        np.savetxt(folder / "0.mat", start)
        for index, (freedom, steps) in enumerate(STAGES):
            options = f"-d 3 -threads 1 -V 0 -a -m NMI -jitter 0 -i fixed.nii moving.nii -dof {freedom} -n {steps}"
            _run(folder, *options.split(), "-ia", f"{index}.mat", "-o", f"{index + 1}.mat")
        return np.loadtxt(folder / f"{len(STAGES)}.mat")


def _run(folder, *options):
    """Runs greedy; its many words on its progress go nowhere."""
    command = [sys.executable, "-c", PROGRAM, *options]
    # One thread for its linear algebra too, so that sums are the same each time.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if "MemoryError" in done.stderr or "bad_alloc" in done.stderr:
        raise MemoryError("greedy ran out of memory")
    if done.returncode == -signal.SIGKILL:
        raise MemoryError("greedy was killed, as the system does when memory runs out")
    if "ModuleNotFoundError" in done.stderr:
        raise ModuleNotFoundError("the registration engine greedy needs the package picsl-greedy")
    if done.returncode:
        raise Excluded("greedy found no transform")


def _head(image, mask, affine):
    """World coordinates, [n, 3], of the mask, or else of the image's bright half: air is darker than the mean."""
    return apply(affine, np.argwhere(image > image.mean() if mask is None else mask))


def _write(image, affine, points, size, degrees, path):
    """Writes the box around `points`, turned by `degrees` about each axis, with voxels of `size` mm."""
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    low, high = (points @ turn).min(axis=0) - MARGIN_MM, (points @ turn).max(axis=0) + MARGIN_MM
    grid = np.eye(4)
    grid[:3, :3], grid[:3, 3] = size * turn, turn @ low
    shape = np.ceil((high - low) / size).astype(int)
    io.write_image(resample(image, affine, np.eye(4), shape, grid), grid, path)
