"""An exam without the coil's bias field."""

from gliodelta import io, plugins
from gliodelta.imaging import engines
from gliodelta.status import Excluded, reporting

ENGINES = "gliodelta.imaging.bias_correction"
FAILURE = "the bias correction fails numerically on the image"


def correct_bias(image, mask, mask_sidecar, engine, corrected, corrected_sidecar):
    """Divides an exam by the smooth field that its coil laid over it.

    Args:
        image: T2-weighted NIfTI.
        mask: brain mask on the same voxels; the field is estimated inside it.
        mask_sidecar: the mask's sidecar; an excluded exam is passed on with its reason.
        engine: plug-in of `ENGINES`.
        corrected: NIfTI to write, float32, the whole head, with the same mean inside the mask.
        corrected_sidecar: JSON to write: status, reason, engine, and field_sd, the standard deviation of the field's
            natural logarithm inside the mask.
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
        io.write_image(result, source.affine, corrected)
        facts.update(engine=engine, field_sd=round(field_sd, 4))
