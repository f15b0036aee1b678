"""dataset_description.json, by which BIDS tools know a folder."""

import gliodelta
from gliodelta import io

# The version of the standard whose derivative names we follow.
BIDS = "1.10.0"
PAIRS = (
    "Files with the entity `pair-{prior}to{current}` compare two sessions; `pair` is not an official BIDS entity. "
    "Sessions are days since the subject's first exam, or dates where the site's sheets hold dates."
)


def describe_dataset(cohort, stage, settings, description):
    """Writes the description of a cohort's folder.

    Args:
        cohort: name of the cohort.
        stage: ingest (raw images) or imaging (derivatives of these).
        settings: section `imaging` of the configuration, which derivatives are made with; under `Settings`, it tells
            whether models that learnt from other maps may be used.
        description: JSON to write.
    """
    document = {
        "Name": f"{cohort}, {stage} by gliodelta",
        "BIDSVersion": BIDS,
        "DatasetType": "raw" if stage == "ingest" else "derivative",
        "GeneratedBy": [{"Name": "gliodelta", "Version": gliodelta.__version__, "Description": PAIRS}],
    }
    io.write_json(document if stage == "ingest" else {**document, "Settings": settings}, description)
