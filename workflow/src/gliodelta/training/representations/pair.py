"""Both exams as they are: the network has to find the difference itself, but sees where in the brain it lies."""

CHANNELS = 2


def represent(pairs):
    """Returns the pairs unchanged, [N, 2, X, Y, Z]."""
    return pairs
