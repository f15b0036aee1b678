"""The 3-D VGG of Di Noto et al. 2022 (arXiv 2210.09698): a tiny convolutional part before a large linear one."""

from collections import OrderedDict
from itertools import pairwise
from math import prod

from torch import nn

# Published filters of the four stages and widths of the linear layers.
FILTERS = (4, 8, 16, 32)
WIDTHS = (256, 128, 32)


def build(channels, shape, outputs=1):
    """Builds the network.

    Args:
        channels: channels of the representation.
        shape: (X, Y, Z) of the grid in voxels, each at least 16 since each stage halves it; the first linear layer's
            size follows from it.
        outputs: of the loss; 2 for the published sizes. The published sigmoid on them is part of the loss
            `published-vgg`.

    Returns:
        torch.nn.Sequential with `features` and `head`.
    """
    stages = [_stage(*filters) for filters in pairwise((channels, *FILTERS))]
    flat = FILTERS[-1] * prod(size // 2 ** len(FILTERS) for size in shape)
    head = [nn.Flatten()]
    for wide, narrow in pairwise((flat, *WIDTHS, outputs)):
        head += [nn.Linear(wide, narrow), nn.ReLU()]
    return nn.Sequential(OrderedDict(features=nn.Sequential(*stages), head=nn.Sequential(*head[:-1])))


def _stage(before, filters):
    first, second = nn.Conv3d(before, filters, 3, padding=1), nn.Conv3d(filters, filters, 3, padding=1)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.BatchNorm3d(filters), nn.MaxPool3d(2))
