"""The published loss of the SEResNeXt50 (Di Noto et al. 2022, arXiv 2210.09698, public code): for parity only."""

from gliodelta.training.losses._published import cross_entropy

OUTPUTS = 2


def build(targets, weights, weak):
    """Returns the loss; the contract is in this package's docstring."""
    return lambda outputs, targets, weights, weak: cross_entropy(outputs, targets, weights)


def score(outputs):
    """Returns the raw second output, as published: the first one is ignored, so that models differ in scale."""
    return outputs[:, 1]
