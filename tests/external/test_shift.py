"""Corrections for another share of unstable pairs, against Bayes' rule and a population whose share is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from gliodelta.external.shift import change_prior, estimate_prior

shares = st.floats(0.02, 0.98)


def population(share, seed=0, maps=20_000):
    """Labels, and the exact posterior of a reader who takes 32 % for unstable; evidence is normal, 1.5 apart."""
    rng = np.random.default_rng(seed)
    y = rng.random(maps) < share
    evidence = rng.normal(1.5 * y)
    return y, expit(logit(0.32) + 1.5 * evidence - 1.5**2 / 2)


@given(shares, shares, st.floats(0.001, 0.999))
def test_changing_a_prior_is_bayes_rule_and_can_be_undone(old, new, probability):
    changed = change_prior(probability, old, new)
    likelihood = probability / (1 - probability) * (1 - old) / old
    assert changed == pytest.approx(likelihood * new / (likelihood * new + 1 - new))
    assert change_prior(changed, new, old) == pytest.approx(probability)


def test_certain_probabilities_stay_finite():
    assert np.all(np.isfinite(change_prior(np.array([0.0, 1.0]), 0.3, 0.7)))


@pytest.mark.parametrize("share", [0.1, 0.32, 0.76])
def test_the_share_of_a_shifted_population_is_found_and_mends_its_calibration(share):
    y, posterior = population(share)
    found = estimate_prior(posterior, 0.32)
    # The estimate's standard error is .005 here.
    assert found == pytest.approx(share, abs=0.02)
    corrected = change_prior(posterior, 0.32, found)
    assert corrected.mean() == pytest.approx(y.mean(), abs=0.02)
    assert np.mean((corrected - y) ** 2) <= np.mean((posterior - y) ** 2) + 1e-6
    for low in (0.1, 0.4, 0.7):
        bin_ = (corrected >= low) & (corrected < low + 0.2)
        assert corrected[bin_].mean() == pytest.approx(y[bin_].mean(), abs=0.05)


def test_a_sample_of_sure_pairs_gives_their_share():
    assert estimate_prior(np.array([1.0, 1.0, 1.0, 0.0]), 0.32) == pytest.approx(0.75, abs=1e-6)
