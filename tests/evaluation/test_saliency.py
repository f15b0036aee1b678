"""Occlusion finds what made-up readers look at, and the share of it inside a known change."""

import numpy as np
import pandas as pd
import pytest
import torch
import toy
from safetensors.numpy import save_file

from gliodelta import io, plugins
from gliodelta.evaluation.location import changed_voxels, locate_saliency, share_inside
from gliodelta.evaluation.saliency import densest, occlude, occlusion, saliency_map, score_of
from gliodelta.evaluation.simulation import Truth
from gliodelta.training.models import build_model

SHAPE, SPACING = (16, 16, 16), (7.5, 7.5, 7.5)
AFFINE = np.diag([*SPACING, 1.0])
# A box of the lattice (120 mm in boxes of 60), halved twice, so that occlusion can find just this.
PLACE = (slice(0, 2), slice(8, 10), slice(12, 14))
SHARE = 2**3 / 16**3
INSIDE = np.ones(SHAPE, bool)


def noise(seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(2, *SHAPE)).astype(np.float32))


def reader_of(place, sign=1.0):
    """A reader who sums the absolute difference in a box."""
    return lambda pairs: sign * (pairs[:, 1] - pairs[:, 0]).abs()[(slice(None), *place)].sum(dim=(1, 2, 3))[None]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_reader_of_one_box_looks_there_and_nowhere_else(sign):
    pair = noise()
    boxes = occlusion(reader_of(PLACE, sign), pair, SPACING)
    saliency = saliency_map(boxes, INSIDE)
    total = sign * float((pair[1] - pair[0]).abs()[PLACE].sum())
    assert boxes[0].place == densest(boxes).place == PLACE
    assert boxes[0].scores == pytest.approx([0], abs=1e-3)
    assert saliency[PLACE].sum() == pytest.approx(total, rel=1e-4)
    saliency[PLACE] = 0
    assert np.abs(saliency).max() < 1e-4 * abs(total)


def test_boxes_fill_the_grid_once():
    covered = np.zeros((11, 13, 7), int)
    for box in occlusion(reader_of((slice(None),) * 3), torch.randn(2, *covered.shape), (17.0, 9.0, 4.0)):
        covered[box.place] += 1
    assert (covered == 1).all()


def test_effects_are_the_mean_of_the_models():
    pair, other = noise(), (slice(10, 12), slice(0, 2), slice(4, 6))
    both = lambda pairs: torch.cat([reader_of(PLACE)(pairs), 3 * reader_of(other)(pairs)])  # noqa: E731
    found = {str(box.place): box for box in occlusion(both, pair, SPACING)}
    change = (pair[1] - pair[0]).abs()
    assert found[str(PLACE)].effect == pytest.approx(float(change[PLACE].sum()) / 2, rel=1e-4)
    assert found[str(other)].effect == pytest.approx(3 * float(change[other].sum()) / 2, rel=1e-4)


def test_equal_exams_hold_nothing_to_look_at():
    same = noise()[:1].repeat(2, 1, 1, 1)
    assert all(box.effect == 0 for box in occlusion(reader_of(PLACE), same, SPACING))


def test_what_lies_outside_the_brain_is_not_salient():
    inside = np.zeros(SHAPE, bool)
    inside[0:2, 8:10, 12] = True
    saliency = saliency_map(occlusion(reader_of(PLACE), noise() * torch.from_numpy(inside), SPACING), inside)
    assert not saliency[~inside].any()
    assert saliency[inside].min() > 0


def test_occlusion_copies_the_prior_and_leaves_the_pair():
    pair = noise()
    before, occluded = pair.clone(), occlude(pair, PLACE)
    assert torch.equal(occluded[(1, *PLACE)], pair[(0, *PLACE)])
    assert torch.equal(pair, before)
    occluded[(1, *PLACE)] = pair[(1, *PLACE)]
    assert torch.equal(occluded, pair)


@pytest.mark.parametrize("representation", plugins.names(plugins.REPRESENTATIONS))
def test_every_representation_can_be_asked(representation):
    """What a network says of a pair with an occluded box is what it says of that very pair."""
    card = {**toy.CARD, "representation": representation}
    model = build_model(card, seed=1).eval()
    score = score_of([(model, card, {"slope": 2.0, "intercept": -1.0})], 90)
    pair = torch.randn(2, *toy.SHAPE)
    boxes = occlusion(score, pair, (9.0, 9.0, 9.0))
    with torch.no_grad():
        whole, without = score(torch.stack([pair, occlude(pair, boxes[0].place)]))[0].tolist()
    assert boxes[0].effect == pytest.approx(whole - without, abs=1e-4)
    assert boxes[0].effect != 0


def test_the_share_counts_only_what_speaks_for_unstable():
    saliency, change = np.zeros(SHAPE), np.zeros(SHAPE)
    saliency[0, 0, :4] = [3, 1, -8, 0]
    change[0, 0, :3] = [1, 0, 1]
    assert share_inside(saliency, change) == pytest.approx(0.75)
    assert np.isnan(share_inside(-np.abs(saliency), change))


class Grown:
    """A simulated patient whose tumour, a box, appears between two exams at another place of the scanner."""

    # Two voxels to the right.
    MOVED = (15.0, 0.0, 0.0)

    def __init__(self, folder):
        self.results = folder
        self.truth = folder / "simulation/demo/sub-s01/truth"
        tumour = np.zeros(SHAPE, np.uint8)
        io.write_image(tumour, AFFINE, self.truth / "exam-0000_tumour.nii.gz")
        tumour[PLACE] = 1
        io.write_image(tumour, AFFINE, self.truth / "exam-0100_tumour.nii.gz")
        pose = np.eye(4)
        np.savetxt(self.truth / "exam-0000_pose.mat", pose)
        pose[:3, 3] = self.MOVED
        np.savetxt(self.truth / "exam-0100_pose.mat", pose)
        io.write_json({"pairs": {"0000to0100": "progression", "0100to0200": "stable"}}, self.truth / "truth.json")
        exams = np.random.default_rng(0).normal(size=(*SHAPE, 2)).astype(np.float32)
        stem = folder / "imaging/demo/sub-s01/pair-0000to0100/sub-s01_pair-0000to0100"
        io.write_image(exams, AFFINE, f"{stem}_pair.nii.gz")

    def locate(self, saliency):
        rows = pd.DataFrame({"subject": "s01", "prior": ["0000", "0100"], "current": ["0100", "0200"], "grid": "own"})
        io.write_table(rows, self.results / "pairs.tsv")
        save_file({"s01/0000/0100": saliency, "s01/0100/0200": saliency}, self.results / "saliency.safetensors")
        files = ([self.results / "pairs.tsv"], [self.results / "saliency.safetensors"])
        table = self.results / "table.tsv"
        locate_saliency("demo", *files, ["arm"], {"own": {"spacing_mm": SPACING, "shape": SHAPE}}, self.results, table)
        return io.read_table(table).iloc[0]


def test_saliency_inside_the_true_change_is_found(tmp_path):
    grown, saliency = Grown(tmp_path), np.zeros(SHAPE, np.float32)
    saliency[PLACE] = 1
    row = grown.locate(saliency)
    # The stable pair does not count. A box of 8 of the 4096 voxels changed.
    assert row[["maps", "patients"]].tolist() == [1, 1]
    assert row["saliency"] == pytest.approx(1, abs=1e-3)
    assert row["brain"] == pytest.approx(SHARE, abs=1e-4)
    assert row["attainable"] == pytest.approx(1, abs=1e-3)
    assert row["difference"] < 0.2
    saliency[:] = 1
    assert grown.locate(saliency)["saliency"] == pytest.approx(SHARE, abs=1e-4)


def test_an_unmoved_tumour_in_a_moved_head_is_no_change(tmp_path):
    grown = Grown(tmp_path)
    tumour = np.zeros(SHAPE, np.uint8)
    tumour[4:7, 4:7, 4:7] = 1
    io.write_image(tumour, AFFINE, grown.truth / "exam-0000_tumour.nii.gz")
    # The head lies two voxels further to the right in the second exam.
    io.write_image(np.roll(tumour, 2, axis=0), AFFINE, grown.truth / "exam-0100_tumour.nii.gz")
    truth = Truth(grown.truth.parent)
    assert not changed_voxels(truth, {"prior": "0000", "current": "0100"}, SHAPE, AFFINE).any()
