"""BIDS tools find what they ask for."""

import pytest

from gliodelta import io
from gliodelta.ingest.describe import describe_dataset


@pytest.mark.parametrize(("stage", "kind"), [("ingest", "raw"), ("imaging", "derivative")])
def test_the_description_has_the_required_fields(tmp_path, stage, kind):
    describe_dataset("demo", stage, {"max_days": 90}, tmp_path / "d.json")
    document = io.read_json(tmp_path / "d.json")
    assert document.get("Settings") == (None if stage == "ingest" else {"max_days": 90})
    # Required by BIDS: Name and BIDSVersion; GeneratedBy of derivatives.
    assert document["DatasetType"] == kind and document["Name"] and document["BIDSVersion"]
    assert "not an official BIDS entity" in document["GeneratedBy"][0]["Description"]
