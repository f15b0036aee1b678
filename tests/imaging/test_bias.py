"""Bias correction: a known field is found, a missing one is not invented, and every engine keeps the contract."""

import ants
import cases
import numpy as np
import pytest
from scipy import ndimage

from gliodelta import io, plugins
from gliodelta.imaging import template
from gliodelta.imaging.bias import ENGINES, MARGIN_MM, correct_bias
from gliodelta.imaging.bias_correction import ants as ants_engine
from gliodelta.status import Excluded


@pytest.fixture(scope="module")
def brain():
    """The template's brain without bias, in voxels of 4 mm: (image, mask, affine)."""
    image, mask, affine, _ = template.head()
    image, mask = image[::2, ::2, ::2], mask[::2, ::2, ::2]
    rng = np.random.default_rng(0)
    return (
        np.abs(1000 * image + rng.normal(0, 20, image.shape)).astype(np.float32),
        mask,
        affine @ np.diag([2, 2, 2, 1]),
    )


def likeness(image, exam):
    """Correlation with the image without bias and noise, inside the brain."""
    return np.corrcoef(image[exam.brain], exam.clean[exam.brain])[0, 1]


def correct(engine, exam):
    return plugins.load(ENGINES, engine).correct(exam.image, exam.affine, exam.brain)


# What the shaded images show: 0.88 to 0.90, 0.50 to 0.60 and 0.63; without any field, noise leaves 0.985.
@pytest.mark.parametrize(("bias", "expected"), [("mild", 0.97), ("strong", 0.92), ("coil", 0.94)])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_field_is_removed_be_it_mild_or_strong(seed, bias, expected):
    exam = cases.pair(seed=seed, bias=bias, lesion_ml=(0, 40)).current
    corrected = correct("n4", exam)
    assert likeness(corrected, exam) > expected > likeness(exam.image, exam) + 0.05
    inside = exam.brain & (corrected > 0)
    found = np.log(exam.image[inside] / corrected[inside])
    assert np.corrcoef(found, np.log(exam.field[inside]))[0, 1] > 0.95


@pytest.mark.parametrize("bias", ["none", "mild", "strong"])
def test_the_image_is_nearer_to_the_one_without_bias_than_by_the_published_recipe(bias):
    exam = cases.pair(bias=bias, lesion_ml=(0, 40)).current
    assert likeness(correct("n4", exam), exam) >= likeness(correct("ants", exam), exam)


@pytest.mark.parametrize("lesion_ml", [0, 40])
@pytest.mark.parametrize("seed", [0, 1])
def test_where_there_is_no_field_little_harm_is_done(seed, lesion_ml):
    exam = cases.pair(seed=seed, lesion_ml=(0, lesion_ml)).current
    assert likeness(correct("n4", exam), exam) > likeness(exam.image, exam) - 0.001


def test_a_tumour_is_not_taken_for_a_field():
    exam = cases.pair(bias="mild", lesion_ml=(0, 40)).current
    corrected = correct("n4", exam)
    ratio = [image[exam.lesion].mean() / image[exam.brain].mean() for image in (corrected, exam.clean)]
    assert ratio[0] == pytest.approx(ratio[1], rel=0.03)


@pytest.mark.parametrize("engine", plugins.names(ENGINES))
def test_every_engine_keeps_shape_type_mean_and_scale(engine, brain):
    clean, mask, affine = brain
    correct = plugins.load(ENGINES, engine).correct
    once, scaled = correct(clean, affine, mask), correct(clean * 7, affine, mask)
    assert once.shape == clean.shape and once.dtype == np.float32 and np.isfinite(once).all() and (once >= 0).all()
    assert once[mask].mean() == pytest.approx(clean[mask].mean(), rel=1e-4)
    np.testing.assert_allclose(scaled[mask], 7 * once[mask], rtol=1e-3, atol=1)


@pytest.mark.parametrize("engine", plugins.names(ENGINES))
def test_a_constant_brain_stays_constant(engine):
    mask = np.zeros((20, 20, 20), bool)
    mask[4:16, 4:16, 4:16] = True
    image = np.where(mask, 100, 0).astype(np.float32)
    corrected = plugins.load(ENGINES, engine).correct(image, np.diag([8.0, 8, 8, 1]), mask)
    np.testing.assert_allclose(corrected[mask], 100, rtol=1e-4)


@pytest.fixture
def step(tmp_path):
    """A function that runs the step on an image and its mask; returns the image written and its sidecar."""

    def run(image, mask, affine, engine="n4", deface=False):
        io.write_image(image, affine, tmp_path / "t2.nii.gz")
        io.write_image(mask, affine, tmp_path / "m.nii.gz")
        io.write_json({"status": "included", "reason": ""}, tmp_path / "m.json")
        inputs = [tmp_path / name for name in ("t2.nii.gz", "m.nii.gz", "m.json")]
        correct_bias(*inputs, engine, deface, tmp_path / "b.nii.gz", tmp_path / "b.json")
        return io.read_image(tmp_path / "b.nii.gz"), io.read_json(tmp_path / "b.json")

    return run


def test_the_step_writes_the_image_and_what_it_did(step):
    exam = cases.pair(bias="strong").current
    image, sidecar = step(exam.image, exam.brain, exam.affine)
    assert image.get_data_dtype() == np.float32
    np.testing.assert_allclose(image.affine, exam.affine, atol=1e-5)
    assert sidecar["field_sd"] == pytest.approx(np.log(exam.field[exam.brain]).std(), rel=0.15)
    assert sidecar["engine"] == "n4" and sidecar["defaced"] is False


def test_a_defaced_exam_keeps_the_brain_and_nothing_beyond_the_margin(step):
    exam = cases.pair().current
    whole, _ = step(exam.image, exam.brain, exam.affine)
    defaced, sidecar = step(exam.image, exam.brain, exam.affine, deface=True)
    whole, defaced = whole.get_fdata(), defaced.get_fdata()
    distance = ndimage.distance_transform_edt(~exam.brain, np.linalg.norm(exam.affine[:3, :3], axis=0))
    assert sidecar["defaced"] is True and (whole[distance > MARGIN_MM] > 0).any()
    assert not defaced[distance > MARGIN_MM].any()
    np.testing.assert_array_equal(defaced[distance <= MARGIN_MM], whole[distance <= MARGIN_MM])


def test_defacing_leaves_the_registration_as_it_is(step):
    pair = cases.pair(bias="mild", lesion_ml=(10, 30))
    register = plugins.load("gliodelta.imaging.registration", "gauss-newton").register
    found = []
    for deface in (False, True):
        (fixed, fixed_mask), (moving, moving_mask) = (
            (step(exam.image, exam.brain, exam.affine, deface=deface)[0].get_fdata(dtype=np.float32), exam.brain)
            for exam in (pair.current, pair.prior)
        )
        found.append(register(fixed, moving, pair.current.affine, pair.prior.affine, fixed_mask, moving_mask))
    # A tenth of the error that registration has itself.
    assert cases.target_error(found[0], pair, truth=found[1]) < 0.02
    assert cases.target_error(found[1], pair) < 0.3


def test_an_excluded_exam_passes_on_its_reason(tmp_path):
    io.write_json({"status": "excluded", "reason": "brain too small"}, tmp_path / "m.json")
    correct_bias(
        *(tmp_path / name for name in ("absent", "absent", "m.json")),
        "n4",
        False,
        *(tmp_path / name for name in ("b.nii.gz", "b.json")),
    )
    assert io.read_json(tmp_path / "b.json")["reason"] == "brain too small"


@pytest.mark.parametrize(
    ("value", "factor", "reason"),
    [(0, 1, "the image is black inside the brain"), (7, np.nan, "the bias correction fails numerically on the image")],
)
def test_a_numerical_failure_excludes_the_exam(step, monkeypatch, value, factor, reason):
    monkeypatch.setattr("gliodelta.imaging.bias_correction.none.correct", lambda data, *_: data * np.float32(factor))
    image, sidecar = step(np.full((5, 5, 5), value, np.float32), np.ones((5, 5, 5), bool), np.eye(4), "none")
    assert sidecar == {"status": "excluded", "reason": reason}
    assert image.shape == (1, 1, 1)


@pytest.mark.parametrize(
    ("message", "error", "text"),
    [("ITK ERROR: histogram", Excluded, ants_engine.FAILURE), ("std::bad_alloc", RuntimeError, "bad_alloc")],
)
def test_ants_failing_on_an_image_excludes_it_and_a_full_memory_stays_an_error(monkeypatch, message, error, text):
    def fail(image):
        raise RuntimeError(message)

    monkeypatch.setattr(ants, "n4_bias_field_correction", fail)
    with pytest.raises(error, match=text):
        ants_engine.correct(np.ones((4, 4, 4), np.float32), np.eye(4), np.ones((4, 4, 4), bool))
