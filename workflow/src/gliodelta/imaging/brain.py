"""The brain mask of an exam."""

from gliodelta import io, plugins
from gliodelta.imaging import engines
from gliodelta.status import Excluded, reporting

ENGINES = "gliodelta.imaging.brain_extraction"
STRIPPED = "skull-stripped"
# Less than this share of the image is exactly 0 around a head whose background nobody removed. A brain fills about half
# of its own bounding box.
EMPTY_SHARE = 0.2
# Under the scalp (mm below the surface of what is not 0) lies bone in a whole head, cortex in a stripped one; both hold
# brain deeper than the last.
LAYERS_MM, INNER_MM = (3, 6, 9, 12, 15), 25
# The darkest layer's 15th percentile over the brain's median: .29 to .38 in simulated whole heads, .33 and .53 in two
# real ones; .71 to .83 once they are stripped.
BONE, DARK_PERCENT = 0.62, 15
# mm, also of a layer; enough to tell bone from cortex.
COARSE_MM = 3


def extract_brain(image, sidecar, engine, skull_stripped, min_ml, max_ml, mask, mask_sidecar):
    """Writes the brain mask of an exam.

    Args:
        image: T2-weighted NIfTI.
        sidecar: its sidecar; an excluded exam is passed on with its reason.
        engine: plug-in of `ENGINES`; not used on skull-stripped images.
        skull_stripped: whether the cohort says that its images show the brain only. Such images are recognised in any
            cohort: their mask is what is not zero.
        min_ml, max_ml: smallest and largest plausible volume in ml; exams beyond are excluded.
        mask: NIfTI to write, uint8, 1 inside.
        mask_sidecar: JSON to write: status, reason, volume_ml, engine and fluid_contrast (see there; null where it
            cannot be told).

    Raises:
        gliodelta.schema.InvalidInput: the engine lacks something that has to be installed.
    """
    import numpy as np

    with reporting(mask_sidecar, images=[mask], after=[sidecar]) as facts:
        facts.check()
        data, affine, way_back = _canonical(io.read_image(image))
        _refuse_empty(data)
        found, used, contrast = _found(data, affine, engine, skull_stripped)
        volume = float(found.sum() * abs(np.linalg.det(affine[:3, :3])) / 1000)
        if not min_ml <= volume <= max_ml:
            raise Excluded(f"the brain mask measures {volume:.0f} ml, not {min_ml:g} to {max_ml:g} ml")
        io.write_image(*way_back(found), mask)
        facts.update(
            volume_ml=round(volume, 1), engine=used, fluid_contrast=None if contrast is None else round(contrast, 4)
        )


def _canonical(source):
    """Engines know heads in RAS order: returns data, affine, and what takes a mask back to the image's own voxels."""
    import nibabel as nib
    import numpy as np
    from nibabel.orientations import io_orientation, ornt_transform

    image = nib.as_closest_canonical(source)

    def way_back(mask):
        way = ornt_transform(io_orientation(image.affine), io_orientation(source.affine))
        back = nib.Nifti1Image(mask.astype(np.uint8), image.affine).as_reoriented(way)
        return np.asarray(back.dataobj), source.affine

    return np.nan_to_num(image.get_fdata(dtype=np.float32)), image.affine, way_back


def _refuse_empty(data):
    import numpy as np

    if min(data.shape) < 2:
        raise Excluded("the image is a single slice")
    # A head or brain fills more than a hundredth of its image.
    if np.ptp(np.percentile(data, (0.5, 99.5))) == 0:
        raise Excluded("the image is empty")


def _found(data, affine, engine, declared):
    """Returns the mask, what found it, and the fluid contrast."""
    from gliodelta.imaging import template

    brain = stripped_brain(data, affine)
    if brain is not None:
        try:
            matrix = template.align(data, affine, brain)
        except Excluded:
            # The mask stands on its own; only the contrast is not known.
            matrix = None
        used = STRIPPED if declared else f"{STRIPPED} (recognised)"
        return brain, used, None if matrix is None else template.fluid_contrast(data, affine, brain, matrix)
    if declared:
        raise Excluded(
            "the cohort is declared skull-stripped, but the image shows more than a brain: correct `skull_stripped`"
            " in the cohort's file, or the image"
        )
    matrix = template.align(data, affine)
    extract = plugins.load(ENGINES, engine).extract
    failure = "the brain extraction fails numerically on the image"
    found = engines.call(failure, extract, data, affine, matrix)
    return found, engine, template.fluid_contrast(data, affine, found, matrix)


def stripped_brain(data, affine):
    """Tells a skull-stripped image from a whole head.

    Around a stripped brain everything is exactly 0, and what is not 0 is one solid body without a bright shell: from
    its surface inwards there is no dark layer, as bone is under the scalp.

    Args:
        data: float32 [X, Y, Z].
        affine: 4x4, voxels to world mm.

    Returns:
        Boolean array, the largest body with its holes filled (a ventricle or cavity that was set to 0 belongs to the
        brain); or None for a whole head.
    """
    import numpy as np
    from scipy import ndimage

    from gliodelta.imaging.arrays import largest_part
    from gliodelta.imaging.resample import average

    if (data == 0).mean() < EMPTY_SHARE:
        return None
    coarse, coarse_affine = average(data, affine, COARSE_MM)
    body = ndimage.binary_fill_holes(largest_part(average(data != 0, affine, COARSE_MM)[0] > 0.5))
    # What the field of view cuts has no surface there.
    depth = ndimage.distance_transform_edt(body, np.linalg.norm(coarse_affine[:3, :3], axis=0))
    inner = coarse[depth > INNER_MM]
    layers = [coarse[(depth > low) & (depth <= low + COARSE_MM)] for low in LAYERS_MM]
    if not inner.size or not all(layer.size for layer in layers):
        return None
    darkest = min(np.percentile(layer, DARK_PERCENT) for layer in layers)
    if darkest < BONE * np.median(inner):
        return None
    return ndimage.binary_fill_holes(largest_part(data != 0))
