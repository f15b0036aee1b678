"""No patient that validates or tests has a pair in any training list, however the patients overlap."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gliodelta import io
from gliodelta.lineage import check_lineage
from gliodelta.manifests import LISTS, build_manifest, count_pairs
from gliodelta.schema import InvalidInput

SPLIT = {"repeat": 1, "fold": 1, "inner": 1}
# Ids that are prefixes of each other: the published guard searched them as substrings of paths.
SUBJECTS = ["1", "10", "100", "01", "a", "a1", "b"]


def write(folder, human, weak, parts, excluded_maps=()):
    """Writes the inputs of a manifest; `human` and `weak` are sets of pairs, `parts` maps subjects to parts."""
    pairs = sorted(human | weak)
    names = ["subject", "prior", "current"]
    labels = [(*pair, "r1", "progression" if int(pair[1]) % 2 else "stable") for pair in sorted(human)]
    io.write_table(pd.DataFrame(labels, columns=[*names, "reader", "label"]), folder / "labels.tsv")
    io.write_table(
        pd.DataFrame([(*pair, 0.9, 0.9) for pair in sorted(weak)], columns=[*names, "p_unstable", "confidence"]),
        folder / "weak.tsv",
    )
    maps = [(*pair, 90, "no" if pair in excluded_maps else "yes") for pair in pairs]
    io.write_table(pd.DataFrame(maps, columns=[*names, "days", "include"]), folder / "maps.tsv")
    folds = [(1, 1, 1, subject, part) for subject, part in parts.items()]
    io.write_table(pd.DataFrame(folds, columns=["repeat", "fold", "inner", "subject", "part"]), folder / "folds.tsv")


def build(folder):
    """Builds the manifest of the inputs in `folder` and returns the lists and the lineage."""
    lists = {name: folder / f"{name}_list.tsv" for name in LISTS}
    build_manifest(
        folder / "folds.tsv", folder / "labels.tsv", folder / "weak.tsv", folder / "maps.tsv", SPLIT, lists,
        folder / "lineage.json",
    )  # fmt: skip
    return {name: io.read_table(path) for name, path in lists.items()}, io.read_json(folder / "lineage.json")


pairs = st.sets(st.tuples(st.sampled_from(SUBJECTS), st.sampled_from("0123"), st.just("9")), max_size=20)
parts = st.fixed_dictionaries({s: st.sampled_from(["train", "validation", "test"]) for s in SUBJECTS})


@settings(max_examples=60, deadline=None)
@given(human=pairs.filter(len), weak=pairs, parts=parts)
def test_no_validation_or_test_patient_is_in_a_training_list(tmp_path_factory, human, weak, parts):
    folder = tmp_path_factory.mktemp("m")
    write(folder, human, weak, parts)
    lists, _ = build(folder)
    kept_out = {subject for subject, part in parts.items() if part != "train"}
    for name in ("train", "weak"):
        assert not kept_out & set(lists[name]["subject"])
    # What the guard allows is all there: nothing disappears.
    allowed = {pair for pair in weak - human if pair[0] not in kept_out}
    assert set(lists["weak"][["subject", "prior", "current"]].itertuples(index=False, name=None)) == allowed
    assert sum(len(lists[name]) for name in ("train", "validation", "test")) == len(human)


def test_a_pair_with_a_human_label_is_never_weak(tmp_path):
    pair = ("a", "0", "9")
    write(tmp_path, {pair}, {pair, ("a", "2", "9")}, {"a": "train"})
    lists, _ = build(tmp_path)
    assert lists["weak"]["prior"].to_list() == ["2"]


def test_excluded_maps_are_on_no_list(tmp_path):
    write(
        tmp_path, {("a", "0", "9"), ("b", "0", "9")}, {("a", "1", "9")}, {"a": "train", "b": "test"}, {("b", "0", "9")}
    )
    lists, _ = build(tmp_path)
    assert len(lists["test"]) == 0 and len(lists["train"]) == 1 and len(lists["weak"]) == 1


def test_lineage_tells_splits_apart(tmp_path):
    write(tmp_path, {("a", "0", "9"), ("b", "1", "9")}, set(), {"a": "train", "b": "test"})
    _, mine = build(tmp_path)
    write(tmp_path, {("a", "0", "9"), ("b", "1", "9")}, set(), {"a": "test", "b": "train"})
    _, other = build(tmp_path)
    check_lineage(mine, [mine])
    with pytest.raises(InvalidInput, match="fold 1 inner split 1 were offered to repeat 1 fold 1"):
        check_lineage(mine, [other])


def test_counts_name_every_list(tmp_path):
    write(tmp_path, {("a", "0", "9"), ("b", "1", "9")}, {("a", "2", "9")}, {"a": "train", "b": "test"})
    build(tmp_path)
    for name in LISTS:
        (tmp_path / f"{name}_list.tsv").rename(tmp_path / f"{name}.tsv")
    count_pairs([tmp_path], tmp_path / "counts.tsv")
    counts = io.read_table(tmp_path / "counts.tsv").set_index("list")
    assert counts["pairs"].to_dict() == {"train": 1, "validation": 0, "test": 1, "weak": 1}
    assert counts["unstable"].to_dict() == {"train": 0, "validation": 0, "test": 1, "weak": 1}
