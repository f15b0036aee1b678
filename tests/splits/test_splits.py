"""Folds are by patient, stratified, and what the settings ask for."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gliodelta import io
from gliodelta.schema import InvalidInput
from gliodelta.splits import split_patients

SETTINGS = {"repeats": 1, "folds": 3, "inner": 2, "validation": 0.25, "stratified": True, "seed": 123}


def draw(folder, labels, **changes):
    """Splits `labels`, a dict of subject to the labels of its pairs, and returns both tables."""
    rows = [
        {"subject": subject, "prior": str(pair), "current": str(pair + 1), "reader": "r1", "label": label}
        for subject, given_labels in labels.items()
        for pair, label in enumerate(given_labels)
    ]
    sheet, folds, balance = folder / "labels.tsv", folder / "folds.tsv", folder / "balance.tsv"
    io.write_table(pd.DataFrame(rows), sheet)
    split_patients(sheet, {**SETTINGS, **changes}, folds, balance)
    return io.read_table(folds), io.read_table(balance)


def patients(count):
    """`count` patients, every other one with an unstable pair."""
    return {f"p{number}": ["stable", "progression" if number % 2 else "stable"] for number in range(count)}


@settings(max_examples=15, deadline=None)
@given(
    count=st.integers(9, 30),
    folds=st.integers(2, 4),
    inner=st.integers(1, 3),
    stratified=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_each_patient_has_one_part_in_a_split_and_is_tested_once(tmp_path_factory, count, folds, inner, **changes):
    table, _ = draw(tmp_path_factory.mktemp("s"), patients(count), folds=folds, inner=inner, **changes)
    assert not table.duplicated(["repeat", "fold", "inner", "subject"]).any()
    tested = table[table["part"] == "test"].drop_duplicates(["fold", "subject"])
    assert sorted(tested["subject"]) == sorted(patients(count))
    assert set(table["inner"]) == set(range(1, inner + 1))
    for _, split in table.groupby(["fold", "inner"]):
        assert {"train", "validation", "test"} == set(split["part"])


def test_every_fold_has_both_classes(tmp_path):
    _, balance = draw(tmp_path, patients(18))
    tests = balance[balance["part"] == "test"]
    assert (tests["unstable"] > 0).all() and (tests["unstable"] < tests["pairs"]).all()


def test_validation_patients_of_the_inner_splits_are_disjoint_and_cover_the_training_patients(tmp_path):
    table, _ = draw(tmp_path, patients(18), inner=3)
    for _, fold in table.groupby("fold"):
        validating = fold[fold["part"] == "validation"]["subject"]
        assert validating.is_unique
        assert set(validating) == set(fold["subject"]) - set(fold[fold["part"] == "test"]["subject"])


def test_one_inner_split_validates_a_quarter_as_published(tmp_path):
    # 91 patients in 5 folds: 73 train, 18 of them validate (methods.md A3).
    table, _ = draw(tmp_path, patients(91), folds=5, inner=1)
    sizes = table[table["part"] == "validation"].groupby("fold").size()
    assert sizes.between(17, 19).all()


def test_the_published_folds_are_those_of_kfold_over_the_sorted_patients(tmp_path):
    # methods.md A3: KFold(5, shuffle, random_state 123) over 91 sorted patients; 18 of the 72 or 73 others validate.
    table, _ = draw(tmp_path, patients(91), folds=5, inner=1, stratified=False)
    sizes = table.groupby(["fold", "part"]).size().unstack()
    assert sizes["test"].to_list() == [19, 18, 18, 18, 18]
    assert sizes["validation"].to_list() == [18] * 5
    order = np.random.RandomState(123).permutation(91)
    expected = {sorted(patients(91))[number] for number in order[:19]}
    assert set(table.loc[(table["fold"] == 1) & (table["part"] == "test"), "subject"]) == expected


def test_unstratified_folds_do_not_look_at_the_labels(tmp_path):
    flipped = {subject: labels[::-1] for subject, labels in patients(30).items()} | {"p1": ["stable", "stable"]}
    first, _ = draw(tmp_path, patients(30), inner=1, stratified=False)
    again, _ = draw(tmp_path, flipped, inner=1, stratified=False)
    assert first.equals(again)


def test_repeats_differ_and_the_same_seed_repeats_itself(tmp_path):
    table, _ = draw(tmp_path, patients(18), repeats=2)
    again, _ = draw(tmp_path, patients(18), repeats=2)
    assert table.equals(again)
    first, second = (table[table["repeat"] == repeat]["part"].to_list() for repeat in (1, 2))
    assert first != second


def test_patients_without_a_majority_are_in_no_fold(tmp_path):
    table, _ = draw(tmp_path, {**patients(12), "nobodyknows": ["unknown"]})
    assert "nobodyknows" not in set(table["subject"])


@pytest.mark.parametrize(("share", "nearest"), [(0.7, "0.5"), (0.99, "0.5"), (0.3, "0.3333"), (0.22, "0.2")])
def test_a_share_that_stratified_splits_cannot_have_is_refused_with_the_nearest(tmp_path, share, nearest):
    with pytest.raises(InvalidInput, match=rf"validation is {share}, .*write {nearest}, or stratified: false"):
        draw(tmp_path, patients(60), inner=1, validation=share)
    # With several inner splits, the share is not used.
    draw(tmp_path, patients(60), inner=2, validation=share)


@given(share=st.sampled_from([0.1, 0.2, 0.25, 0.33, 0.5]), stratified=st.booleans())
@settings(max_examples=10, deadline=None)
def test_one_inner_split_validates_the_share_that_is_asked_for(tmp_path_factory, share, stratified):
    table, _ = draw(tmp_path_factory.mktemp("s"), patients(90), inner=1, validation=share, stratified=stratified)
    sizes = table.groupby(["fold", "part"]).size().unstack()
    assert (sizes["validation"] / 60).to_list() == pytest.approx([share] * 3, abs=1.5 / 60)


def test_an_unstratified_share_may_be_any_that_leaves_patients(tmp_path):
    table, _ = draw(tmp_path, patients(60), inner=1, validation=0.7, stratified=False)
    assert (table[table["part"] == "validation"].groupby("fold").size() == 28).all()
    with pytest.raises(InvalidInput, match=r"validation is 0.99, which is 6 of 6 patients"):
        draw(tmp_path, patients(9), inner=1, validation=0.99, stratified=False)


def test_too_few_pairs_to_stratify_are_an_error_that_says_what_to_do(tmp_path):
    one_each = {f"p{number}": ["progression" if number % 2 else "stable"] for number in range(8)}
    with pytest.raises(
        InvalidInput, match=r"4 stable and 4 unstable pairs of 8 patients do not make 5 stratified folds"
    ):
        draw(tmp_path, one_each, folds=5, inner=2)
    table, _ = draw(tmp_path, one_each, folds=5, inner=2, stratified=False)
    assert set(table["fold"]) == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("stratified", [True, False])
def test_more_folds_than_patients_are_an_error_that_says_what_to_do(tmp_path, stratified):
    with pytest.raises(InvalidInput, match="8 patients have a human label, too few for 10 outer"):
        draw(tmp_path, patients(8), folds=10, stratified=stratified)


def test_too_few_patients_are_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(InvalidInput, match="2 patients have a human label, too few for 3 outer and 2 inner folds"):
        draw(tmp_path, patients(2))
