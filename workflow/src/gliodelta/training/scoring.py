"""Scores of maps without augmentation, and how well they tell stable from unstable."""

import math

from gliodelta import plugins
from gliodelta.training.models import forward

# Maps scored at once; one number everywhere, so that a map's score does not depend on who asks.
SCORING_BATCH = 8


def score(model, maps, card):
    """Scores maps.

    Args:
        model: torch module; left in evaluation mode, on the device that there is.
        maps: `data.Maps`, with or without labels.
        card: the model's card (`models.card_of`), of which the representation and the loss count.

    Returns:
        float32 tensor [N] on the CPU: the higher, the likelier is unstable, on the scale of the card's loss.
    """
    import torch

    if not len(maps):
        return torch.empty(0)
    return plugins.load(plugins.LOSSES, card["loss"]).score(outputs_of(model, maps, card["representation"]))


def outputs_of(model, maps, representation):
    """Returns a model's outputs for `data.Maps`, at least one: float32 tensor [N, outputs] on the CPU; see `score`.

    Every device computes them in full precision: with the 8 significant bits of bfloat16, maps would tie.
    """
    import torch

    device = present_device()
    model.to(device, memory_format=torch.channels_last_3d).eval()
    outputs = []
    with torch.inference_mode():
        for start in range(0, len(maps), SCORING_BATCH):
            chosen = slice(start, start + SCORING_BATCH)
            pairs, days = stack(maps.pairs[chosen], device), maps.days[chosen].to(device)
            outputs.append(forward(model, representation, pairs, days).cpu())
    return torch.cat(outputs)


def area_under_curve(targets, scores):
    """Returns the area under the ROC curve; NaN where there is one class or a score that is not finite.

    It is the share of pairs (unstable, stable) whose scores are in order, ties counted half. Both tensors are [N]; a
    soft target is unstable from .5 on, and a map without a target does not count.
    """
    margins = scores[targets >= 0.5].unsqueeze(1) - scores[targets < 0.5]
    if not margins.numel() or not scores.isfinite().all():
        return math.nan
    return (0.5 + 0.5 * margins.sign().double().mean()).item()


def stack(pairs, device):
    """Returns a list of cached pairs as one float32 tensor [N, 2, X, Y, Z] on the device."""
    import torch

    return torch.stack(pairs).to(device).float()


def present_device():
    """Returns the torch.device to use: the GPU where there is one, else the CPU."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
