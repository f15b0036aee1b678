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
        (["stable", "progression"], "", None, "readers are tied"),
        (["unknown", "stable", "progression"], "", None, "readers are tied"),
        (["unknown", "unknown", "response"], "response", 1, ""),
        (["unknown"], "", None, "no reader could tell"),
    ],
)
def test_majority(tmp_path, given, label, y, reason):
    rows = [{"subject": "a", "prior": "0", "current": "90", "reader": f"r{i}", "label": x} for i, x in enumerate(given)]
    io.write_table(pd.DataFrame(rows), tmp_path / "labels.tsv")
    row = consensus(tmp_path / "labels.tsv").iloc[0]
    assert (row["label"], None if pd.isna(row["y"]) else row["y"], row["reason"]) == (label, y, reason)
    assert len(labelled(tmp_path / "labels.tsv")) == (y is not None)
