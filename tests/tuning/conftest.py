"""The files of one outer fold with two inner splits, and a study of them."""

import pytest

from gliodelta import io
from gliodelta.tuning.study import write_study

ARM = {
    "arm": "transfer",
    "encoder": "vgg",
    "representation": "absolute-difference",
    "grid": "coarse",
    "strategies": "scratch,mix,fine-tune",
    "recipes": "most,sure",
    "learning_rates": "1e-3,1e-4",
    "weight_decays": "0",
    "primary": "yes",
}
RECIPES = {"most": {"recipe": "most", "cut": "0.8"}, "sure": {"recipe": "sure", "cut": "0.4"}}
TRAINING = {"epochs": 2}


class Fold:
    """Files of an outer fold, as the rule hands them over."""

    def __init__(self, folder):
        self.folder = folder
        self.cache = self.write("cache.safetensors", "maps")
        inner = (1, 2)
        both = [(recipe, split) for recipe in RECIPES for split in inner]
        self.files = {
            name: [self.write(f"inner-{split}/{name}.tsv", f"subject\ty\n{name}\t0\n{name}\t1\n") for split in inner]
            for name in ("train", "validation", "weak")
        }
        self.files["lineages"] = [self.lineage(f"inner-{split}/lineage.json", split) for split in inner]
        self.files["encoders"] = [self.write(f"{recipe}/inner-{split}.safetensors", recipe) for recipe, split in both]
        self.files["encoder_lineages"] = [self.lineage(f"{recipe}/inner-{split}.json", split) for recipe, split in both]

    def write(self, name, text):
        io.write_text(text, self.folder / name)
        return self.folder / name

    def lineage(self, name, inner):
        io.write_json({"repeat": 1, "fold": 1, "inner": inner, "excluded": f"patients{inner}"}, self.folder / name)
        return self.folder / name

    def study(self, **changes):
        """Writes study.json and returns its path."""
        given = {
            "arm": ARM,
            "recipes": RECIPES,
            "training": TRAINING,
            "fold": {"repeat": 1, "fold": 1},
            "seed": 123,
            "code": "c",
        }
        output = self.folder / "study.json"
        write_study(**{**given, **changes}, files=self.files, cache=self.cache, output=output)
        return output


@pytest.fixture
def fold(tmp_path):
    return Fold(tmp_path / "fold")
