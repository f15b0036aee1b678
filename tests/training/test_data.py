"""Maps come back as cached, in the order of the list, and the cut keeps what it says."""

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from toy import make_rows, write_cache

from gliodelta.schema import InvalidInput
from gliodelta.sheets import read_sheet
from gliodelta.training.data import WEAK_LABELS, _alike, cut_weak, load_maps


def weak(confidences):
    """One weak row for each confidence."""
    count = len(confidences)
    names = [f"s{number}" for number in range(count)]
    return pd.DataFrame({"subject": names, "prior": "0", "current": "9", "y": 1, "confidence": confidences})


def test_maps_are_read_in_the_order_of_the_list(tmp_path):
    rows = make_rows(3)
    cache = write_cache(rows, tmp_path / "cache.safetensors")
    maps = load_maps(rows.iloc[::-1], cache)
    assert maps.targets.tolist() == [1, 0, 1, 0, 1, 0]
    assert maps.weights.tolist() == [1] * 6
    assert maps.pairs[0].dtype == torch.float16
    assert torch.equal(maps.pairs[0], load_file(cache)["p03/90/180"])


def test_maps_without_labels_have_none(tmp_path):
    rows = make_rows(1)
    cache = write_cache(rows, tmp_path / "cache.safetensors")
    assert load_maps(rows.drop(columns="y"), cache).targets.isnan().all()


def test_a_cache_that_lacks_a_pair_is_refused_with_its_name(tmp_path):
    cache = write_cache(make_rows(2), tmp_path / "cache.safetensors")
    with pytest.raises(InvalidInput, match=r"lacks 2 of 6 pairs.*p03/0/90"):
        load_maps(make_rows(3), cache)


def test_identity_tells_lists_apart(tmp_path):
    rows = make_rows(2)
    cache = write_cache(rows, tmp_path / "cache.safetensors")
    assert load_maps(rows, cache).identity == load_maps(rows, cache).identity
    assert load_maps(rows, cache).identity != load_maps(rows.assign(y=1 - rows["y"]), cache).identity


@pytest.fixture
def mixed(tmp_path):
    """A function that loads two readers' maps and four of reports, of patients with 1, 1 and 3 maps and 1 map."""
    keys = [
        ("p1", "0", "9"),
        ("p2", "0", "9"),
        ("p3", "0", "9"),
        ("p3", "9", "18"),
        ("p3", "18", "27"),
        ("p4", "0", "9"),
    ]
    rows = pd.DataFrame(keys, columns=["subject", "prior", "current"]).assign(
        days=[9, 30, 9, 9, 9, 365],
        y=[1, 0, 1, 0, 1, 0],
        # What readers say is certain, whatever else stands in their rows.
        p_unstable=[0.3, 0.4, 0.75, 0.1, 0.6, 0.5],
        p_by_noise=[0.3, 0.4, 0.8, 0.2, 0.8, 0.2],
        confidence=[0.6, 0.7, 0.75, 0.9, 0.6, 0.5],
        source=["human", "human", "weak", "weak", "weak", "weak"],
    )
    cache = write_cache(rows, tmp_path / "cache.safetensors")
    return lambda rows=rows, **choices: load_maps(rows, cache, **choices)


def test_days_and_sources_come_from_the_rows(mixed):
    maps = mixed()
    assert maps.days.tolist() == [9, 30, 9, 9, 9, 365]
    assert maps.weak.tolist() == [False, False, True, True, True, True]
    bare = mixed(maps.rows.drop(columns=["days", "source"]), weak_labels="soft")
    assert bare.days.isnan().all() and not bare.weak.any()
    # Without a source, labels are readers'.
    assert bare.targets.tolist() == maps.targets.tolist()


@pytest.mark.parametrize(
    ("weak_labels", "targets", "weights"),
    [
        ("hard", [1, 0, 1, 0, 1, 0], [1, 1, 1, 1, 1, 1]),
        ("weighted", [1, 0, 1, 0, 1, 0], [1, 1, 0.5, 0.8, 0.2, 0]),
        ("soft", [1, 0, 0.75, 0.1, 0.6, 0.5], [1, 1, 1, 1, 1, 1]),
        ("noise", [1, 0, 0.8, 0.2, 0.8, 0.2], [1, 1, 1, 1, 1, 1]),
    ],
)
def test_weak_labels_count_as_asked(mixed, weak_labels, targets, weights):
    maps = mixed(weak_labels=weak_labels)
    assert maps.targets.tolist() == pytest.approx(targets)
    assert maps.weights.tolist() == pytest.approx(weights)


def test_weighted_by_patient_each_one_counts_alike_however_many_maps_there_are(mixed):
    maps = mixed(weighting="patient")
    assert maps.weights.tolist() == pytest.approx([1.5, 1.5, 0.5, 0.5, 0.5, 1.5])
    maps = mixed(weighting="patient", weak_labels="weighted")
    # Three patients share 6; within the third by confidence; the fourth's only label is a guess.
    assert maps.weights.tolist() == pytest.approx([2, 2, 2 / 3, 16 / 15, 4 / 15, 0])


@given(st.lists(st.tuples(st.integers(1, 9), st.floats(0.5, 1)), min_size=1, max_size=40))
def test_patients_sum_alike_and_the_mean_weight_is_one(maps):
    subjects = pd.Series([f"p{patient}" for patient, _ in maps])
    weights = _alike(subjects, [2 * confidence - 1 for _, confidence in maps])
    sums = weights.groupby(subjects).sum()
    assert sums[sums > 0].tolist() == pytest.approx([sums.max()] * (sums > 0).sum())
    assert weights.mean() == pytest.approx(1 if weights.any() else 0)


def test_what_is_made_of_the_labels_is_part_of_the_identity(mixed):
    choices = [*({"weak_labels": name} for name in WEAK_LABELS), {"weighting": "patient"}]
    assert len({mixed(**choice).identity for choice in choices}) == 5


def test_a_misspelt_choice_is_refused_with_those_there_are(mixed):
    with pytest.raises(InvalidInput, match=r"'softly'.*hard, weighted, soft"):
        mixed(weak_labels="softly")


def test_a_confidence_of_another_label_than_the_given_one_does_not_weigh(mixed):
    rows = mixed().rows
    # A reader's label is certain whatever its row says.
    mixed(rows.assign(confidence=[0.1, 0.1, 0.75, 0.9, 0.6, 0.5]), weak_labels="weighted")
    with pytest.raises(InvalidInput, match=r"1 weak labels, the first of pair p3/9/18, .* not 0.5 to 1"):
        mixed(rows.assign(confidence=[0.6, 0.7, 0.75, 0.49, 0.6, 0.5]), weak_labels="weighted")


def test_a_confidence_cut_keeps_labels_of_at_least_that_confidence():
    assert list(cut_weak(weak([0.5, 0.75, 0.74, 0.9]), "confidence", "0.75").index) == [1, 3]


def test_a_quantile_cut_keeps_the_most_confident_share_in_the_order_of_the_list():
    assert list(cut_weak(weak([0.5, 0.9, 0.7, 0.8]), "quantile", "0.5").index) == [1, 3]
    assert len(cut_weak(weak([]), "quantile", "0.5")) == 0


def test_the_published_shares_keep_the_published_numbers_of_labels(project):
    # methods.md A5: of 1,460 weak labels, 1,200 have a confidence of at least .75, and 561 of at least .95.
    for name in ("paper", "better"):
        cuts = {row["cut"] for row in read_sheet(project / "config" / name / "recipes.tsv", "recipes")}
        kept = {len(cut_weak(weak([0.5] * 1460), "quantile", cut)) for cut in cuts}
        assert kept == {1200, 561}


def test_ties_at_a_quantile_cut_do_not_depend_on_the_order_of_the_rows():
    rows = weak([0.5] * 20)
    kept = cut_weak(rows, "quantile", "0.5")
    assert len(kept) == 10
    assert set(cut_weak(rows.iloc[::-1], "quantile", "0.5")["subject"]) == set(kept["subject"])
    # By name, these would be the first ten.
    assert set(kept["subject"]) != {f"s{number}" for number in range(10)}
