import numpy as np
import pytest

from gliodelta import io
from gliodelta.imaging.difference import BINS, PADDING, crop, features, map_difference, standardise
from gliodelta.status import Excluded

AFFINE = np.array([[-2, 0, 0, 30], [0, 2, 0, -20], [0, 0, 3, 7], [0, 0, 0, 1.0]])
SHAPE = (20, 24, 16)


def brain():
    mask = np.zeros(SHAPE, bool)
    mask[4:16, 6:20, 2:16] = True
    return mask


@pytest.fixture
def pair(tmp_path):
    """A current exam with a bright spot that the registered prior lacks; the prior's top slices are out of its view."""
    rng = np.random.default_rng(0)
    current = rng.normal(100, 10, SHAPE).astype(np.float32)
    prior = current * 3 + rng.normal(0, 1, SHAPE).astype(np.float32)
    current[8:10, 8:10, 8:10] += 100
    prior[:, :, 13:] = 0
    io.write_image(current, AFFINE, tmp_path / "current.nii.gz")
    io.write_image(brain(), AFFINE, tmp_path / "mask.nii.gz")
    io.write_image(prior, AFFINE, tmp_path / "prior.nii.gz")
    registration = {"status": "included", "reason": "", "similarity_before": 0.1, "similarity_after": 0.9}
    io.write_json(registration, tmp_path / "prior.json")
    return tmp_path


def run(folder, name="out"):
    outputs = [folder / name / file for file in ("pair.nii.gz", "diff.nii.gz", "qc.json", "qc.png")]
    current = {"image": folder / "current.nii.gz", "mask": folder / "mask.nii.gz"}
    prior = {"image": folder / "prior.nii.gz", "sidecar": folder / "prior.json"}
    map_difference("a1 · 0to96", current, prior, *outputs)
    return outputs


def test_the_map_shows_the_change_where_it_is(pair):
    images, difference = (io.read_image(path) for path in run(pair)[:2])
    volumes, change = images.get_fdata(), difference.get_fdata()
    assert np.allclose(change, volumes[..., 1] - volumes[..., 0], atol=1e-6)
    voxel = np.unravel_index(change.argmax(), change.shape)
    world = difference.affine @ [*voxel, 1]
    place = (np.linalg.inv(AFFINE) @ world)[:3]
    assert np.allclose(place, place.round()) and all(8 <= index < 10 for index in place.round())


def test_both_exams_are_standardised_inside_the_common_brain_only(pair):
    volumes = io.read_image(run(pair)[0]).get_fdata()
    common = volumes.any(axis=-1)
    assert common.sum() == brain()[:, :, :13].sum()
    for exam in range(2):
        scores = volumes[..., exam]
        assert abs(scores[common].mean()) < 1e-6 and abs(scores[common].std() - 1) < 1e-6
        assert not scores[~common].any()


def test_the_numbers_of_the_quality_report(pair):
    *_, qc, picture = run(pair)
    report = io.read_json(qc)
    assert report["brain_ml"] == brain().sum() * 12 / 1000
    assert report["coverage"] == pytest.approx(11 / 14, abs=1e-6)
    assert (report["similarity_before"], report["similarity_after"]) == (0.1, 0.9)
    assert report["sd_difference"] > 0 and picture.stat().st_size > 0


def test_equal_inputs_give_equal_bytes(pair):
    first, second = run(pair, "a"), run(pair, "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_scale_and_offset_of_an_exam_do_not_matter():
    image = np.random.default_rng(1).normal(size=SHAPE)
    np.testing.assert_allclose(standardise(image, brain()), standardise(5 * image + 300, brain()), atol=1e-5)


def test_a_constant_exam_is_excluded():
    with pytest.raises(Excluded, match="constant"):
        standardise(np.full(SHAPE, 7.0), brain())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_exam_that_is_not_finite_is_excluded(value):
    image = np.random.default_rng(0).normal(size=SHAPE)
    image[8, 8, 8] = value
    with pytest.raises(Excluded, match="not finite inside the brain"):
        standardise(image, brain())


def test_no_common_brain_excludes_the_pair(pair):
    io.write_image(np.zeros(SHAPE, np.float32), AFFINE, pair / "prior.nii.gz")
    outputs = run(pair)
    assert io.read_json(outputs[2])["reason"] == "the prior exam does not show the brain of the current one"
    assert all(path.exists() for path in outputs)


def test_an_excluded_registration_is_passed_on(pair):
    io.write_json({"status": "excluded", "reason": "no T2 series"}, pair / "prior.json")
    assert io.read_json(run(pair)[2]) == {"status": "excluded", "reason": "no T2 series"}


def test_the_crop_moves_the_origin_and_pads_even_at_the_border():
    mask = np.zeros(SHAPE, bool)
    mask[0:5, 3:9, 10:16] = True
    world = (AFFINE[:3, :3] @ np.indices(SHAPE).reshape(3, -1)).T.reshape(*SHAPE, 3) + AFFINE[:3, 3]
    cropped, affine = crop(world * mask[..., None], mask, AFFINE)
    assert cropped.shape[:3] == tuple(length + 2 * PADDING for length in (5, 6, 6))
    for voxel in ([3, 3, 3], [7, 8, 8]):
        assert cropped[tuple(voxel)].tolist() == (affine @ [*voxel, 1])[:3].tolist()


def test_features_are_shares_of_fixed_bins():
    found = features(np.array([0.1, -0.1, 0.3, -9.0]))
    shares = [found[f"feature_hist{index:02d}"] for index in range(BINS)]
    assert shares == [0.5, 0.25, *[0] * 13, 0.25] and found["feature_mean"] == 2.375
