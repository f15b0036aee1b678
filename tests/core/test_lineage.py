"""Weights made with other patients left out are refused, by their lineage and by their own card."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy import CARD

from gliodelta import io
from gliodelta.lineage import check_cards, check_lineage, excluded_patients, origin
from gliodelta.schema import InvalidInput
from gliodelta.training.models import build_model, save_model
from gliodelta.transfer.train import train_fold

MINE = {"repeat": 1, "fold": 2, "inner": 3, "excluded": excluded_patients({"1", "10"})}
OTHER = {"repeat": 4, "fold": 5, "inner": 1, "excluded": excluded_patients({"1", "100"})}
BOTH = "repeat 4 fold 5 inner split 1 were offered to repeat 1 fold 2 inner split 3"

patients = st.frozensets(st.sampled_from(["1", "10", "100", "01", "110", "1,10", "a", "A"]))


@given(patients, patients)
def test_the_digest_tells_sets_of_patients_apart(first, second):
    assert (excluded_patients(first) == excluded_patients(second)) == (first == second)


def test_lineages_of_other_patients_are_refused_with_both_folds():
    check_lineage(MINE, [])
    check_lineage(MINE, [MINE, {**OTHER, "excluded": MINE["excluded"]}])
    with pytest.raises(InvalidInput, match=BOTH):
        check_lineage(MINE, [MINE, OTHER])


def test_cards_of_other_patients_are_refused_with_both_folds():
    check_cards(MINE, [{"lineage": MINE}])
    with pytest.raises(InvalidInput, match=BOTH):
        check_cards(MINE, [{"lineage": MINE}, {"lineage": OTHER}])


def test_weights_that_do_not_say_whom_they_have_seen_are_refused():
    with pytest.raises(InvalidInput, match=r"without a lineage .* repeat 1 fold 2 inner split 3: nobody can tell"):
        check_cards(MINE, [{"encoder": "vgg"}])


def test_a_card_repeats_the_split_and_the_digest_only():
    assert origin({**MINE, "pairs": {"train": 3}, "status": "trained"}) == MINE


def test_an_encoder_that_was_copied_from_another_split_is_refused_by_its_card(tmp_path):
    io.write_json(MINE, tmp_path / "lineage.json")
    save_model(build_model(CARD), {**CARD, "lineage": OTHER}, tmp_path / "encoder.safetensors")
    lineages, encoders = [tmp_path / "lineage.json"] * 2, {"most": tmp_path / "encoder.safetensors"}
    with pytest.raises(InvalidInput, match=BOTH):
        train_fold(None, {}, lineages, {}, encoders, arm={}, recipes={}, training={}, outputs={})
