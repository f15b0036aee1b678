"""A study's id is the digest of all that decides its result, and of nothing else."""

import pytest

from gliodelta import io
from gliodelta.schema import InvalidInput
from gliodelta.tuning.study import FILES, inner_splits


def identity(files, **changes):
    return io.read_json(files.study(**changes))["id"]


def test_the_same_study_has_the_same_bytes(fold):
    first = fold.study().read_bytes()
    assert fold.study().read_bytes() == first


@pytest.mark.parametrize("name", FILES)
def test_every_input_decides_the_id(fold, name):
    before = identity(fold)
    path = fold.files[name][-1]
    # One byte, which even the last of some weights may lose.
    path.write_bytes(path.read_bytes()[:-1] + b" ")
    assert identity(fold) != before


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"code": "d"},
        {"training": {"epochs": 3}},
        {"fold": {"repeat": 1, "fold": 2}},
        {"pruning": "halving"},
    ],
)
def test_every_value_decides_the_id(fold, change):
    assert identity(fold, **change) != identity(fold)


def test_the_budget_decides_the_id_only_where_settings_are_pruned(fold):
    assert identity(fold, budget=20) == identity(fold)
    assert identity(fold, budget=20, pruning="halving") != identity(fold, pruning="halving")


def test_the_maps_decide_the_id(fold):
    before = identity(fold)
    fold.checksums[1].write_text("other  grid-fine.safetensors\n")
    assert identity(fold) != before


def test_each_inner_split_gets_its_own_lists_and_encoders(fold):
    first, second = inner_splits(fold.files, ["most", "sure"])
    assert {path.parent.name for path in first["lists"].values()} == {"inner-1"}
    assert {path.parent.name for path in second["lists"].values()} == {"inner-2"}
    assert second["encoders"] == {recipe: fold.folder / recipe / "inner-2.safetensors" for recipe in ("most", "sure")}


def test_an_encoder_of_another_split_is_refused(fold):
    fold.files["encoder_lineages"].reverse()
    with pytest.raises(InvalidInput, match="weights of repeat 1 fold 1 inner split 2 were offered to"):
        fold.study()


def test_weights_whose_card_names_another_split_than_the_lineage_beside_them_are_refused(fold):
    first, second = fold.files["encoders"][:2]
    first.write_bytes(second.read_bytes())
    with pytest.raises(InvalidInput, match=r"weights of .* inner split 2 were offered to .* inner split 1"):
        inner_splits(fold.files, ["most", "sure"])
