"""Maps come back as cached, in the order of the list, and the cut keeps what it says."""

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from toy import make_rows, write_cache

from gliodelta.schema import InvalidInput
from gliodelta.training.data import cut_weak, load_maps


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


def test_a_confidence_cut_keeps_labels_of_at_least_that_confidence():
    assert list(cut_weak(weak([0.5, 0.75, 0.74, 0.9]), "confidence", "0.75").index) == [1, 3]


def test_a_quantile_cut_keeps_the_most_confident_share_in_the_order_of_the_list():
    assert list(cut_weak(weak([0.5, 0.9, 0.7, 0.8]), "quantile", "0.5").index) == [1, 3]
    assert len(cut_weak(weak([0.5] * 1460), "quantile", "0.38")) == 555
    assert len(cut_weak(weak([]), "quantile", "0.5")) == 0


def test_ties_at_a_quantile_cut_do_not_depend_on_the_order_of_the_rows():
    rows = weak([0.5] * 20)
    kept = cut_weak(rows, "quantile", "0.5")
    assert len(kept) == 10
    assert set(cut_weak(rows.iloc[::-1], "quantile", "0.5")["subject"]) == set(kept["subject"])
    # By name, these would be the first ten.
    assert set(kept["subject"]) != {f"s{number}" for number in range(10)}
