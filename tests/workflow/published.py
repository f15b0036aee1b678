"""Difference maps and tables as Di Noto et al. 2022 published theirs: names of files, columns and words."""

from datetime import date, timedelta

import nibabel as nib
import numpy as np

from gliodelta import io

PATIENTS, PAIRS, DAYS = 8, 3, 90
# Patient and pair of the one map without a brain.
EMPTY = (1, 0)
HUMAN = "ipp,comparative_date,exam_date,t2_label_A1"
WEAK = "ipp,comparative_date,exam_date,t2_label_random_forest,mean_t2_and_global"
# Enough of a map where only its name counts.
WHOLE = np.ones((4, 4, 4), np.float32)


def publish(folder):
    """Writes maps and tables as they were published; a patient's pairs are stable and unstable by turns.

    Each patient has a human label of the first two pairs and a label from the report of the third.
    """
    rng = np.random.default_rng(0)
    axes = np.meshgrid(*[np.linspace(-1.1, 1.1, size) for size in (24, 30, 16)], indexing="ij")
    brain = sum(axis**2 for axis in axes) < 1
    human, weak = [HUMAN], [WEAK]
    for patient in range(1, PATIENTS + 1):
        days = [date(2010, 1, 1) + timedelta(days=DAYS * visit) for visit in range(PAIRS + 1)]
        for number in range(PAIRS):
            prior, current = (f"{day:%Y%m%d}" for day in days[number : number + 2])
            unstable = (patient + number) % 2
            difference = brain * np.abs(rng.normal(0, 1 + unstable, brain.shape)).astype(np.float32)
            if (patient, number) == EMPTY:
                difference[:] = 0
            write_map(folder, patient, prior, current, difference)
            row = f"{patient},{prior},{current},{unstable}"
            if number < PAIRS - 1:
                human.append(row)
            else:
                weak.append(f"{row},0.9")
    io.write_text("\n".join(human), folder / "human.csv")
    io.write_text("\n".join(weak), folder / "weak.csv")


def write_map(folder, patient, prior, current, difference=WHOLE):
    """Writes one map where the published ones lie: `patient` is a number, dates are as in 20090514."""
    sessions = f"ses-{prior}_vs_ses-{current}"
    path = folder / f"sub-{patient:06d}" / sessions / f"sub-{patient:06d}_{sessions}_difference_t2_volumes.nii.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(difference, np.diag([-6, -6, 10, 1])), path)
