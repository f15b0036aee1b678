import cases
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gliodelta import plugins
from gliodelta.imaging.difference import NORMALISATIONS
from gliodelta.imaging.pair import PADDING
from gliodelta.imaging.resample import resample

NAMES = plugins.names(NORMALISATIONS)
# Those to whom a change is no evidence of what the scanners did.
ROBUST = ["regression", "smooth-gain"]


def normalise(name, prior, current, mask):
    return plugins.load(NORMALISATIONS, name).normalise(prior, current, mask)


@pytest.fixture(scope="module")
def scene():
    """A noiseless brain with a smooth outline: (image, mask)."""
    exam = cases.pair(noise=0.0).current
    return np.array(exam.clean), np.array(exam.brain)


def lesion(mask, radius):
    """A ball in the brain, bool."""
    middle = np.argwhere(mask).mean(axis=0) + np.array([12, 0, 4])
    return (np.linalg.norm((np.moveaxis(np.indices(mask.shape), 0, -1) - middle) * [2, 2, 4], axis=-1) < radius) & mask


def field(mask, size):
    """A smooth log-gain that changes by `size` across the head."""
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, length) for length in mask.shape), indexing="ij")
    return size / 2 * np.sin(1.5 * x + y - 0.5 * z)


@pytest.mark.parametrize("name", NAMES)
def test_contract(name, scene):
    image, mask = scene
    scores = normalise(name, 3 * image, image + 10 * field(mask, 1).astype(np.float32), mask)
    for score in scores:
        assert score.dtype == np.float32 and score.shape == mask.shape
        assert np.isfinite(score).all() and not score[~mask].any()
    # The published deviation is that of the box with its background.
    if name != "whole-crop":
        assert scores[1][mask].std() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=5, deadline=None)
@given(gain=st.floats(0.01, 100))
def test_the_gain_of_an_exam_does_not_matter(name, scene, gain):
    image, mask = scene
    prior, current = normalise(name, np.float32(gain) * image, image, mask)
    np.testing.assert_allclose(prior, current, atol=1e-3)


@pytest.mark.parametrize("name", ["regression", "zscore", "smooth-gain", "whole-crop", "white-stripe"])
def test_swapped_exams_differ_in_the_same_places(name, scene):
    image, mask = scene
    other = 2 * image * np.exp(field(mask, 0.2)).astype(np.float32) + 500 * lesion(mask, 15)
    straight, swapped = (
        np.abs(np.subtract(*normalise(name, *exams, mask))) for exams in ((image, other), (other, image))
    )
    # The unit is the current exam's; nothing else may depend on the order.
    assert np.corrcoef(straight[mask], swapped[mask])[0, 1] > 0.9999


@pytest.mark.parametrize("name", ROBUST)
def test_a_large_change_has_no_vote(name, scene):
    image, mask = scene
    ball = lesion(mask, 24)
    grown = 2 * image + 1500 * ball
    prior, current = normalise(name, image, grown, mask)
    unchanged = mask & ~ball
    assert np.abs(current - prior)[unchanged].mean() < 0.02
    plain = np.subtract(*normalise("zscore", image, grown, mask))
    assert np.abs(plain)[unchanged].mean() > 0.2


def test_a_smooth_gain_is_taken_out_and_a_lesion_is_not(scene):
    image, mask = scene
    ball = lesion(mask, 15)
    current = image * np.exp(field(mask, 0.3)).astype(np.float32) * (1 + ball)
    left = {name: np.abs(np.subtract(*normalise(name, image, current, mask))) for name in ("regression", "smooth-gain")}
    unchanged = mask & ~ball
    assert left["smooth-gain"][unchanged].mean() < 0.4 * left["regression"][unchanged].mean()
    assert left["smooth-gain"][ball].mean() > 0.9 * left["regression"][ball].mean()


def test_histogram_matching_undoes_a_monotone_change_of_contrast(scene):
    image, mask = scene
    left, plain = (np.subtract(*normalise(name, image**0.3, image, mask)) for name in ("histogram", "zscore"))
    assert np.abs(left)[mask].mean() < 0.1 * np.abs(plain)[mask].mean()


def test_white_stripe_brings_white_matter_to_zero():
    rng = np.random.default_rng(0)
    white = np.arange(40_000) < 28_000
    tissue = np.where(white, 100, np.linspace(150, 400, white.size))
    exams = [(gain * (tissue + rng.normal(0, 3, white.size))).reshape(40, 40, 25) for gain in (1, 5)]
    for score in normalise("white-stripe", *exams, np.ones((40, 40, 25), bool)):
        assert np.median(score.ravel()[white]) == pytest.approx(0, abs=0.05)


def test_whole_crop_is_the_published_formula(scene):
    image, mask = scene
    inside = np.argwhere(mask)
    box = tuple(slice(low, high + 1) for low, high in zip(inside.min(axis=0), inside.max(axis=0), strict=True))
    crop = np.pad((image * mask)[box], PADDING)
    expected = (image - crop.mean()) / crop.std()
    np.testing.assert_allclose(normalise("whole-crop", image, image, mask)[0][mask], expected[mask], rtol=1e-4)


def test_what_fits_a_pair_is_not_pulled_by_where_its_brain_lies(scene):
    image, mask = scene
    moved = [np.pad(part, [(9, 0), (0, 4), (5, 5)]) for part in (image, mask)]
    shifted = resample(*[moved[0], np.eye(4), np.eye(4), moved[0].shape, np.eye(4)])
    here, there = (
        normalise("smooth-gain", part**0.9, part, where)[0] for part, where in ((image, mask), (shifted, moved[1]))
    )
    # Blocks start at the corner of the grid, so that they cut the brain a little differently.
    np.testing.assert_allclose(here[mask], there[moved[1]], atol=0.03)
