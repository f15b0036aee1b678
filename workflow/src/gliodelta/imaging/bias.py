"""An exam without the coil's bias field."""

from gliodelta import io, plugins
from gliodelta.imaging import engines
from gliodelta.status import Excluded, reporting

ENGINES = "gliodelta.imaging.bias_correction"
FAILURE = "the bias correction fails numerically on the image"
# What a defaced exam keeps around its brain mask: more than a good mask errs by, so that registration loses nothing,
# and less than the 12 to 15 mm of fluid, bone and scalp that lie between the brain and the surface of the face.
MARGIN_MM = 10.0


def correct_bias(image, mask, mask_sidecar, engine, deface, corrected, corrected_sidecar):
    """Divides an exam by the smooth field that its coil laid over it.

    Args:
        image: T2-weighted NIfTI.
        mask: brain mask on the same voxels; the field is estimated inside it.
        mask_sidecar: the mask's sidecar; an excluded exam is passed on with its reason.
        engine: plug-in of `ENGINES`.
        deface: whether to keep the brain and `MARGIN_MM` around it only; what all later images are made of.
        corrected: NIfTI to write, float32, the whole head unless defaced, with the same mean inside the mask.
        corrected_sidecar: JSON to write: status, reason, engine, defaced, and field_sd, the standard deviation of the
            field's natural logarithm inside the mask.
    """
    import numpy as np

    with reporting(corrected_sidecar, images=[corrected], after=[mask_sidecar]) as facts:
        facts.check()
        source = io.read_image(image)
        # Resampled exports hold small negative values; an intensity has none.
        data = source.get_fdata(dtype=np.float32).clip(min=0)
        inside = np.asarray(io.read_image(mask).dataobj) > 0
        result = engines.call(FAILURE, plugins.load(ENGINES, engine).correct, data, source.affine, inside)
        bright = inside & (data > 0) & (result > 0)
        if not bright.any():
            raise Excluded("the image is black inside the brain")
        field_sd = engines.finite(FAILURE, float(np.log(data[bright] / result[bright]).std()))
        if deface:
            result = result * near(inside, source.affine, MARGIN_MM)
        io.write_image(result, source.affine, corrected)
        facts.update(engine=engine, field_sd=round(field_sd, 4), defaced=deface)


def near(mask, affine, margin_mm):
    """Returns a mask of the voxels whose centre is `margin_mm` or less from one inside `mask`."""
    import numpy as np
    from scipy import ndimage

    zooms = np.linalg.norm(affine[:3, :3], axis=0)
    reach = np.ceil(margin_mm / zooms).astype(int)
    inside = np.argwhere(mask)
    # Distances are slow: only in the box around the mask.
    box = tuple(slice(*ends) for ends in zip((inside.min(0) - reach).clip(0), inside.max(0) + reach + 1, strict=True))
    kept = np.zeros(mask.shape, bool)
    kept[box] = ndimage.distance_transform_edt(~mask[box], zooms) <= margin_mm
    return kept
