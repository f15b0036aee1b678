"""The external cohort lies on disk as BRATS-2015 does."""

import re

import numpy as np
import SimpleITK

from gliodelta import io

PLACE = r"(HGG|LGG)/brats_tcia_pat901_\d{4}/(VSD\.Brain\.XX\.O\.MR_T2\.\d{5})/\2\.mha"


def test_every_exam_is_one_skull_stripped_atlas_like_image(atlas):
    images = sorted(atlas.folder.rglob("*.mha"))
    assert len(images) == len(atlas.plan.exams)
    for path, exam in zip(images, atlas.plan.exams, strict=True):
        assert re.fullmatch(PLACE, str(path.relative_to(atlas.folder)))
        image = SimpleITK.ReadImage(str(path))
        assert image.GetSpacing() == (3, 3, 3) and image.GetDirection() == (1, 0, 0, 0, 1, 0, 0, 0, 1)
        truth = io.read_image(atlas.folder / "truth" / f"exam-{exam.session}_brain.nii.gz")
        assert np.allclose(np.diag([-1, -1, 1]) @ truth.affine[:3, 3], image.GetOrigin(), atol=1e-3)
        voxels = np.swapaxes(SimpleITK.GetArrayFromImage(image), 0, 2)
        brain = np.asarray(truth.dataobj) > 0
        assert (voxels[~brain] == 0).all() and (voxels[brain] > 0).mean() > 0.99
