import nibabel as nib
import numpy as np
import phantom
import pytest
from PIL import Image

from gliodelta.imaging import qc
from gliodelta.imaging.difference import standardise


@pytest.fixture(scope="module")
def pair():
    """A noisy head whose lesion, in the patient's right hemisphere, is new."""
    rng = np.random.default_rng(0)
    prior, mask, affine = phantom.scan(np.eye(4), rng, (1, 1, 3))
    current, *_ = phantom.scan(np.eye(4), rng, (1, 1, 3), gain=0, tumour=phantom.lesion((35, -20, 20), 20))
    return np.stack([standardise(image, mask) for image in (prior, current)], axis=-1), mask, affine


def drawn(pair, path, affine=None):
    volumes, mask, own = pair
    qc.draw(volumes, mask, own if affine is None else affine, "a1 · 0to96", path)
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_a_report_can_hold_fifty_of_them(pair, tmp_path):
    picture = drawn(pair, tmp_path / "qc.png")
    assert picture.shape[1] > 600 and (tmp_path / "qc.png").stat().st_size < 80_000


def test_a_new_lesion_is_red_at_the_side_where_radiologists_look_for_it(pair, tmp_path):
    picture = drawn(pair, tmp_path / "qc.png")
    axial = picture[20 : picture.shape[0] // 3, int(0.7 * picture.shape[1]) : int(0.92 * picture.shape[1])]
    brain = axial.sum(axis=-1) > 300
    red = (axial[..., 0] - axial[..., 2] > 100) & (axial[..., 1] < 120)
    # x is positive at the patient's right, which is at the left of the picture.
    assert red.sum() > 20 and np.argwhere(red)[:, 1].mean() < np.argwhere(brain)[:, 1].mean() - 5


def test_the_voxel_order_of_the_file_does_not_show(pair, tmp_path):
    volumes, mask, affine = pair
    turn = nib.orientations.axcodes2ornt("PIL")
    shape = mask.shape
    turned = nib.apply_orientation(volumes, turn), nib.apply_orientation(mask, turn)
    turned_affine = affine @ nib.orientations.inv_ornt_aff(turn, shape)
    np.testing.assert_array_equal(drawn(pair, tmp_path / "a.png"), drawn((*turned, turned_affine), tmp_path / "b.png"))
