"""The recipe's encoder, all of it trained on with the human labels."""

from gliodelta.training.models import load_weights
from gliodelta.transfer.strategies.scratch import training_rows as training_rows

NEEDS_RECIPE = True
TAKES_ENCODER = True


def prepare(model, encoder):
    """Puts the encoder's weights into both parts of the network."""
    load_weights(model, encoder)
