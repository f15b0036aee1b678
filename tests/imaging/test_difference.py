import cases
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from gliodelta import io
from gliodelta.imaging.difference import BINS, features, map_difference, normalised, symmetry
from gliodelta.imaging.pair import Exam, unite
from gliodelta.imaging.resample import resample

AFFINE = np.array([[-2, 0, 0, 30], [0, 2, 0, -20], [0, 0, 3, 7], [0, 0, 0, 1.0]])
SHAPE = (20, 24, 16)


def brain():
    mask = np.zeros(SHAPE, bool)
    mask[4:16, 6:20, 2:16] = True
    return mask


@pytest.fixture
def pair(tmp_path):
    """A current exam with a bright spot that the prior one lacks; the prior's top slices are out of its view."""
    rng = np.random.default_rng(0)
    current = rng.normal(100, 10, SHAPE).astype(np.float32)
    prior = current * 3 + rng.normal(0, 1, SHAPE).astype(np.float32)
    current[8:10, 8:10, 8:10] += 100
    write(tmp_path, "current", current, brain(), fluid_contrast=0.2, saturated=0.01)
    write(tmp_path, "prior", prior[:, :, :13], brain()[:, :, :13], fluid_contrast=0.3, saturated=0.0)
    np.savetxt(tmp_path / "xfm.mat", np.eye(4))
    registration = {"status": "included", "reason": "", "engine": "gauss-newton", "tried": []}
    io.write_json(registration | {"similarity_before": 0.1, "similarity_after": 0.9}, tmp_path / "xfm.json")
    return tmp_path


def write(folder, name, image, mask, fluid_contrast, saturated):
    io.write_image(image, AFFINE, folder / f"{name}_image.nii.gz")
    io.write_image(mask, AFFINE, folder / f"{name}_mask.nii.gz")
    included = {"status": "included", "reason": ""}
    io.write_json(included | {"fluid_contrast": fluid_contrast}, folder / f"{name}_mask_sidecar.json")
    io.write_json(included | {"saturated": saturated}, folder / f"{name}_source.json")


SETTINGS = {"space": "current", "sharpness": "own", "normalisation": "zscore"}


def run(folder, name="out"):
    """Maps the pair and returns the paths of what came out, by name."""
    kinds = {"image": ".nii.gz", "mask": ".nii.gz", "mask_sidecar": ".json", "source": ".json"}
    prior, current = (
        {part: folder / f"{exam}_{part}{kind}" for part, kind in kinds.items()} for exam in ("prior", "current")
    )
    outputs = {part: folder / name / f"{part}.nii.gz" for part in ("prior", "pair", "signed", "absolute")}
    outputs |= {"qc": folder / name / "qc.json", "picture": folder / name / "qc.png"}
    registration = {"transform": folder / "xfm.mat", "sidecar": folder / "xfm.json"}
    map_difference("a1 · 0to96", prior, current, registration, SETTINGS, outputs)
    return outputs


def test_the_map_shows_the_change_where_it_is(pair):
    outputs = run(pair)
    images, signed, absolute = (io.read_image(outputs[name]) for name in ("pair", "signed", "absolute"))
    volumes, change = images.get_fdata(), signed.get_fdata()
    assert np.allclose(change, volumes[..., 1] - volumes[..., 0], atol=1e-6)
    np.testing.assert_array_equal(absolute.get_fdata(), np.abs(change))
    voxel = np.unravel_index(change.argmax(), change.shape)
    world = signed.affine @ [*voxel, 1]
    place = (np.linalg.inv(AFFINE) @ world)[:3]
    assert np.allclose(place, place.round()) and all(8 <= index < 10 for index in place.round())


def test_the_registered_prior_keeps_its_own_intensities_on_the_grid_of_the_pair(pair):
    outputs = run(pair)
    prior, images = io.read_image(outputs["prior"]), io.read_image(outputs["pair"])
    assert prior.shape == images.shape[:3] and (prior.affine == images.affine).all()
    common = images.get_fdata().any(axis=-1)
    shown = io.read_image(pair / "prior_image.nii.gz").get_fdata()[brain()[:, :, :13]]
    np.testing.assert_allclose(np.sort(prior.get_fdata()[common]), np.sort(shown), rtol=1e-5)


def test_a_moved_prior_exam_is_brought_back(pair):
    still = io.read_image(run(pair, "still")["signed"])
    moved = np.eye(4)
    moved[:3, 3] = 4, -6, 9
    for part in ("image", "mask"):
        image = io.read_image(pair / f"prior_{part}.nii.gz")
        io.write_image(image.get_fdata(), moved @ image.affine, pair / f"prior_{part}.nii.gz")
    np.savetxt(pair / "xfm.mat", moved)
    found = io.read_image(run(pair, "moved")["signed"])
    np.testing.assert_array_equal(found.affine, still.affine)
    np.testing.assert_allclose(found.get_fdata(), still.get_fdata(), atol=1e-5)


def test_the_numbers_of_the_quality_report(pair):
    outputs = run(pair)
    report = io.read_json(outputs["qc"])
    assert report["brain_ml_current"] == brain().sum() * 12 / 1000
    assert report["brain_ml_prior"] == brain()[:, :, :13].sum() * 12 / 1000
    assert (report["similarity_before"], report["similarity_after"]) == (0.1, 0.9)
    assert (report["fluid_contrast_prior"], report["fluid_contrast_current"]) == (0.3, 0.2)
    assert (report["saturated_prior"], report["saturated_current"]) == (0, 0.01)
    assert "tried" not in report and outputs["picture"].stat().st_size > 0


def test_equal_inputs_give_equal_bytes(pair):
    first, second = run(pair, "a"), run(pair, "b")
    assert [path.read_bytes() for path in first.values()] == [path.read_bytes() for path in second.values()]


@pytest.mark.parametrize("exam", ["prior", "current"])
def test_a_constant_exam_is_excluded(pair, exam):
    image = io.read_image(pair / f"{exam}_image.nii.gz")
    io.write_image(np.full(image.shape, 7.0), AFFINE, pair / f"{exam}_image.nii.gz")
    assert "constant" in io.read_json(run(pair)["qc"])["reason"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_exam_that_is_not_finite_is_excluded(pair, value):
    image = io.read_image(pair / "prior_image.nii.gz").get_fdata()
    image[8, 8, 8] = value
    io.write_image(image, AFFINE, pair / "prior_image.nii.gz")
    assert "not finite inside the brain" in io.read_json(run(pair)["qc"])["reason"]


def test_what_is_not_finite_outside_the_brain_does_no_harm(pair):
    clean = io.read_image(run(pair, "clean")["signed"]).get_fdata()
    image = io.read_image(pair / "prior_image.nii.gz").get_fdata()
    image[0, 0, 0] = np.nan
    io.write_image(image, AFFINE, pair / "prior_image.nii.gz")
    np.testing.assert_allclose(io.read_image(run(pair, "holed")["signed"]).get_fdata(), clean, atol=1e-6)


def test_no_common_brain_excludes_the_pair(pair):
    away = np.eye(4)
    away[:3, 3] = 500
    np.savetxt(pair / "xfm.mat", away)
    outputs = run(pair)
    assert io.read_json(outputs["qc"])["reason"] == "the prior exam does not show the brain of the current one"
    assert all(path.exists() for path in outputs.values())


def test_an_excluded_registration_is_passed_on(pair):
    io.write_json({"status": "excluded", "reason": "no T2 series"}, pair / "xfm.json")
    assert io.read_json(run(pair)["qc"]) == {"status": "excluded", "reason": "no T2 series"}


PUBLISHED = {"space": "current", "sharpness": "own", "normalisation": "whole-crop"}
DEFAULT = {"space": "current", "sharpness": "equal", "normalisation": "smooth-gain"}
# What makes two exams of one patient differ everywhere, beside a tumour that grows or is taken out.
VISITS = {
    "other slices": dict(prior_spacing=(1.5, 1.5, 6.0), lesion_ml=(10, 20)),
    "other coils": dict(bias="coil", lesion_ml=(10, 20)),
    "other contrast": dict(gamma=0.7, bias="mild", lesion_ml=(10, 20)),
    "resection": dict(bias="mild", lesion_ml=(40, 0), resected=True),
}


def simulated(**case):
    """Both exams of a simulated pair with true masks and transform, and where tissue changed on the current grid."""
    pair = cases.pair(**case)
    exams = [Exam(np.array(exam.image), exam.brain | exam.lesion, exam.affine) for exam in (pair.prior, pair.current)]
    return exams, pair.truth, pair.changed


def visibility(exams, truth, changed, settings):
    """Voxel AUC of |difference| for true change inside the common brain."""
    united = unite(*exams, truth, settings["space"])
    scores, common = normalised(*united, settings)
    changed = resample(changed, exams[1].affine, np.eye(4), common.shape, united[1].affine)[common] > 0.5
    return roc_auc_score(changed, np.abs(scores[..., 1] - scores[..., 0])[common])


@pytest.mark.parametrize("visit", VISITS)
def test_change_shows_better_than_by_the_published_recipe(visit):
    scene = simulated(**VISITS[visit])
    found, published = (visibility(*scene, settings) for settings in (DEFAULT, PUBLISHED))
    assert 1 - found < 0.75 * (1 - published)


@pytest.mark.parametrize("sharpness", ["own", "equal"])
def test_half_way_the_order_of_the_exams_matters_less_and_change_shows_as_well(sharpness):
    exams, truth, changed = simulated(**VISITS["other coils"])
    spaces = [DEFAULT | {"sharpness": sharpness, "space": space} for space in ("current", "half-way")]
    current, half_way = (symmetry(*exams, truth, settings) for settings in spaces)
    assert 1 - half_way < 0.8 * (1 - current)
    current, half_way = (visibility(exams, truth, changed, settings) for settings in spaces)
    assert half_way > current - 0.01


def test_a_map_of_equal_grids_is_symmetric_and_one_of_noise_alone_too():
    rng = np.random.default_rng(0)
    exams = [Exam(rng.normal(100, 10, SHAPE).astype(np.float32), brain(), AFFINE) for _ in range(2)]
    assert symmetry(*exams, np.eye(4), SETTINGS) == pytest.approx(1)
    assert symmetry(exams[0], exams[0], np.eye(4), SETTINGS) is None


def test_features_are_shares_of_fixed_bins():
    found = features(np.array([0.1, -0.1, 0.3, -9.0]))
    shares = [found[f"feature_hist{index:02d}"] for index in range(BINS)]
    assert shares == [0.5, 0.25, *[0] * 13, 0.25] and found["feature_mean"] == 2.375
