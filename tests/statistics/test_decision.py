"""Net benefit: a hand case and its limits."""

import numpy as np
import pytest

from gliodelta.statistics import decision


def test_net_benefit_of_a_hand_case():
    y, probability = np.array([1, 1, 0, 0, 0]), np.array([0.9, 0.3, 0.6, 0.2, 0.1])
    found = decision.net_benefit(y, probability, np.ones((1, 5)), np.array([0.2, 0.5]))
    # From .2 on: two found, two alarms at odds 1/4; from .5 on: one found, one alarm at odds 1.
    assert found == pytest.approx(np.array([[(2 - 2 / 4) / 5, 0]]))


def test_a_model_that_acts_on_all_or_none_has_their_benefit():
    y, weights = np.array([1, 0, 0, 1]), np.array([[1.0, 1, 1, 1], [2, 0, 1, 1]])
    everyone = decision.net_benefit(y, np.ones(4), weights)
    for row, prevalence in zip(everyone, (0.5, 0.75), strict=True):
        assert row == pytest.approx(decision.net_benefit_of_all(prevalence))
    assert (decision.net_benefit(y, np.zeros(4), weights) == 0).all()


def test_acting_on_all_is_worth_nothing_where_the_threshold_is_the_prevalence():
    assert decision.net_benefit_of_all(0.3, np.array([0.3])) == pytest.approx([0])


def test_a_perfect_model_has_the_prevalence_as_benefit_everywhere():
    y = np.array([1, 0, 0, 0])
    assert decision.net_benefit(y, y.astype(float), np.ones((1, 4))) == pytest.approx(0.25)
