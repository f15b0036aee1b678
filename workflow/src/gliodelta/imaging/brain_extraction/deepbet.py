"""deepbet (Fisch et al. 2024, doi:10.1093/bioinformatics/btae387): a learnt mask, about 15 CPU seconds an exam.

MIT licence; its weights are in its wheel, so nothing is downloaded.
"""


def extract(data, affine, matrix):
    """Returns the learnt mask; the contract is in this package's docstring."""
    import nibabel as nib
    from deepbet import BrainExtraction

    from gliodelta.status import Excluded

    # On the CPU: the rule asks for no GPU, and one machine's mask is then another's.
    try:
        _, mask, _ = BrainExtraction(no_gpu=True).run(nib.Nifti1Image(data, affine))
    except (AssertionError, ValueError):
        # How deepbet says that its coarse mask is (almost) empty.
        raise Excluded("deepbet finds no brain in the image") from None
    return mask.get_fdata() > 0.5
