"""The step `register_pair`: its checks, its second tries and its reasons, with engines of known behaviour."""

import cases
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gliodelta import io
from gliodelta.imaging.register import precedes, register_pair, similarity
from gliodelta.status import Excluded

ENGINE, FALLBACK = "gauss-newton", "greedy"
SPACING = (4, 4, 5)


@pytest.fixture(scope="module")
def pair():
    return cases.pair(spacing=SPACING, head_mm=2.0)


@pytest.fixture(scope="module")
def exams(tmp_path_factory, pair):
    """A prior and a current exam as `correct_bias` and `extract_brain` leave them."""
    folder = tmp_path_factory.mktemp("exams")
    return {name: write(getattr(pair, name), folder / name) for name in ("prior", "current")}


def write(exam, folder):
    paths = {"image": folder / "T2w.nii.gz", "mask": folder / "mask.nii.gz", "sidecar": folder / "T2w.json"}
    io.write_image(exam.image, exam.affine, paths["image"])
    io.write_image(exam.brain, exam.affine, paths["mask"])
    io.write_json({"status": "included", "reason": ""}, paths["sidecar"])
    return paths


def run(exams, folder, pair="0to96", backends=(ENGINE, FALLBACK), min_similarity=0.6):
    """Runs the step; returns the transform's file and the sidecar's content."""
    transform, sidecar = folder / "xfm.mat", folder / "xfm.json"
    register_pair(pair, exams["prior"], exams["current"], list(backends), min_similarity, transform, sidecar)
    return transform, io.read_json(sidecar)


@pytest.fixture
def engine(monkeypatch):
    """Makes an engine give a matrix, or raise an error; counts nothing, runs nothing."""

    def set_engine(name, answer):
        def register(*_):
            if isinstance(answer, BaseException):
                raise answer
            return answer

        monkeypatch.setattr(f"gliodelta.imaging.registration.{name.replace('-', '_')}.register", register)

    return set_engine


def turned(matrix, degrees, centre):
    """`matrix` after a turn about `centre`."""
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("z", degrees, degrees=True).as_matrix()
    turn[:3, 3] = centre - turn[:3, :3] @ centre
    return matrix @ turn


def test_a_pair_is_registered_and_its_motion_told(exams, pair, tmp_path):
    transform, report = run(exams, tmp_path)
    assert report["status"] == "included" and report["engine"] == ENGINE and report["tried"] == []
    assert report["similarity_before"] < 0.7 and report["similarity_after"] > 0.9
    assert cases.target_error(np.loadtxt(transform), pair) < 0.3
    # The pair is turned by about 4 degrees, stretched by about 2 % and moved by up to 8 mm along each axis.
    assert 2 < report["rotation_degrees"] < 6 and 0.5 < report["stretch_percent"] < 6
    assert 4 < report["translation_mm"] < 20


def test_equal_exams_give_equal_bytes(exams, tmp_path):
    first, second = (run(exams, tmp_path / name) for name in "ab")
    assert first[0].read_bytes() == second[0].read_bytes() and first[1] == second[1]


@pytest.mark.parametrize("pair_id", ["96to96", "100to96"])
def test_prior_must_precede_current(exams, tmp_path, pair_id):
    transform, report = run(exams, tmp_path, pair_id)
    assert report == {"status": "excluded", "reason": "prior must precede current"} and transform.read_text() == ""


def test_sessions_are_compared_as_numbers():
    assert precedes("96to100") and not precedes("100to96") and precedes("0020to100")


def test_an_excluded_exam_is_passed_on(exams, tmp_path):
    sidecar = tmp_path / "T2w.json"
    io.write_json({"status": "excluded", "reason": "the image cannot be read"}, sidecar)
    bad = exams | {"prior": exams["prior"] | {"sidecar": sidecar, "image": tmp_path / "missing"}}
    transform, report = run(bad, tmp_path)
    assert report["reason"] == "the image cannot be read" and transform.exists()


def wrong_answers():
    """What an engine may give on a bad day, and the words that say so."""
    far = np.eye(4)
    far[:3, 3] = 90
    return {
        "mirrored": (np.diag([-1.0, 1, 1, 1]), "mirrors"),
        "flat": (np.zeros((4, 4)), "mirrors or flattens"),
        "not finite": (np.full((4, 4), np.nan), "no transform"),
        "singular": (np.linalg.LinAlgError("singular"), "no transform"),
        "gave up": (Excluded("it gave up"), "it gave up"),
        "stretched": (np.diag([1.3, 1, 1, 1]), "stretches the head by 30 %"),
        "far": (far, "mm apart"),
    }


@pytest.mark.parametrize("kind", wrong_answers())
def test_a_failure_is_told_and_the_next_engine_takes_over(exams, pair, tmp_path, engine, kind):
    answer, words = wrong_answers()[kind]
    engine(ENGINE, answer)
    engine(FALLBACK, pair.truth)
    transform, report = run(exams, tmp_path)
    assert report["status"] == "included" and report["engine"] == FALLBACK
    assert [trial["engine"] for trial in report["tried"]] == [ENGINE] and words in report["tried"][0]["reason"]
    np.testing.assert_allclose(np.loadtxt(transform), pair.truth, atol=1e-8)


def test_too_much_rotation_and_too_little_similarity_are_failures(exams, pair, tmp_path, engine):
    middle = np.argwhere(pair.current.brain).mean(axis=0) @ pair.current.affine[:3, :3].T + pair.current.affine[:3, 3]
    for degrees, words in ((75, "turns the head"), (25, "correlate by")):
        engine(ENGINE, turned(pair.truth, degrees, middle))
        _, report = run(exams, tmp_path, backends=[ENGINE])
        assert report["status"] == "excluded" and words in report["reason"]


def test_a_registration_that_makes_it_worse_is_a_failure(pair, tmp_path, engine):
    same = {name: write(pair.current, tmp_path / name) for name in ("prior", "current")}
    engine(ENGINE, pair.truth)
    _, report = run(same, tmp_path, backends=[ENGINE], min_similarity=0)
    assert "less than before, 1.00" in report["reason"]


def test_when_all_fail_the_reason_names_each_engine_and_what_to_do(exams, tmp_path, engine):
    engine(ENGINE, np.full((4, 4), np.inf))
    engine(FALLBACK, np.diag([-1.0, 1, 1, 1]))
    transform, report = run(exams, tmp_path)
    assert report["status"] == "excluded" and transform.read_text() == ""
    assert f"{ENGINE}: it found no transform; {FALLBACK}: it mirrors" in report["reason"]
    assert "check that both show the brain of one patient" in report["reason"]


@pytest.mark.parametrize("fault", [MemoryError(), OSError(28, "no space left"), ZeroDivisionError()])
def test_machine_faults_and_bugs_stop_the_job(exams, tmp_path, engine, fault):
    engine(ENGINE, fault)
    with pytest.raises(type(fault)):
        run(exams, tmp_path)


def test_another_patient_is_no_prior_exam(exams, tmp_path):
    other = write(cases.pair(seed=1, spacing=SPACING, head_mm=2.0).prior, tmp_path / "other")
    _, report = run(exams | {"prior": other}, tmp_path, backends=[ENGINE], min_similarity=0.9)
    assert report["status"] == "excluded" and "less than 0.9" in report["reason"]


def exam(image, mask=None):
    return image, np.eye(4), np.ones(image.shape, bool) if mask is None else mask


def test_similarity_is_the_correlation_inside_the_brain():
    draw = np.random.default_rng(0)
    first, second = draw.normal(size=(2, 6, 6, 6)).astype(np.float32)
    mask = draw.random(first.shape) > 0.5
    expected = np.corrcoef(first[mask], second[mask])[0, 1]
    assert similarity(exam(first, mask), exam(second), np.eye(4)) == pytest.approx(expected, abs=1e-4)
    assert similarity(exam(first), exam(3 - 2 * first), np.eye(4)) == -1


def test_what_the_prior_exam_does_not_show_has_no_say_unless_it_is_most():
    image = np.random.default_rng(0).normal(size=(10, 4, 4)).astype(np.float32)
    up = np.eye(4)
    up[0, 3] = -5
    # Voxel i of the current exam is voxel i - 5 of the prior one, which has lost its lowest half or four fifths.
    assert similarity(exam(image), exam(image[5:]), up) == 1
    up[0, 3] = -8
    assert similarity(exam(image), exam(image[8:]), up) == 0


def test_nothing_is_like_a_constant_image():
    image = np.random.default_rng(0).normal(size=(4, 4, 4)).astype(np.float32)
    assert similarity(exam(image), exam(np.zeros_like(image)), np.eye(4)) == 0
