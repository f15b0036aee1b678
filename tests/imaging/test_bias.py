"""Bias correction: a known field is found, a missing one is not invented, and every engine keeps the contract."""

import numpy as np
import pytest

from gliodelta import io, plugins
from gliodelta.imaging import template
from gliodelta.imaging.bias import ENGINES, correct_bias


@pytest.fixture(scope="module")
def brain():
    """The template's brain without bias: (image, mask, affine)."""
    image, mask, affine, _ = template.head()
    rng = np.random.default_rng(0)
    return np.abs(1000 * image + rng.normal(0, 20, image.shape)).astype(np.float32), mask, affine


def field(shape, peak):
    """A smooth field that no polynomial of low order is: its natural logarithm, of about `peak`."""
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    return peak * (0.7 * x - 0.5 * y**2 + 0.4 * y * z + 0.4 * np.sin(2 * x + z))


def likeness(a, b, mask):
    """Correlation inside the mask."""
    return np.corrcoef(a[mask], b[mask])[0, 1]


@pytest.mark.parametrize("peak", [0.1, 0.3])
def test_a_field_is_removed_be_it_mild_or_strong(brain, peak):
    clean, mask, affine = brain
    log_field = field(clean.shape, peak)
    shaded = (clean * np.exp(log_field)).astype(np.float32)
    corrected = plugins.load(ENGINES, "n4").correct(shaded, affine, mask)
    assert likeness(np.log(shaded / np.maximum(corrected, 1e-6)), log_field, mask & (clean > 0)) > 0.95
    # The field may be right and the image worse for it: what counts is the image, 0.984 and 0.873 alike when shaded.
    assert likeness(corrected, clean, mask) > 0.99 > likeness(shaded, clean, mask)


def test_a_tumour_is_not_taken_for_a_field(brain):
    clean, mask, affine = brain
    place = np.argwhere(mask).mean(axis=0) + np.array([15, 5, 5])
    # A ball of 20 mm (34 ml) as bright as fluid.
    tumour = mask & (np.linalg.norm(np.moveaxis(np.indices(mask.shape), 0, -1) - place, axis=-1) < 10)
    image = np.where(tumour, 1000, clean).astype(np.float32)
    corrected = plugins.load(ENGINES, "n4").correct(image, affine, mask)
    assert corrected[tumour].mean() == pytest.approx(1000, rel=0.05)


def test_without_a_field_little_changes(brain):
    clean, mask, affine = brain
    corrected = plugins.load(ENGINES, "n4").correct(clean, affine, mask)
    assert likeness(corrected, clean, mask) > 0.99


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


def test_the_step_writes_the_image_and_what_it_did(tmp_path, brain):
    clean, mask, affine = brain
    io.write_image(clean * np.exp(field(clean.shape, 0.3)), affine, tmp_path / "t2.nii.gz")
    io.write_image(mask, affine, tmp_path / "m.nii.gz")
    io.write_json({"status": "included", "reason": ""}, tmp_path / "m.json")
    files = [tmp_path / name for name in ("t2.nii.gz", "m.nii.gz", "m.json")]
    correct_bias(*files, "n4", tmp_path / "b.nii.gz", tmp_path / "b.json")
    image = io.read_image(tmp_path / "b.nii.gz")
    assert image.get_data_dtype() == np.float32
    np.testing.assert_allclose(image.affine, affine, atol=1e-5)
    true_sd = field(clean.shape, 0.3)[mask].std()
    assert io.read_json(tmp_path / "b.json")["field_sd"] == pytest.approx(true_sd, rel=0.25)


def test_an_excluded_exam_passes_on_its_reason(tmp_path):
    io.write_json({"status": "excluded", "reason": "brain too small"}, tmp_path / "m.json")
    correct_bias(
        tmp_path / "absent", tmp_path / "absent", tmp_path / "m.json", "n4", tmp_path / "b.nii.gz", tmp_path / "b.json"
    )
    assert io.read_json(tmp_path / "b.json")["reason"] == "brain too small"


@pytest.mark.parametrize(
    ("value", "factor", "reason"),
    [(0, 1, "the image is black inside the brain"), (7, np.nan, "the bias correction fails numerically on the image")],
)
def test_a_numerical_failure_excludes_the_exam(tmp_path, monkeypatch, value, factor, reason):
    monkeypatch.setattr("gliodelta.imaging.bias_correction.none.correct", lambda data, *_: data * np.float32(factor))
    io.write_image(np.full((5, 5, 5), value, np.float32), np.eye(4), tmp_path / "t2.nii.gz")
    io.write_image(np.ones((5, 5, 5), np.uint8), np.eye(4), tmp_path / "m.nii.gz")
    io.write_json({"status": "included", "reason": ""}, tmp_path / "m.json")
    files = [tmp_path / name for name in ("t2.nii.gz", "m.nii.gz", "m.json")]
    correct_bias(*files, "none", tmp_path / "b.nii.gz", tmp_path / "b.json")
    assert io.read_json(tmp_path / "b.json") == {"status": "excluded", "reason": reason}
    assert io.read_image(tmp_path / "b.nii.gz").shape == (1, 1, 1)
