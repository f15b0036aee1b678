"""Logit adjustment (Menon et al. 2021, arXiv 2007.07314) for sources that differ in how often they say unstable.

Reports call 52 % of the published pairs unstable and readers 32 %. A network that sees both learns to tell the sources
apart by whatever gives them away. Here the log prior odds of a map's own source are added to its logit in training, so
that the network need not learn them, and its bare logit is the log odds were both classes equally common.
"""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from gliodelta.training.losses.balanced import score as score

OUTPUTS = 1


def build(targets, weights, weak):
    """Returns the loss; the contract is in this package's docstring."""
    human, report = (_log_odds(targets[source], weights[source]) for source in (~weak, weak))

    def loss(outputs, targets, weights, weak):
        logits = score(outputs)
        prior = torch.where(weak, report.to(logits.device), human.to(logits.device))
        each = binary_cross_entropy_with_logits(logits + prior, targets, reduction="none")
        return (each * weights).sum() / weights.sum()

    return loss


def _log_odds(targets, weights):
    """Log odds of unstable in one source; 0 for one without maps. A class without maps counts as half a map of it."""
    if not len(targets) or not weights.sum() > 0:
        return torch.tensor(0.0)
    half = 0.5 / len(targets)
    return ((weights * targets).sum() / weights.sum()).clamp(half, 1 - half).logit()
