"""The study's labels are as noisy as asked, as sure as they say, and nobody who tests or validates trains."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from gliodelta import io
from gliodelta.evidence.lists import assign_parts, draw_lists, largest, read_reports, split_of
from gliodelta.schema import InvalidInput
from gliodelta.splits import TRAIN, VALIDATION
from gliodelta.tables import PAIR

COUNTS = [9, 30]


def maps_of(prefix, patients, pairs=6):
    """A table like `simulate_population`'s, without images."""
    rng = np.random.default_rng(patients)
    rows = [
        {"subject": f"{prefix}{number:02d}", "prior": f"{place:04d}", "current": f"{place + 90:04d}", "days": 90}
        for number in range(patients)
        for place in range(pairs)
    ]
    y = rng.integers(0, 2, len(rows))
    return pd.DataFrame(rows).assign(include="yes", y=y, label=np.where(y, "progression", "stable"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The lists of one replicate at three levels of noise, and the tables they were drawn from."""
    folder = tmp_path_factory.mktemp("lists")
    tables = {"maps": maps_of("r1p", 24), "test": maps_of("t", 10)}
    for name, table in tables.items():
        io.write_table(table, folder / f"{name}.tsv")
    for noise in (0, 20, 40):
        draw_lists(
            folder / "maps.tsv", folder / "test.tsv", split_of(1), noise, COUNTS, 0.34, 5, folder / f"noise-{noise}"
        )
    return folder


def read(folders, noise, count, name):
    return io.read_table(folders / f"noise-{noise}" / f"labels-{count}" / f"{name}.tsv")


def keys(table):
    return set(table[PAIR].itertuples(index=False, name=None))


@pytest.mark.parametrize("noise", [0.05, 0.1, 0.25, 0.4, 0.49])
def test_as_many_labels_are_wrong_as_asked_and_confidence_is_right(noise):
    y = np.tile([0, 1, 1], 10_000)
    weak = read_reports(y, noise, np.random.default_rng(1))
    right = (weak["p_unstable"] >= 0.5) == y
    # Five standard errors of a share of 30,000.
    assert abs((~right).mean() - noise) < 5 * np.sqrt(noise * (1 - noise) / len(y))
    assert (weak["confidence"] >= 0.5).all() and (weak["confidence"] <= 1).all()
    bins = np.digitize(weak["confidence"], [0.6, 0.7, 0.8, 0.9])
    for number in np.unique(bins):
        inside = bins == number
        if inside.sum() > 500:
            gap = right[inside].mean() - weak["confidence"][inside].mean()
            assert abs(gap) < 5 * np.sqrt(0.25 / inside.sum())


def test_without_noise_labels_are_the_truth_and_certain():
    y = np.array([0, 1, 1, 0])
    weak = read_reports(y, 0, np.random.default_rng(1))
    assert (weak["p_unstable"] == y).all() and (weak["confidence"] == 1).all()


def test_what_is_wrong_at_low_noise_is_wrong_at_high_noise():
    y = np.tile([0, 1], 2000)
    wrong = [
        ((read_reports(y, noise, np.random.default_rng(3))["p_unstable"] >= 0.5) != y) for noise in (0.1, 0.25, 0.4)
    ]
    assert not (wrong[0] & ~wrong[1]).any() and not (wrong[1] & ~wrong[2]).any()


def test_human_labels_are_as_many_as_asked_true_and_nested(folders):
    truth = io.read_table(folders / "maps.tsv").set_index(PAIR)["y"]
    found = {}
    for count in COUNTS:
        parts = {name: read(folders, 0, count, name) for name in (TRAIN, VALIDATION)}
        both = pd.concat(parts.values())
        assert len(both) == len(keys(both)) == count
        assert (both.set_index(PAIR)["y"] == truth.loc[list(both[PAIR].itertuples(index=False, name=None))]).all()
        assert 0.34 * count - 3 <= len(parts[VALIDATION]) <= 0.34 * count + 3
        found[count] = {name: keys(table) for name, table in parts.items()}
    for name in (TRAIN, VALIDATION):
        assert found[COUNTS[0]][name] < found[COUNTS[1]][name]


def test_nobody_who_tests_or_validates_is_trained_on(folders):
    test = set(io.read_table(folders / "test.tsv")["subject"])
    for noise in (0, 40):
        validating = set(read(folders, noise, max(COUNTS), VALIDATION)["subject"])
        assert validating
        for count in COUNTS:
            train, weak = read(folders, noise, count, TRAIN), read(folders, noise, count, "weak")
            for table in (train, weak):
                assert len(table)
                assert not set(table["subject"]) & (test | validating)
            # Patients have labels of both kinds, no pair has.
            assert set(train["subject"]) & set(weak["subject"])
            assert not keys(train) & keys(weak)


def test_only_the_noise_differs_between_its_levels(folders):
    for count in COUNTS:
        for name in (TRAIN, VALIDATION):
            assert read(folders, 0, count, name).equals(read(folders, 40, count, name))
        clean, noisy = read(folders, 0, count, "weak"), read(folders, 40, count, "weak")
        assert clean[PAIR].equals(noisy[PAIR])
        assert (clean["y"] != noisy["y"]).any()
    first, last = (io.read_table(largest(folders / "noise-20", COUNTS[:n]) / "weak.tsv") for n in (1, 2))
    assert first.equals(last)


def test_too_many_human_labels_are_an_error(folders, tmp_path):
    with pytest.raises(InvalidInput, match="1000 human labels"):
        draw_lists(folders / "maps.tsv", folders / "test.tsv", split_of(1), 0, [9, 1000], 0.34, 5, tmp_path)


@settings(max_examples=50, deadline=None)
@given(some.lists(some.lists(some.integers(0, 1), min_size=1, max_size=6), min_size=6, max_size=30), some.data())
def test_parts_are_nested_whole_and_near_their_share(patients, data):
    human = pd.DataFrame(
        [{"subject": f"s{number:02d}", "y": y} for number, labels in enumerate(patients) for y in labels]
    )
    parts = assign_parts(human, 1 / 3)
    assert set(parts) == set(human["subject"])
    # Neither share can be further off than about the largest patient.
    validating = human[human["subject"].map(parts) == VALIDATION]
    assert abs(len(validating) - len(human) / 3) <= 6
    kept = data.draw(some.integers(1, len(patients)))
    fewer = assign_parts(human[human["subject"] < f"s{kept:02d}"], 1 / 3)
    assert all(parts[subject] == part for subject, part in fewer.items())
