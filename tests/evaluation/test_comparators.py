"""Comparators see the training patients only and are scored like networks."""

import pytest

from gliodelta import io
from gliodelta.evaluation.comparators import COMPARATORS, fit_comparators
from gliodelta.evaluation.predictions import check
from gliodelta.schema import InvalidInput
from gliodelta.tables import PREDICTIONS


def test_every_comparator_predicts_what_a_network_would(made):
    table = made.fit()
    assert list(table.columns) == ["cohort", *PREDICTIONS]
    assert set(table["arm"]) == set(COMPARATORS)
    check(table)
    home = table[table["cohort"] == "home"]
    wanted = made.folds[made.folds["part"] != "train"]
    assert len(home) == len(COMPARATORS) * 2 * len(wanted)
    away = table[table["cohort"] == "away"]
    assert len(away) == len(COMPARATORS) * len(made.pairs["away"])
    assert (away[["repeat", "fold", "inner"]] == 0).all(axis=None)


def test_one_number_is_only_given_a_direction(made):
    maps = made.pairs["home"].assign(feature_mean=-made.pairs["home"]["feature_mean"])
    io.write_table(maps.drop(columns="y"), made.folder / "home_maps.tsv")
    table = made.fit()
    tests = table[(table["arm"] == "mean-difference") & (table["split"] == "test")].merge(maps)
    for _, part in tests.groupby(["fold", "inner"]):
        # Unstable pairs now have the lower numbers, so that the regression must have turned them round.
        assert part["score"].corr(part["feature_mean"]) == pytest.approx(-1)


def test_labels_of_test_and_validation_patients_change_nothing_of_their_fold(made):
    before = made.fit()
    held_out = made.folds[(made.folds["fold"] == 1) & (made.folds["inner"] == 1) & (made.folds["part"] != "train")]
    labels = io.read_table(made.folder / "home_labels.tsv")
    turned = labels["subject"].isin(held_out["subject"])
    labels.loc[turned, "label"] = labels.loc[turned, "label"].map({"stable": "progression", "progression": "stable"})
    io.write_table(labels, made.folder / "home_labels.tsv")
    after = made.fit()
    fold = (before["fold"] == 1) & (before["inner"] == 1)
    assert before.loc[fold, "score"].tolist() == after.loc[fold, "score"].tolist()
    assert before.loc[~fold, "score"].tolist() != after.loc[~fold, "score"].tolist()


def test_training_on_one_class_gives_a_constant_half(made):
    stable = io.read_table(made.folder / "home_labels.tsv").assign(label="stable")
    io.write_table(stable, made.folder / "home_labels.tsv")
    table = made.fit()
    assert len(table) and (table["probability"] == 0.5).all() and (table["score"] == 0).all()


def test_an_excluded_map_is_in_no_row(made):
    maps = io.read_table(made.folder / "home_maps.tsv")
    maps.loc[0, ["include", "feature_mean"]] = ["no", None]
    io.write_table(maps, made.folder / "home_maps.tsv")
    table = made.fit()
    assert not ((table["subject"] == maps.loc[0, "subject"]) & (table["current"] == maps.loc[0, "current"])).any()


def test_an_included_map_without_a_number_is_an_error(made):
    maps = io.read_table(made.folder / "home_maps.tsv")
    maps.loc[0, "feature_p95"] = None
    io.write_table(maps, made.folder / "home_maps.tsv")
    with pytest.raises(InvalidInput, match="feature_p95 lack a number"):
        made.fit()


def test_the_step_writes_the_same_bytes_again_and_a_picture(made):
    def write():
        names = ["home", "away"]
        maps, labels = ([made.folder / f"{name}_{sheet}.tsv" for name in names] for sheet in ("maps", "labels"))
        fit_comparators(made.folder / "folds.tsv", names, maps, labels, made.comparators, made.folder / "seen.png")
        return made.comparators.read_bytes(), (made.folder / "seen.png").read_bytes()

    assert write() == write()
    assert len(io.read_table(made.comparators)) == len(made.fit())
