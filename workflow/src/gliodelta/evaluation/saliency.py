"""Where a network looks: what its answer loses when a part of the brain is shown as if nothing had changed there.

Occlusion (Zeiler & Fergus 2014, "Visualizing and understanding convolutional networks") asks the network itself and
suits every encoder and representation; a Grad-CAM has as many places as the last feature map, 2 x 2 x 1 of the VGG on a
grid of 36 x 45 x 24 voxels. What suits the detection of change is a counterfactual: in the occluded box the prior exam
stands in for the current one. Boxes that matter most are split and asked again, since a lattice of small boxes over the
whole brain would take several times as many passes.
"""

from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from gliodelta import plugins
from gliodelta.training.models import forward
from gliodelta.training.scoring import SCORING_BATCH

# Edge of the first boxes: about a lobe's, so that a grid of 144 x 180 x 144 mm has 12.
LARGEST_MM = 60.0
# Each round splits this many boxes into eighths; after two, the smallest have an edge of about 16 mm, that of a lesion.
# That makes 44 passes a pair and model; an arm of the demo (26 pairs, two models each) takes 23 CPU seconds.
SPLIT, ROUNDS = 2, 2


@dataclass(frozen=True)
class Box:
    """A part of the grid and what the models say when nothing has changed in it.

    Attributes:
        place: three slices.
        effect: what it adds to the models' mean score: positive where its change speaks for unstable.
        scores: float array [models], each model's score with the box occluded.
    """

    place: tuple
    effect: float
    scores: object


def occlusion(score, pair, spacing_mm):
    """Asks for the effect of boxes that fill the grid, the smaller the more they matter.

    Args:
        score: function from pairs [N, 2, X, Y, Z] to scores [models, N].
        pair: float tensor [2, X, Y, Z] (prior, current), on the device of the models.
        spacing_mm: voxel size.

    Returns:
        list of `Box`, without overlap, the one with the largest effect in size first. Equal exams have
        the effect 0.
    """
    import torch

    with torch.inference_mode():
        whole = score(pair.unsqueeze(0))
        boxes = _ask(score, pair, whole, _lattice(pair.shape[1:], spacing_mm))
        for _ in range(ROUNDS):
            parts = [part for box in boxes[:SPLIT] for part in _eighths(box.place)]
            boxes = _ranked(boxes[SPLIT:] + _ask(score, pair, whole, parts))
    return boxes


def saliency_map(boxes, inside):
    """Spreads the effect of each box evenly over its voxels in the brain.

    Args:
        boxes: result of `occlusion`.
        inside: bool array [X, Y, Z], the brain.

    Returns:
        float32 array [X, Y, Z], 0 outside the brain; its sum is that of the effects.
    """
    saliency = np.zeros(inside.shape, np.float32)
    for box in boxes:
        within = inside[box.place]
        saliency[box.place] = within * (box.effect / max(within.sum(), 1))
    return saliency


def densest(boxes):
    """Returns the `Box` with the largest effect a voxel: where the saliency is strongest."""
    return max(boxes, key=lambda box: abs(box.effect) / np.prod([side.stop - side.start for side in box.place]))


def occlude(pair, place):
    """Returns the pair (tensor [2, X, Y, Z]) with the prior exam copied into the current one in three slices."""
    occluded = pair.clone()
    occluded[(1, *place)] = pair[(0, *place)]
    return occluded


def score_of(networks, days):
    """Returns the function from pairs [N, 2, X, Y, Z] to each network's calibrated log odds of unstable [networks, N].

    Args:
        networks: list of (torch module in evaluation mode, its card, its calibration with `slope` and `intercept`).
        days: between the exams of the pairs.
    """
    import torch

    def score(pairs):
        intervals = torch.full((len(pairs),), float(days), device=pairs.device)
        return torch.stack(
            [
                calibration["slope"] * _raw(model, card, pairs, intervals) + calibration["intercept"]
                for model, card, calibration in networks
            ]
        )

    return score


def _raw(model, card, pairs, days):
    scores = plugins.load(plugins.LOSSES, card["loss"]).score(forward(model, card["representation"], pairs, days))
    # In single precision, a steep slope would lose digits.
    return scores.double()


def _ask(score, pair, whole, places):
    """The boxes of these places, ranked; where the exams are equal nobody needs to be asked."""
    import torch

    differs = [bool((pair[(0, *place)] != pair[(1, *place)]).any()) for place in places]
    asked = [place for place, found in zip(places, differs, strict=True) if found]
    batches = [asked[start : start + SCORING_BATCH] for start in range(0, len(asked), SCORING_BATCH)]
    scored = [score(torch.stack([occlude(pair, place) for place in batch])).cpu() for batch in batches]
    equal = [place for place, found in zip(places, differs, strict=True) if not found]
    before = whole.cpu()
    after = torch.cat([*scored, before.expand(-1, len(equal))], dim=1)
    effects = (before - after).mean(dim=0).tolist()
    found = zip(asked + equal, effects, after.T.numpy(), strict=True)
    return _ranked([Box(place, effect, scores) for place, effect, scores in found])


def _ranked(boxes):
    return sorted(boxes, key=lambda box: -abs(box.effect))


def _lattice(shape, spacing_mm):
    """Boxes of about `LARGEST_MM` that fill the grid."""
    counts = [max(1, round(length * size / LARGEST_MM)) for length, size in zip(shape, spacing_mm, strict=True)]
    edges = [
        np.rint(np.linspace(0, length, count + 1)).astype(int) for length, count in zip(shape, counts, strict=True)
    ]
    return list(product(*([slice(*ends) for ends in pairwise(axis.tolist())] for axis in edges)))


def _eighths(place):
    """A box halved along each axis on which it has more than one voxel."""
    middles = [(side.start + side.stop) // 2 for side in place]
    halves = ([slice(side.start, at), slice(at, side.stop)] for side, at in zip(place, middles, strict=True))
    return list(product(*([half for half in axis if half.stop > half.start] for axis in halves)))
