"""Weak labels that were made elsewhere: the sheet weak.tsv in the place of a fold's calibrated labels."""

from gliodelta import io
from gliodelta.labels.human import consensus
from gliodelta.sheets import read_sheet
from gliodelta.tables import PAIR

NUMBERS = ["p_unstable", "confidence"]


def adopt_labels(weak_sheet, labels_sheet, weak):
    """Writes a fold's weak labels from the sheet; every fold has the same, since nothing was fitted here.

    Whoever made them may have used human labels of patients whom a fold tests: the sheet cannot tell, and says so
    with `calibrated` no.

    Args:
        weak_sheet: path of weak.tsv.
        labels_sheet: path of labels.tsv; pairs that a reader has seen are left out.
        weak: table to write, as `calibrate.calibrate_labels` does.

    Raises:
        InvalidInput: a number is no probability, or a confidence below .5; names the line (schema `weak`).
    """
    import pandas as pd

    rows = read_sheet(weak_sheet, "weak")
    table = pd.DataFrame(rows, columns=[*PAIR, *NUMBERS]).astype(dict.fromkeys(NUMBERS, float))
    known = table[PAIR].merge(consensus(labels_sheet)[PAIR], on=PAIR, how="left", indicator=True)["_merge"] == "both"
    label = table["p_unstable"].ge(0.5).map({True: "unstable", False: "stable"})
    table.insert(3, "language", "")
    table.insert(4, "label", label)
    table = table.assign(component="t2", source="given", calibrated="no")
    io.write_table(table[~known.to_numpy()].sort_values(PAIR), weak)
