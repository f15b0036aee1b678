"""The recipe's encoder, all of it trained on with human and weak labels together.

The published search space does not have it: there, labels are mixed only where no encoder is loaded.
"""

from gliodelta.transfer.strategies.fine_tune import prepare as prepare
from gliodelta.transfer.strategies.mix import training_rows as training_rows

NEEDS_RECIPE = True
TAKES_ENCODER = True
