"""The weighted cross-entropy that both published losses share."""

import torch

# Published weights of stable and unstable, whatever the training set (Di Noto et al. 2022, public code).
CLASSES = (0.4, 0.6)


def cross_entropy(logits, targets, weights):
    """Returns torch's weighted mean cross-entropy, in which a map weighs as its class does times its own weight.

    Args:
        logits: [N, 2], of stable and unstable.
        targets: [N], from 0 to 1; weights: [N].
    """
    classes = torch.stack([1 - targets, targets], dim=1) * logits.new_tensor(CLASSES) * weights.unsqueeze(1)
    return -(classes * logits.log_softmax(dim=1)).sum() / classes.sum()
