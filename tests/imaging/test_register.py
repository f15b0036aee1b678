import numpy as np
import phantom
import pytest

from gliodelta import io
from gliodelta.imaging.register import precedes, register_pair, similarity


@pytest.fixture(scope="module")
def exams(tmp_path_factory):
    """A prior and a current exam of one brain as `correct_bias` and `extract_brain` leave them."""
    folder, rng = tmp_path_factory.mktemp("exams"), np.random.default_rng(0)
    files = {}
    for name, degrees in (("prior", 5), ("current", -5)):
        image, mask, affine = phantom.scan(phantom.pose(rng, degrees), rng, (2, 2, 4), noise=0.02, gain=0)
        files[name] = {key: folder / f"{name}_{key}" for key in ("image.nii.gz", "mask.nii.gz", "sidecar.json")}
        io.write_image(image, affine, files[name]["image.nii.gz"])
        io.write_image(mask, affine, files[name]["mask.nii.gz"])
        io.write_json({"status": "included", "reason": ""}, files[name]["sidecar.json"])
    return {name: {key.split(".")[0]: path for key, path in paths.items()} for name, paths in files.items()}


def run(exams, folder, pair="0to96"):
    outputs = folder / "xfm.mat", folder / "prior.nii.gz", folder / "prior.json"
    register_pair(pair, exams["prior"], exams["current"], "gauss-newton", *outputs)
    return outputs


def test_the_prior_exam_comes_to_lie_on_the_current_one(exams, tmp_path):
    transform, registered, sidecar = run(exams, tmp_path)
    report, current = io.read_json(sidecar), io.read_image(exams["current"]["image"])
    image = io.read_image(registered)
    assert image.shape == current.shape and np.allclose(image.affine, current.affine)
    assert report["status"] == "included" and report["engine"] == "gauss-newton"
    assert report["similarity_before"] < 0.7 and report["similarity_after"] > 0.9
    mask = io.read_image(exams["current"]["mask"]).get_fdata() > 0
    assert report["similarity_after"] == similarity(current.get_fdata(), image.get_fdata(), mask)
    assert np.loadtxt(transform).shape == (4, 4)


def test_equal_exams_give_equal_bytes(exams, tmp_path):
    first, second = (run(exams, tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.parametrize("pair", ["96to96", "100to96"])
def test_prior_must_precede_current(exams, tmp_path, pair):
    _, registered, sidecar = run(exams, tmp_path, pair)
    assert io.read_json(sidecar) == {"status": "excluded", "reason": "prior must precede current"}
    assert io.read_image(registered).shape == (1, 1, 1)


def test_sessions_are_compared_as_numbers():
    assert precedes("96to100") and not precedes("100to96") and precedes("0020to100")


def test_an_excluded_exam_is_passed_on(exams, tmp_path):
    sidecar = tmp_path / "T2w.json"
    io.write_json({"status": "excluded", "reason": "the image cannot be read"}, sidecar)
    bad = exams | {"prior": exams["prior"] | {"sidecar": sidecar, "image": tmp_path / "missing"}}
    outputs = run(bad, tmp_path)
    assert io.read_json(outputs[2])["reason"] == "the image cannot be read"
    assert all(path.exists() for path in outputs)


def test_similarity_of_a_constant_image_is_none():
    rng = np.random.default_rng(0).normal(size=(4, 4, 4))
    everywhere = np.ones(rng.shape, bool)
    assert similarity(rng, np.zeros(rng.shape), everywhere) == 0
    assert similarity(rng, 3 - 2 * rng, everywhere) == -1


@pytest.mark.parametrize("matrix", [np.zeros((4, 4)), np.diag([-1.0, 1, 1, 1]), np.full((4, 4), np.nan), None])
def test_a_numerical_failure_excludes_the_pair(exams, tmp_path, monkeypatch, matrix):
    def register(*_):
        return np.linalg.inv(np.zeros((4, 4))) if matrix is None else matrix

    monkeypatch.setattr("gliodelta.imaging.registration.gauss_newton.register", register)
    transform, registered, sidecar = run(exams, tmp_path)
    reason = "the registration fails numerically on the pair"
    assert io.read_json(sidecar) == {"status": "excluded", "reason": reason}
    assert transform.exists() and io.read_image(registered).shape == (1, 1, 1)


def test_a_similarity_that_is_not_finite_excludes_the_pair(exams, tmp_path, monkeypatch):
    monkeypatch.setattr("gliodelta.imaging.register.similarity", lambda *_: float("nan"))
    assert io.read_json(run(exams, tmp_path)[2])["status"] == "excluded"
