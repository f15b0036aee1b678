"""deepbet (Fisch et al. 2024, doi:10.1093/bioinformatics/btae387): a learnt mask, about 15 CPU seconds an exam.

MIT licence; its weights are in its wheel, so nothing is downloaded.
"""

import tempfile
from pathlib import Path


def extract(data, affine):
    """Returns the learnt mask; the contract is in this package's docstring."""
    from deepbet import run_bet

    from gliodelta import io

    # deepbet reads and writes files only.
    with tempfile.TemporaryDirectory() as folder:
        image, mask = Path(folder, "head.nii.gz"), Path(folder, "mask.nii.gz")
        io.write_image(data, affine, image)
        run_bet([str(image)], [None], [str(mask)], None, threshold=0.5, n_dilate=0, no_gpu=False)
        return io.read_image(mask).get_fdata() > 0.5
