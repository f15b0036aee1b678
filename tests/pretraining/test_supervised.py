"""Pretraining validates by patient."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy import CARD, TRAINING, make_rows, write_cache

from gliodelta.pretraining.methods import Untrainable
from gliodelta.pretraining.methods.supervised import draw_patients, pretrain
from gliodelta.training.models import build_model


@given(
    labels=st.dictionaries(st.integers(0, 200), st.lists(st.integers(0, 1), min_size=1, max_size=5), min_size=2),
    share=st.sampled_from([0.1, 0.25, 0.5]),
    seed=st.integers(0, 1000),
)
def test_the_share_of_patients_is_drawn_and_never_all_or_none(labels, share, seed):
    rows = pd.DataFrame([(f"s{key}", y) for key, ys in labels.items() for y in ys], columns=["subject", "y"])
    drawn = draw_patients(rows, share, seed)
    assert len(drawn) == max(1, int(share * len(labels) + 0.5)) < len(labels)
    assert drawn == draw_patients(rows.iloc[::-1], share, seed)


def test_the_drawn_patients_have_the_mixture_of_all():
    rows = pd.DataFrame({"subject": [f"s{number:02d}" for number in range(40)], "y": [0] * 20 + [1] * 20})
    for seed in range(10):
        drawn = draw_patients(rows, 0.25, seed)
        assert rows[rows["subject"].isin(drawn)]["y"].sum() == 5
    assert draw_patients(rows, 0.25, 0) != draw_patients(rows, 0.25, 1)


def test_too_few_patients_or_classes_are_refused_in_words(tmp_path):
    rows = make_rows(3)
    cache = write_cache(rows, tmp_path / "cache.safetensors")
    with pytest.raises(Untrainable, match="two patients"):
        pretrain(build_model(CARD), rows[rows["subject"] == "p01"], cache, CARD, TRAINING)
    with pytest.raises(Untrainable, match="one class"):
        pretrain(build_model(CARD), rows[rows["y"] == 1], cache, CARD, TRAINING)
