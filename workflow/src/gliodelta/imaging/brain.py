"""The brain mask of an exam."""

from gliodelta import io, plugins
from gliodelta.imaging import engines
from gliodelta.status import Excluded, reporting

ENGINES = "gliodelta.imaging.brain_extraction"


def extract_brain(image, sidecar, engine, skull_stripped, min_ml, max_ml, mask, mask_sidecar):
    """Writes the brain mask of an exam.

    Args:
        image: T2-weighted NIfTI.
        sidecar: its sidecar; an excluded exam is passed on with its reason.
        engine: plug-in of `ENGINES`; not used on skull-stripped images.
        skull_stripped: whether the image shows the brain only; the mask is then what is not zero.
        min_ml, max_ml: smallest and largest plausible volume in ml; exams beyond are excluded.
        mask: NIfTI to write, uint8, 1 inside.
        mask_sidecar: JSON to write: status, reason, volume_ml, engine.
    """
    import nibabel as nib
    import numpy as np

    with reporting(mask_sidecar, images=[mask], after=[sidecar]) as facts:
        facts.check()
        source = io.read_image(image)
        # Engines know heads in RAS order; the mask goes back to the image's own voxels.
        canonical = nib.as_closest_canonical(source)
        data = np.nan_to_num(canonical.get_fdata(dtype=np.float32))
        _refuse_empty(data)
        found = _filled(data != 0) if skull_stripped else _extracted(data, canonical.affine, engine)
        volume = float(found.sum() * abs(np.linalg.det(canonical.affine[:3, :3])) / 1000)
        if not min_ml <= volume <= max_ml:
            raise Excluded(f"the brain mask measures {volume:.0f} ml, not {min_ml:g} to {max_ml:g} ml")
        back = nib.Nifti1Image(found.astype(np.uint8), canonical.affine).as_reoriented(_way_back(canonical, source))
        io.write_image(np.asarray(back.dataobj), source.affine, mask)
        facts.update(volume_ml=round(volume, 1), engine="skull-stripped" if skull_stripped else engine)


def _refuse_empty(data):
    import numpy as np

    if min(data.shape) < 2:
        raise Excluded("the image is a single slice")
    # A head or brain fills more than a hundredth of its image.
    if np.ptp(np.percentile(data, (0.5, 99.5))) == 0:
        raise Excluded("the image is empty")


def _extracted(data, affine, engine):
    extract = plugins.load(ENGINES, engine).extract
    return engines.call("the brain extraction fails numerically on the image", extract, data, affine)


def _filled(brain):
    """The largest part, its holes filled: a ventricle or cavity that was set to zero belongs to the brain."""
    import numpy as np
    from scipy import ndimage

    labels, count = ndimage.label(brain)
    largest = labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1 if count else brain
    return ndimage.binary_fill_holes(largest)


def _way_back(image, target):
    from nibabel.orientations import io_orientation, ornt_transform

    return ornt_transform(io_orientation(image.affine), io_orientation(target.affine))
