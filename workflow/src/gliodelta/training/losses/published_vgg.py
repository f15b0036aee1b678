"""The published loss of the VGG (Di Noto et al. 2022, arXiv 2210.09698, public code): for parity only.

The network's two outputs pass a sigmoid before a cross-entropy that takes them for logits. They differ by at most 1, so
that a map's loss lies between log(1 + 1/e) = 0.313 and 1.313 and hardly falls below chance, 0.693; its slope fades.
"""

from gliodelta.training.losses._published import cross_entropy

OUTPUTS = 2


def build(targets, weights, weak):
    """Returns the loss; the contract is in this package's docstring."""
    return lambda outputs, targets, weights, weak: cross_entropy(outputs.sigmoid(), targets, weights)


def score(outputs):
    """Returns the sigmoid of the second output, as published: the first one is ignored. It is no log odds."""
    return outputs[:, 1].sigmoid()
