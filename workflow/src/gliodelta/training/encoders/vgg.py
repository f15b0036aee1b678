"""The 3-D VGG of Di Noto et al. 2022 (arXiv 2210.09698): a tiny convolutional part before a large linear one."""

# Published filters of the four stages and widths of the linear layers.
FILTERS = (4, 8, 16, 32)
WIDTHS = (256, 128, 32)


def build(channels, shape, outputs=1):
    """Builds the network.

    Args:
        channels: channels of the representation.
        shape: (X, Y, Z) of the grid in voxels, each at least 16 since each stage halves it; the first linear layer's
            size follows from it.
        outputs: 1 logit, or 2 for the published sizes (the published sigmoid on them is left out: it bounds the loss).

    Returns:
        torch.nn.Sequential with `features` and `head`.
    """
    from collections import OrderedDict
    from itertools import pairwise

    from torch import nn

    layers, before = [], channels
    for filters in FILTERS:
        layers += [nn.Conv3d(before, filters, 3, padding=1), nn.ReLU()]
        layers += [nn.Conv3d(filters, filters, 3, padding=1), nn.ReLU(), nn.BatchNorm3d(filters), nn.MaxPool3d(2)]
        before = filters
    flat = before
    for size in shape:
        flat *= size // 2 ** len(FILTERS)
    widths = (flat, *WIDTHS, outputs)
    head = [nn.Flatten()]
    for wide, narrow in pairwise(widths):
        head += [nn.Linear(wide, narrow), nn.ReLU()]
    return nn.Sequential(OrderedDict(features=nn.Sequential(*layers), head=nn.Sequential(*head[:-1])))
