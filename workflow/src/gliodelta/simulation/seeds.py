"""One random stream for each thing that is drawn, so that drawing one more thing changes no other."""

import hashlib

import numpy as np


def stream(*names):
    """Returns a numpy random generator that depends on `names` only, such as ``stream(seed, "s01", "pose")``."""
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
