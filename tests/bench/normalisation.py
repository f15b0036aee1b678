"""Which normalisation shows change best: the table of `gliodelta.imaging.normalisation`, about 2 CPU minutes.

    PYTHONPATH=workflow/src:tests/imaging python tests/bench/normalisation.py

Voxel AUC of |difference| for true change, on simulated pairs of other anatomies, corrected by N4 in the true mask and
registered by the true transform with an error of 0.2 mm.
"""

import cases
import numpy as np
from sklearn.metrics import roc_auc_score

from gliodelta import plugins
from gliodelta.imaging.bias_correction import n4
from gliodelta.imaging.difference import EQUAL, NORMALISATIONS, OWN, normalised
from gliodelta.imaging.pair import CURRENT, Exam, unite
from gliodelta.imaging.resample import resample

SPACING = dict(spacing=(1.2, 1.2, 3.5))
OTHER_SLICES = dict(prior_spacing=(1.0, 1.0, 5.0))
VISITS = {
    "growth": dict(bias="mild", lesion_ml=(20, 40)),
    "small": dict(bias="mild", lesion_ml=(10, 13), seed=1),
    "new": dict(bias="mild", lesion_ml=(0, 8), seed=1, residual_mm=0.5),
    "large": dict(bias="mild", lesion_ml=(10, 60)),
    "resected": dict(bias="mild", lesion_ml=(60, 0), resected=True, seed=1),
    "coil": dict(bias="coil", lesion_ml=(10, 25), seed=1, residual_mm=0.84),
    "gamma": dict(bias="mild", lesion_ml=(20, 40), gamma=0.55),
    "slices": dict(bias="mild", lesion_ml=(20, 40), residual_mm=0.5, **OTHER_SLICES),
    "slices, coil": dict(bias="coil", lesion_ml=(10, 16), seed=2, **OTHER_SLICES),
}
ERROR_MM = (0.12, 0.12, -0.1)


def scene(visit):
    """Both exams of a visit on the current exam's grid, and where tissue changed."""
    pair = cases.pair(**SPACING, **visit)
    exams = [
        Exam(n4.correct(exam.image, exam.affine, exam.brain), exam.brain | exam.lesion, exam.affine)
        for exam in (pair.prior, pair.current)
    ]
    matrix = pair.truth.copy()
    matrix[:3, 3] += ERROR_MM
    prior, current = unite(*exams, matrix, CURRENT)
    changed = resample(pair.changed, pair.current.affine, np.eye(4), current.mask.shape, current.affine) > 0.5
    return prior, current, changed


def visibility(prior, current, changed, sharpness, normalisation):
    """Voxel AUC of |difference| inside the common brain."""
    scores, common = normalised(prior, current, {"sharpness": sharpness, "normalisation": normalisation})
    return roc_auc_score(changed[common], np.abs(scores[..., 1] - scores[..., 0])[common])


def main():
    """Prints the table, a line a method."""
    variants = [(OWN, "whole-crop"), (OWN, "zscore"), *((EQUAL, name) for name in plugins.names(NORMALISATIONS))]
    found = {variant: [] for variant in variants}
    for visit in VISITS.values():
        exams = scene(visit)
        for variant in variants:
            found[variant].append(visibility(*exams, *variant))
    print(f"{'sharpness':10}{'normalisation':14}", *(f"{name[:8]:>8}" for name in (*VISITS, "mean")))
    for (sharpness, name), values in found.items():
        print(f"{sharpness:10}{name:14}", *(f"{value:8.4f}" for value in (*values, np.mean(values))))


if __name__ == "__main__":
    main()
