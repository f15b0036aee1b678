"""HD-BET (Isensee et al. 2019, doi:10.1002/hbm.24750): a learnt mask, made on heads with glioma too; minutes on a CPU.

Optional: the package and its weights are not part of the environment, and nothing is downloaded here.
"""

from pathlib import Path

PACKAGE = (
    "brain_extraction: HD-BET is not installed; install the package `HD-BET` (version 2) into the environment, or"
    " choose another brain_extraction"
)
WEIGHTS = (
    "brain_extraction: HD-BET's weights are not on this machine; run `hd-bet` once where there is internet and copy its"
    " folder `hd-bet_params` into your home folder, or choose another brain_extraction"
)


def extract(data, affine, matrix):
    """Returns the learnt mask; the contract is in this package's docstring."""
    import tempfile

    import nibabel as nib
    import torch

    hd_bet = _installed()
    with tempfile.TemporaryDirectory() as folder:
        image, mask = Path(folder) / "head.nii.gz", Path(folder) / "brain_bet.nii.gz"
        nib.Nifti1Image(data, affine).to_filename(image)
        # On the CPU: the rule asks for no GPU, and one machine's mask is then another's.
        predictor = hd_bet.get_hdbet_predictor(use_tta=False, device=torch.device("cpu"))
        hd_bet.hdbet_predict(str(image), str(Path(folder) / "brain.nii.gz"), predictor, True, False)
        return nib.load(mask).get_fdata() > 0.5


def _installed():
    """HD-BET's module, its weights being there.

    Raises:
        gliodelta.schema.InvalidInput: one of them is missing.
    """
    from gliodelta.schema import InvalidInput

    try:
        from HD_BET import hd_bet_prediction, paths
    except ImportError:
        raise InvalidInput(PACKAGE) from None
    parameters = Path(paths.folder_with_parameter_files)
    if not parameters.is_dir() or not any(parameters.rglob("checkpoint_final.pth")):
        raise InvalidInput(WEIGHTS)
    return hd_bet_prediction
