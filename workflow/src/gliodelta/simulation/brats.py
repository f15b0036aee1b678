"""The layout of BRATS-2015 and its published label table, for the simulated external cohort.

Reference: Menze et al. (2015), The multimodal brain tumor image segmentation benchmark, IEEE Trans Med Imaging 34:1993.
"""

import numpy as np

from gliodelta import io
from gliodelta.simulation.acquisition import ATLAS
from gliodelta.simulation.geometry import to_itk
from gliodelta.simulation.seeds import stream

AXES, STRIPPED = ATLAS, True
# Above the numbers of BRATS-2015, so that nobody takes a simulated patient for a real one.
FIRST_NUMBER = 900
# White matter near 300, fluid near 700, as in the published files.
INTENSITY = 700


def exam_folder(patient, exam):
    """Returns the folder of an exam below that of its patient, such as ``HGG/brats_tcia_pat901_0096``."""
    grade = "LGG" if patient.number % 4 == 0 else "HGG"
    return f"{grade}/brats_tcia_pat{FIRST_NUMBER + patient.number}_{exam.session}"


def write_exam(settings, patient, exam, scene, scan, image, folder):
    """Writes the T2 image of an exam as ``VSD.Brain.XX.O.MR_T2.<number>/VSD.Brain.XX.O.MR_T2.<number>.mha`` (int16)."""
    import SimpleITK as sitk

    number = stream(settings["seed"], patient.subject, exam.session, "number").integers(10_000, 99_999)
    name = f"VSD.Brain.XX.O.MR_T2.{number}"
    voxels = np.clip(np.rint(image * INTENSITY), 0, 32_767).astype(np.int16)
    with io.atomic(folder / name / f"{name}.mha") as temporary:
        sitk.WriteImage(to_itk(voxels, scan.grid), str(temporary), useCompression=True)


def label_table(patients):
    """Returns the lines of the label table in its published form: ``sub,ses_diff,t2_label,t2_label_numeric``."""
    lines = ["sub,ses_diff,t2_label,t2_label_numeric"]
    for patient in patients:
        subject = f"sub-{FIRST_NUMBER + patient.number}_brats_tcia"
        for pair in patient.pairs:
            lines.append(f"{subject},ses-{pair.prior}_vs_ses-{pair.current},{pair.truth},{int(pair.truth != 'stable')}")
    return lines
