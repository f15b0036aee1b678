"""The smallest cohort that is not simulated: one patient with two equal exams."""

import nibabel as nib
import numpy as np

from gliodelta import io

PAIR = "results/imaging/site/sub-a/pair-0to90/sub-a_pair-0to90_"
QC, MAP = f"{PAIR}qc.json", f"{PAIR}diff.nii.gz"
SHEETS = {
    "exams": "subject\tsession\tsource\na\t0\ta/0.nii.gz\na\t90\ta/90.nii.gz\n",
    "pairs": "subject\tprior\tcurrent\na\t0\t90\n",
}
# Of two exams: image, mask and corrected image with a sidecar each; of the pair: transform with sidecar, and six files.
OUTPUTS = 2 * 6 + 2 + 6


def write_exams(folder):
    """Writes the exams, noise in a ball, and returns the folder."""
    axes = np.meshgrid(*[np.linspace(-1.2, 1.2, 40)] * 3, indexing="ij")
    ball = sum(axis**2 for axis in axes) < 1
    image = ball * np.random.default_rng(0).uniform(80, 120, ball.shape)
    (folder / "a").mkdir()
    for visit in (0, 90):
        nib.save(nib.Nifti1Image(image.astype(np.float32), np.diag([4, 4, 4, 1])), folder / f"a/{visit}.nii.gz")
    return folder


def configure(house, raw):
    """Makes the exams in a folder the only cohort of a house."""
    for kind, text in SHEETS.items():
        io.write_text(text, house.folder / f"config/cohorts/site/{kind}.tsv")
    cohort = {"role": "inference", "layout": "nifti", "root": str(raw)}
    io.write_yaml(cohort, house.folder / "config/cohorts/site.yaml")
    config = {"cohorts": ["site"], "imaging": {"registration_fallback": []}}
    io.write_yaml(config, house.folder / "config/house.yaml")
