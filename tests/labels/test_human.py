"""The majority of readers, by hand-made cases."""

import pandas as pd
import pytest

from gliodelta import io
from gliodelta.labels.human import consensus, labelled


@pytest.mark.parametrize(
    ("given", "label", "y", "reason"),
    [
        (["stable", "stable", "progression"], "stable", 0, ""),
        (["progression", "response", "stable"], "", 1, ""),
        (["response", "response", "progression"], "response", 1, ""),
        (["response", "response", "progression", "stable", "stable"], "", 1, ""),
        (["stable", "progression"], "", None, "no majority of the readers"),
        (["unknown", "stable", "progression"], "", None, "no majority of the readers"),
        # Whoever could not tell has seen the pair: one of three, or one of two, is no majority.
        (["unknown", "unknown", "response"], "", None, "no majority of the readers"),
        (["unknown", "stable"], "", None, "no majority of the readers"),
        (["unknown", "response", "response"], "response", 1, ""),
        (["unknown"], "", None, "no reader could tell"),
    ],
)
def test_majority(tmp_path, given, label, y, reason):
    rows = [{"subject": "a", "prior": "0", "current": "90", "reader": f"r{i}", "label": x} for i, x in enumerate(given)]
    io.write_table(pd.DataFrame(rows), tmp_path / "labels.tsv")
    row = consensus(tmp_path / "labels.tsv").iloc[0]
    assert (row["label"], None if pd.isna(row["y"]) else row["y"], row["reason"]) == (label, y, reason)
    assert row["readers"] == len(given)
    assert len(labelled(tmp_path / "labels.tsv")) == (y is not None)
