"""Prior, current and current - prior: the change, and the anatomy that it lies in."""

import torch

CHANNELS = 3


def represent(pairs):
    """Returns [N, 3, X, Y, Z]."""
    return torch.cat([pairs, pairs[:, 1:] - pairs[:, :1]], dim=1)
