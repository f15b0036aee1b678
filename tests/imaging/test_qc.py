import cases
import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from gliodelta.imaging import qc
from gliodelta.imaging.normalisation.zscore import standardise


@pytest.fixture(scope="module")
def pair():
    """A head whose lesion, in the patient's right hemisphere, is new."""
    place = dict(degrees=0, translation_mm=0, scale=0)
    found = cases.pair(spacing=(1, 1, 3), lesion_ml=(0, 20), **place)
    mask = found.current.brain
    pair = [standardise(exam.image, mask) for exam in (found.prior, found.current)]
    return np.stack(pair, axis=-1), mask, found.current.affine


def drawn(pair, path, affine=None):
    volumes, mask, own = pair
    qc.draw(volumes, mask, own if affine is None else affine, "a1 · 0to96", path)
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_a_report_can_hold_fifty_of_them(pair, tmp_path):
    picture = drawn(pair, tmp_path / "qc.png")
    assert picture.shape[1] > 600 and (tmp_path / "qc.png").stat().st_size < 100_000


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


def test_pictures_are_of_one_size_and_larger_brains_are_shrunk_into_it(pair, tmp_path):
    *_, affine = pair
    large = drawn(pair, tmp_path / "large.png", affine @ np.diag([1.5, 1.5, 1.5, 1]))
    # The pictures' first panel ends where its white ticks are; the rim stays inside it.
    assert large.shape == drawn(pair, tmp_path / "plain.png").shape
    yellow = (large[..., 0] > 200) & (large[..., 1] > 200) & (large[..., 2] < 120)
    first = yellow[qc.TOP : qc.TOP + qc.ROOM_MM[1], qc.LEFT : qc.LEFT + max(qc.ROOM_MM)]
    rows, columns = np.nonzero(first)
    assert np.ptp(rows) > 150 and rows.min() > 0 and rows.max() < qc.ROOM_MM[1] - 1
    assert columns.min() > 0 and columns.max() < max(qc.ROOM_MM) - 1


def test_a_common_brain_of_one_voxel_is_drawn_too(pair, tmp_path):
    volumes, mask, affine = pair
    one = np.zeros_like(mask)
    one[tuple(np.argwhere(mask).mean(axis=0).astype(int))] = True
    assert drawn((volumes * one[..., None], one, affine), tmp_path / "one.png").shape[1] > 600
