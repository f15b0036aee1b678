"""current - prior: brighter is positive, so that growth and shrinkage of a bright lesion differ."""

CHANNELS = 1


def represent(pairs):
    """Returns [N, 1, X, Y, Z]."""
    return pairs[:, 1:] - pairs[:, :1]
