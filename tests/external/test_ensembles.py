"""Ensembles on cases worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from gliodelta.external.ensembles import ENSEMBLES, combine, score_ensembles

SETTINGS = {"bootstraps": 100, "seed": 1}


def members(probabilities, home=0.5):
    """Members of one pair each probability; scores are log odds, votes what scores say."""
    values = np.array(probabilities, float)
    scores = np.log(values / (1 - values))
    return [
        {"score": score, "probability": value, "vote": score > 0, "home": home}
        for score, value in zip(scores, values, strict=True)
    ]


def test_one_sure_member_outweighs_two_unsure_ones_in_the_mean_but_not_in_the_vote():
    combined = combine(members([[0.99], [0.45], [0.4]]))
    assert combined["mean_probability"] == pytest.approx([(0.99 + 0.45 + 0.4) / 3])
    assert combined["mean_probability"] > 0.5 and combined["majority_vote"] == [0]
    # The logit of .99 is 4.6, those of .45 and .4 are -.2 and -.41.
    assert combined["mean_score"] == pytest.approx([(4.59512 - 0.200671 - 0.405465) / 3], abs=1e-5)


def test_a_tied_vote_is_stable_as_published():
    assert combine(members([[0.9], [0.2]]))["majority_vote"] == [0]
    assert combine(members([[0.9], [0.2], [0.9]]))["majority_vote"] == [1]


def test_an_even_prior_undoes_each_members_own_prior():
    # At a prior of .2, odds of 1 to 1 are four times what the prior alone would say.
    combined = combine(members([[0.5, 0.2]], home=0.2))
    assert combined["even_prior"] == pytest.approx([0.8, 0.5])


def test_only_the_transductive_column_depends_on_the_other_pairs():
    few, many = combine(members([[0.9, 0.3]])), combine(members([[0.9, 0.3, 0.95, 0.99]]))
    for column in ENSEMBLES:
        same = np.allclose(few[column], many[column][:2])
        assert same == (column != "transductive"), column


def test_scores_are_of_the_labelled_pairs_and_areas_of_a_vote_are_those_of_zeros_and_ones():
    y = [0, 0, 1, 1, 1, None]
    probability = np.array([0.1, 0.6, 0.4, 0.7, 0.9, 0.9])
    table = pd.DataFrame({"subject": list("aabbcd"), "y_true": pd.array(y, "Int64")})
    table = table.assign(**{**dict.fromkeys(ENSEMBLES, probability), "majority_vote": (probability > 0.5).astype(int)})
    scores = score_ensembles(table, 0.6, SETTINGS).set_index(["ensemble", "metric"])
    value = scores["value"]
    # Of the six (stable, unstable) pairs, five are in order; votes put three in order and tie two.
    assert value["mean of calibrated probabilities", "auc"] == pytest.approx(5 / 6)
    assert value["majority vote", "auc"] == pytest.approx((2 + 3 / 2) / 6)
    assert value["majority vote", "sensitivity"] == pytest.approx(2 / 3)
    assert value["majority vote", "specificity"] == pytest.approx(1 / 2)
    assert ("mean score", "auc") in value.index and ("mean score", "sensitivity") not in value.index
    assert set(scores["n_maps"]) == {5} and set(scores["n_patients"]) == {3}
    note = scores.loc[("mean of calibrated probabilities at the cohort's estimated prior", "auc"), "note"]
    assert note.startswith("estimated share of unstable pairs: 0.600")
