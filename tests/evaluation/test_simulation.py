"""The check of the simulation measures known errors as what they are."""

import numpy as np
import pandas as pd
import pytest

from gliodelta import io
from gliodelta.evaluation.simulation import check_simulation

SPACING = 4.0
SHAPE = (24, 24, 20)
AFFINE = np.diag([SPACING, SPACING, SPACING, 1.0])
AFFINE[:3, 3] = [-46, -46, -38]


def ball(centre, radius, affine=AFFINE, shape=SHAPE):
    """Mask of a ball in world mm."""
    world = np.einsum("ij,j...->i...", affine[:3, :3], np.indices(shape)) + affine[:3, 3][:, None, None, None]
    return (np.linalg.norm(world - np.reshape(centre, (3, 1, 1, 1)), axis=0) <= radius).astype(np.uint8)


def moved(*translation):
    """4x4 translation in mm."""
    matrix = np.eye(4)
    matrix[:3, 3] = translation
    return matrix


class Simulated:
    """One simulated patient, three exams: the tumour grows to the second, nothing happens to the third.

    The patient lies at another place in the second exam, by `SHIFT`.
    """

    SHIFT = (8, 0, 0)
    SESSIONS = ("0000", "0100", "0200")

    def __init__(self, folder):
        self.folder = folder
        self.cohort = folder / "sim.yaml"
        io.write_yaml({"role": "development", "layout": "dicom", "simulation": {}}, self.cohort)
        pairs = list(zip(self.SESSIONS[:-1], self.SESSIONS[1:], strict=True))
        self.pairs = pd.DataFrame([{"subject": "s01", "prior": prior, "current": current} for prior, current in pairs])
        exams = pd.DataFrame([{"subject": "s01", "session": session, "source": "x"} for session in self.SESSIONS])
        self.sheet("exams", exams)
        self.sheet("pairs", self.pairs)
        self.sheet("labels", self.pairs.assign(reader="r1", label=["progression", "response"]))
        # A report that is right, and one that told nothing.
        votes = self.pairs.assign(label=["response", "unknown"])
        io.write_table(votes, folder / "results/labels/sim/votes.tsv")
        self.truth = folder / "results/simulation/sim/sub-s01/truth"
        for session in self.SESSIONS:
            self.exam(session)
        for prior, current in pairs:
            self.pair(prior, current)
        truths = {"0000to0100": "progression", "0100to0200": "stable"}
        io.write_json({"exams": {}, "pairs": truths}, self.truth / "truth.json")

    def sheet(self, kind, table):
        io.write_table(table, self.folder / "sim" / f"{kind}.tsv")

    def pose(self, session):
        return moved(*self.SHIFT) if session == "0100" else np.eye(4)

    def exam(self, session):
        """Truth of an exam, and a brain mask that found all of the brain."""
        centre = self.pose(session)[:3, 3]
        tumour = ball(centre, 8 if session == "0000" else 16)
        io.write_image(ball(centre, 34), AFFINE, self.truth / f"exam-{session}_brain.nii.gz")
        io.write_image(tumour, AFFINE, self.truth / f"exam-{session}_tumour.nii.gz")
        np.savetxt(self.truth / f"exam-{session}_pose.mat", self.pose(session))
        stem = self.folder / f"results/imaging/sim/sub-s01/ses-{session}/sub-s01_ses-{session}_desc-brain_mask"
        # The converter may store axes in another direction than the truth does; the world is the same.
        flipped = AFFINE @ np.diag([-1.0, 1, 1, 1])
        flipped[0, 3] = AFFINE[0, 3] + SPACING * (SHAPE[0] - 1)
        io.write_image(ball(centre, 34)[::-1], flipped, f"{stem}.nii.gz")
        io.write_json({"status": "included", "reason": ""}, f"{stem}.json")

    def pair(self, prior, current):
        """A transform that is 1 mm off, and a difference map that shows just what changed."""
        stem = self.stem(prior, current)
        true = self.pose(prior) @ np.linalg.inv(self.pose(current))
        io.write_text("", f"{stem}_from-prior_to-current_xfm.mat")
        np.savetxt(f"{stem}_from-prior_to-current_xfm.mat", moved(0, 1, 0) @ true)
        centre = self.pose(current)[:3, 3]
        grown = ball(centre, 16) - (ball(centre, 8) if prior == "0000" else ball(centre, 16))
        io.write_image(ball(centre, 34) * 0.1 + grown, AFFINE, f"{stem}_diff.nii.gz")
        for step in ("from-prior_to-current_xfm", "qc"):
            io.write_json({"status": "included", "reason": ""}, f"{stem}_{step}.json")

    def stem(self, prior, current):
        return self.folder / f"results/imaging/sim/sub-s01/pair-{prior}to{current}/sub-s01_pair-{prior}to{current}"

    def check(self):
        """Runs the check and returns its table by measure."""
        table = self.folder / "simulation.tsv"
        check_simulation(
            [self.cohort],
            [self.folder / "sim/labels.tsv"],
            self.folder / "results",
            table,
            self.folder / "simulation.png",
        )
        return io.read_table(table).set_index("measure")


@pytest.fixture
def simulated(tmp_path):
    """A simulated patient with what the stages made of it."""
    return Simulated(tmp_path)


def test_known_errors_are_measured_as_what_they_are(simulated):
    table = simulated.check()
    assert table.loc["displacement-before-registration", "mean"] == pytest.approx(8)
    assert table.loc["registration-error", "mean"] == pytest.approx(1)
    assert table.loc["brain-mask-overlap", "mean"] == pytest.approx(1)
    # Only the pair with change counts, and its difference map shows the change fully.
    assert table.loc["change-in-difference-map", ["n", "mean"]].tolist() == [1, 1]
    # One report is right as to stable or unstable, the other tells nothing; a reader took a stable pair for a response.
    assert table.loc["report-vote-right", ["n", "missing", "mean"]].tolist() == [1, 1, 1]
    assert table.loc["human-label-right", ["n", "missing", "mean"]].tolist() == [2, 0, 0.5]


def test_a_smaller_mask_has_the_overlap_of_two_balls(simulated):
    stem = simulated.folder / "results/imaging/sim/sub-s01/ses-0200/sub-s01_ses-0200_desc-brain_mask"
    small, full = ball((0, 0, 0), 26), ball((0, 0, 0), 34)
    io.write_image(small, AFFINE, f"{stem}.nii.gz")
    row = simulated.check().loc["brain-mask-overlap"]
    assert row["worst"] == pytest.approx(2 * small.sum() / (small.sum() + full.sum()), abs=1e-4)
    assert row["where"] == "sub-s01_ses-0200"


def test_a_difference_map_of_noise_shows_nothing(simulated):
    noise = np.random.default_rng(1).normal(size=SHAPE) * ball(simulated.SHIFT, 34)
    io.write_image(noise, AFFINE, f"{simulated.stem('0000', '0100')}_diff.nii.gz")
    assert simulated.check().loc["change-in-difference-map", "mean"] == pytest.approx(0.5, abs=0.1)


def test_what_a_stage_excluded_is_counted_as_missing(simulated):
    stem = simulated.stem("0000", "0100")
    io.write_text("", f"{stem}_from-prior_to-current_xfm.mat")
    for step in ("from-prior_to-current_xfm", "qc"):
        io.write_json({"status": "excluded", "reason": "no image"}, f"{stem}_{step}.json")
    table = simulated.check()
    assert table.loc["registration-error", ["n", "missing"]].tolist() == [1, 1]
    assert table.loc["change-in-difference-map", ["n", "missing"]].tolist() == [0, 1]
    assert table.loc["displacement-before-registration", "n"] == 2
