"""A small network for small data and coarse grids, whose size does not depend on the grid as the VGG's does."""

from collections import OrderedDict
from itertools import pairwise

import torch
from torch import nn

FILTERS = (8, 16, 32)


def build(channels, shape, outputs=1):
    """Builds the network, with 17,673 parameters for one channel and one output.

    Args:
        channels: channels of the representation.
        shape: (X, Y, Z) of the grid, each at least 8 since each stage halves it.
        outputs: of the loss.

    Returns:
        torch.nn.Sequential with `features` and `head`.
    """
    stages = [_stage(*filters) for filters in pairwise((channels, *FILTERS))]
    head = nn.Sequential(MeanAndMaximum(), nn.Linear(2 * FILTERS[-1], outputs))
    return nn.Sequential(OrderedDict(features=nn.Sequential(*stages), head=head))


class MeanAndMaximum(nn.Module):
    """Pools maps [N, F, X, Y, Z] to [N, 2 F]: a mean hardly shows a small lesion, a maximum not how large one is."""

    def forward(self, maps):
        """Returns the means, then the maxima."""
        return torch.cat([maps.mean(dim=(2, 3, 4)), maps.amax(dim=(2, 3, 4))], dim=1)


def _stage(before, filters):
    # Pooling rather than strides, and maxima besides means: on 120 simulated maps of 36 x 45 x 24 voxels, 14 epochs
    # reach an AUC of .97, with strides .81, with strides and means alone .51; the VGG .94 in 2.4 times the time.
    convolution = nn.Conv3d(before, filters, 3, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm3d(filters), nn.ReLU(), nn.MaxPool3d(2))
