"""The recipe's features, frozen, under a head that starts anew and learns from the human labels."""

from gliodelta.training.models import load_weights
from gliodelta.transfer.strategies.scratch import training_rows as training_rows

NEEDS_RECIPE = True
TAKES_ENCODER = True


def prepare(model, encoder):
    """Puts the encoder's weights into the features and freezes them; the head keeps its fresh weights."""
    load_weights(model, encoder, parts=("features",))
    model.features.requires_grad_(False)
