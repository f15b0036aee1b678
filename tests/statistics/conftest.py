"""Made-up studies whose maps come in patients."""

import numpy as np
import pytest


def clustered(generator, patients=25, maps=4, lead=0.0):
    """Labels, patients and scores of two models; maps of a patient mostly share their label and their score's error.

    `lead` is by how much the first model's scores follow the label better than the second's.
    """
    subjects = np.repeat(np.arange(patients), maps)
    y = (generator.random(patients * maps) < generator.choice([0.1, 0.9], patients)[subjects]).astype(int)
    common = generator.normal(size=(2, patients))[:, subjects]
    first, second = y * [[1 + lead], [1]] + 2 * common + 0.5 * generator.normal(size=(2, patients * maps))
    return y, subjects, first, second


@pytest.fixture(name="clustered")
def clustered_maker():
    """The function `clustered`."""
    return clustered


@pytest.fixture(scope="session")
def null_studies():
    """Studies in which neither model is better, and maps of a patient resemble each other."""
    generator = np.random.default_rng(0)
    return [clustered(generator) for _ in range(300)]
