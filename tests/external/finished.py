"""The results of a study that is finished, as far as a bundle is made of them; its networks were never trained."""

from toy import CARD, ROW, TRAINING

from gliodelta import io
from gliodelta.schema import validate
from gliodelta.training.models import build_model, save_model

CONFIG = validate({"cohorts": [], "imaging": {"max_days": 1000}}, "config", "test")
IMAGING = CONFIG["imaging"]
SPLITS = [{"repeat": 1, "fold": fold, "inner": inner} for fold in (1, 2) for inner in (1, 2)]


class Finished:
    """What `release` needs of the study whose results these are."""

    def __init__(self, config):
        self.arms = {"best": {**ROW, "arm": "best", "loss": "balanced"}}
        grid = {**TRAINING["grids"]["tiny"], "resize": False}
        self.config = {"imaging": {**IMAGING, **config}, "training": {"grids": {"tiny": grid, "unused": grid}}}

    development = "home"

    def with_maps_only(self):
        return []

    def folds(self):
        return [(1, 1), (1, 2)]

    def inner(self):
        return [1, 2]


def write_results(results):
    """Writes the four models of an arm, the last one untrained, with their lineages and manifests."""
    for number, split in enumerate(SPLITS):
        place = "repeat-{repeat}/fold-{fold}/inner-{inner}".format(**split)
        origin = {**split, "excluded": f"x{number}"}
        counts = {"pairs": {"train": 20, "validation": 9}, "unstable": {"train": 6, "validation": 3}}
        io.write_json({**origin, **counts}, results / "manifests" / place / "lineage.json")
        folder = results / "transfer" / "best" / place
        folder.mkdir(parents=True)
        save_model(build_model(CARD, seed=number), {**CARD, "lineage": origin}, folder / "model.safetensors")
        model = {"arm": "best", "grid": "tiny", "calibration": {"slope": 1.0, "intercept": -0.5}}
        status = "untrained" if number == 3 else "trained"
        io.write_json({**origin, **model, "status": status}, folder / "lineage.json")
    write_reports(results)


ARM_CARD = """# Model card of the arm best

## Performance

| auc | 0.700 [0.600, 0.800] |

## Limits

- Of simulated patients: home. Nothing here speaks of real ones.
- This is research software and no medical device.
"""


def write_reports(results):
    """Writes what the evaluation tells of the arm: its card, and the provenance."""
    io.write_text(ARM_CARD, results / "evaluation/cards/best.md")
    weights = [{"sha256": io.checksum(file)} for file in sorted((results / "transfer").rglob("model.safetensors"))]
    io.write_json({"settings": {"imaging": IMAGING}, "weights": weights}, results / "evaluation/provenance.json")
