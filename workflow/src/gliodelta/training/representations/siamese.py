"""One encoder sees each exam alone; what it says of the two is compared, with the time between them.

After Bromley et al. 1993, "Signature verification using a siamese time delay neural network". It suits encoders whose
features still say where: on a grid of 36 x 45 x 24 voxels the VGG's have 2 x 2 x 1 places, the cnn's 4 x 5 x 3.
"""

import math
from copy import deepcopy

import torch
from torch import nn

CHANNELS = 1
HIDDEN = 64
YEAR = math.log1p(365)


def represent(pairs):
    """Returns the exams one after another, prior before current: [2 N, 1, X, Y, Z]."""
    return pairs.flatten(0, 1).unsqueeze(1)


def compare(features, shape, outputs):
    """Returns the network around an encoder's features; see the package."""
    return Siamese(features, shape, outputs)


class Siamese(nn.Module):
    """A shared encoder and a head on what it says of two exams.

    Attributes:
        features: part of an encoder, from [2 N, 1, *shape] to features [2 N, F] or feature maps [2 N, F, X', Y', Z'].
        head: from what `seen` returns to [N, outputs].
    """

    def __init__(self, features, shape, outputs):
        super().__init__()
        self.features = features
        channels = _channels(features, shape)
        self.head = nn.Sequential(nn.Linear(4 * channels + 1, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs))

    def forward(self, exams, days):
        """Returns outputs [N, outputs] of exams [2 N, 1, X, Y, Z] and of the days between them [N]."""
        return self.head(seen(self.features(exams), days))


def seen(features, days):
    """Compares the features of the exams of each pair.

    Maps are compared place by place and pooled afterwards: their means hardly differ for a small lesion.

    Args:
        features: [2 N, F, ...], prior before current.
        days: [N].

    Returns:
        [N, 4 F + 1]: the means over the map of current - prior, of their product and of |current - prior|, the largest
        |current - prior|, then log(1 + days), in which a year is 1.
    """
    prior, current = features.unsqueeze(-1).flatten(2).unflatten(0, (-1, 2)).unbind(1)
    change = current - prior
    size = change.abs()
    means = [compared.mean(dim=2) for compared in (change, current * prior, size)]
    return torch.cat([*means, size.amax(dim=2), days.log1p().unsqueeze(1) / YEAR], dim=1)


def _channels(features, shape):
    """Number of an encoder's features, from a pass through it that costs no memory and changes no buffer."""
    shadow = deepcopy(features).to("meta")
    return shadow(torch.empty(2, CHANNELS, *shape, device="meta")).shape[1]
