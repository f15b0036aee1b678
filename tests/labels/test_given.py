"""Weak labels from elsewhere: every one that no reader has seen, as it was given."""

import pytest

from gliodelta import io
from gliodelta.labels.calibrate import COLUMNS
from gliodelta.labels.given import adopt_labels
from gliodelta.schema import InvalidInput

HEADER = "subject\tprior\tcurrent\tp_unstable\tconfidence\n"


def adopt(folder, rows):
    (folder / "weak.tsv").write_text(HEADER + rows)
    (folder / "labels.tsv").write_text(
        "subject\tprior\tcurrent\treader\tlabel\n1\t0\t90\tr1\tstable\n10\t0\t90\tr1\tunknown\n"
    )
    adopt_labels(folder / "weak.tsv", folder / "labels.tsv", folder / "out.tsv")
    return io.read_table(folder / "out.tsv")


def test_labels_are_taken_as_given_but_those_of_pairs_that_a_reader_saw(tmp_path):
    table = adopt(tmp_path, "10\t90\t180\t0.85\t0.85\n1\t0\t90\t0.1\t0.9\n10\t0\t90\t1\t1\n100\t0\t90\t0\t1\n")
    assert list(table.columns) == COLUMNS
    rows = table[["subject", "prior", "label", "p_unstable", "confidence"]].to_numpy().tolist()
    assert rows == [["10", "90", "unstable", 0.85, 0.85], ["100", "0", "stable", 0, 1]]
    assert set(table["calibrated"]) == {"no"}


def test_numbers_that_are_no_probabilities_are_refused_with_their_line(tmp_path):
    with pytest.raises(InvalidInput, match="line 3: p_unstable"):
        adopt(tmp_path, "1\t90\t180\t0.5\t0.5\n1\t180\t270\t1.5\t0.5\n")


@pytest.mark.parametrize("confidence", ["0.49", "0.499999", "0", "1.5"])
def test_a_confidence_that_is_not_that_of_the_given_label_is_refused_with_what_to_write(tmp_path, confidence):
    adopt(tmp_path, "1\t90\t180\t0.5\t0.5\n1\t180\t270\t0.000000\t1.000000\n")
    with pytest.raises(InvalidInput, match=r"weak.tsv line 2: confidence .*write 1 - confidence and 1 - p_unstable"):
        adopt(tmp_path, f"1\t90\t180\t0.3\t{confidence}\n")
