"""No patient that validates or tests has a pair in any training list, however the patients overlap."""

from itertools import product

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gliodelta import io
from gliodelta.lineage import check_lineage
from gliodelta.manifests import LISTS, build_manifest, count_pairs
from gliodelta.schema import InvalidInput
from gliodelta.splits import split_patients
from gliodelta.tables import PAIR

SPLIT = {"repeat": 1, "fold": 1, "inner": 1}
# Ids that hold each other: the published guard searched them as substrings of paths.
SUBJECTS = ["1", "10", "100", "01", "110", "a", "a1", "ba1", "A", "b"]
PARTS = ("train", "validation", "test")


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


def build(folder, split=SPLIT, noise=None):
    """Builds the manifest of the inputs in `folder` and returns the lists and the lineage."""
    lists = {name: folder / f"{name}_list.tsv" for name in LISTS}
    build_manifest(
        folder / "folds.tsv", folder / "labels.tsv", folder / "weak.tsv", folder / "maps.tsv", split, lists,
        folder / "lineage.json", noise,
    )  # fmt: skip
    return {name: io.read_table(path) for name, path in lists.items()}, io.read_json(folder / "lineage.json")


pairs = st.sets(st.tuples(st.sampled_from(SUBJECTS), st.sampled_from("0123"), st.just("9")), max_size=20)
parts = st.fixed_dictionaries({s: st.sampled_from(PARTS) for s in SUBJECTS})


def pairs_of(table):
    """The pairs of a list; each stands on it once."""
    found = list(table[PAIR].itertuples(index=False, name=None))
    assert len(found) == len(set(found))
    return set(found)


@settings(max_examples=20, deadline=None)
@given(human=pairs.filter(len), weak=pairs, parts=parts, data=st.data())
def test_the_lists_hold_what_the_guard_allows_and_nothing_else(tmp_path_factory, human, weak, parts, data):
    folder = tmp_path_factory.mktemp("m")
    gone = data.draw(st.sets(st.sampled_from(sorted(human | weak)), max_size=4))
    write(folder, human, weak, parts, gone)
    lists, lineage = build(folder)
    lists = {name: pairs_of(table) for name, table in lists.items()}
    kept_out = {subject for subject, part in parts.items() if part != "train"}
    for name in ("train", "weak"):
        assert not kept_out & {subject for subject, *_ in lists[name]}
    # Nothing disappears: what may be on a list is, and what is on none is counted.
    for part in PARTS:
        assert lists[part] == {pair for pair in human - gone if parts[pair[0]] == part}
    assert lists["weak"] == {pair for pair in weak - human - gone if pair[0] not in kept_out}
    assert len(lists["weak"]) + sum(lineage["weak_left_out"].values()) == len(weak)


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 999), inner=st.integers(1, 2), weak=pairs)
def test_every_split_of_the_real_folds_keeps_its_patients_apart(tmp_path_factory, seed, inner, weak):
    folder = tmp_path_factory.mktemp("m")
    human = {(subject, visit, "9") for subject in SUBJECTS for visit in "45"}
    write(folder, human, weak, {})
    design = {"repeats": 2, "folds": 3, "inner": inner, "validation": 0.25, "stratified": True, "seed": seed}
    split_patients(folder / "labels.tsv", design, folder / "folds.tsv", folder / "balance.tsv")
    tested = {repeat: set() for repeat in (1, 2)}
    for repeat, fold, number in product((1, 2), (1, 2, 3), range(1, inner + 1)):
        lists, _ = build(folder, {"repeat": repeat, "fold": fold, "inner": number})
        subjects = {name: set(table["subject"]) for name, table in lists.items()}
        assert not (subjects["train"] | subjects["weak"]) & (subjects["validation"] | subjects["test"])
        assert subjects["train"] | subjects["validation"] | subjects["test"] == set(SUBJECTS)
        assert not subjects["validation"] & subjects["test"]
        weak_of_trained = {pair for pair in weak if pair[0] in subjects["train"]}
        assert pairs_of(lists["weak"]) == weak_of_trained
        tested[repeat] |= subjects["test"]
    assert tested[1] == tested[2] == set(SUBJECTS)


def test_a_patient_without_a_majority_label_is_in_no_fold_but_may_be_weak(tmp_path):
    write(tmp_path, {("a", "0", "9")}, {("b", "2", "9")}, {"a": "test"})
    lists, lineage = build(tmp_path)
    assert pairs_of(lists["weak"]) == {("b", "2", "9")}
    assert sum(lineage["weak_left_out"].values()) == 0


def test_folds_with_a_patient_in_two_parts_are_refused(tmp_path):
    write(tmp_path, {("a", "0", "9")}, set(), {"a": "train"})
    folds = io.read_table(tmp_path / "folds.tsv")
    io.write_table(pd.concat([folds, folds.assign(part="test")]), tmp_path / "folds.tsv")
    with pytest.raises(InvalidInput, match="a patient stands twice"):
        build(tmp_path)


def test_why_weak_labels_are_on_no_list_is_counted(tmp_path):
    human, unmapped = ("a", "0", "9"), ("a", "1", "9")
    write(
        tmp_path, {human}, {human, unmapped, ("a", "2", "9"), ("b", "0", "9")}, {"a": "train", "b": "test"}, {unmapped}
    )
    _, lineage = build(tmp_path)
    assert list(lineage["weak_left_out"].values()) == [1, 1, 1] and lineage["pairs"]["weak"] == 1


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


def noise(folder, patients=10):
    """Writes the counts of a fold whose reports miss 3 of 12 unstable pairs and call 2 of 20 stable ones unstable."""
    rows = [(0, "stable", 20, 15, 2), (0, "unstable", 12, patients, 3), (0.75, "stable", 9, 9, 9)]
    table = pd.DataFrame(rows, columns=["least_confidence", "human", "pairs", "patients", "wrong"])
    io.write_table(table, folder / "noise.tsv")
    return folder / "noise.tsv"


def test_weak_labels_say_how_often_their_class_was_right(tmp_path):
    write(tmp_path, {("a", "0", "9")}, {("a", "1", "9"), ("a", "2", "9")}, {"a": "train"})
    weak = io.read_table(tmp_path / "weak.tsv").assign(p_unstable=[0.6, 0.1])
    io.write_table(weak, tmp_path / "weak.tsv")
    lists, lineage = build(tmp_path, noise=noise(tmp_path))
    # Reports call 9 + 2 pairs unstable, 9 of them rightly, and 18 + 3 stable, 3 of them wrongly; one more of each kind.
    assert lists["weak"]["p_by_noise"].tolist() == pytest.approx([10 / 13, 4 / 23])
    assert lineage["p_by_noise"] == pytest.approx({"stable": 4 / 23, "unstable": 10 / 13})
    assert (lists["train"]["p_by_noise"] == lists["train"]["y"]).all()


@pytest.mark.parametrize(("patients", "reason"), [(9, "only 9 patients"), (None, "made elsewhere")])
def test_where_the_noise_is_not_known_weak_labels_keep_their_own_probability(tmp_path, patients, reason):
    write(tmp_path, {("a", "0", "9")}, {("a", "1", "9"), ("a", "2", "9")}, {"a": "train"})
    lists, lineage = build(tmp_path, noise=patients and noise(tmp_path, patients))
    assert lists["weak"]["p_by_noise"].tolist() == lists["weak"]["p_unstable"].tolist() == [0.9, 0.9]
    assert reason in lineage["p_by_noise"]
