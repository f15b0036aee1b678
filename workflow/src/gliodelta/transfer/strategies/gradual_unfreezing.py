"""The recipe's encoder, trained on with the human labels from the head downwards (Howard and Ruder 2018, ULMFiT).

What the head does not know yet would otherwise wash through all the features that pretraining has made.
"""

from gliodelta.transfer.strategies.fine_tune import prepare as prepare
from gliodelta.transfer.strategies.scratch import training_rows as training_rows

NEEDS_RECIPE = True
TAKES_ENCODER = True


def thaw(model, epoch, epochs):
    """Freezes the stages of the features whose turn has not come.

    The head trains from the first epoch on; the stages join it one after another, the last first and at even distances,
    so that all of them train in the second half.

    Args:
        model: torch module with `features` and `head`.
        epoch: counted from 1.
        epochs: the most there will be.
    """
    stages = [stage for stage in model.features.children() if any(True for _ in stage.parameters())]
    thawed = min(2 * (epoch - 1) * len(stages) // epochs, len(stages))
    for place, stage in enumerate(reversed(stages)):
        stage.requires_grad_(place < thawed)
