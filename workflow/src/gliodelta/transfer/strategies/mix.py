"""Human and weak labels together, from scratch: nine of the ten published studies chose this."""

from gliodelta.training.data import HUMAN, WEAK
from gliodelta.transfer.strategies.scratch import prepare as prepare

NEEDS_RECIPE = True
TAKES_ENCODER = False


def training_rows(human, weak):
    """Returns both lists, with the `source` of their labels; no pair is on both."""
    import pandas as pd

    return pd.concat([human.assign(source=HUMAN), weak.assign(source=WEAK)], ignore_index=True)
