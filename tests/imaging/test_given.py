"""A given difference map goes through screening and sampling as one that was made, and its faults are reasons."""

import shutil

import nibabel as nib
import numpy as np
import pytest
from safetensors.numpy import load_file

from gliodelta import io
from gliodelta.imaging.given import adopt_map
from gliodelta.imaging.sample import sample_maps
from gliodelta.imaging.screen import screen_maps
from gliodelta.schema import InvalidInput
from gliodelta.sheets import read_cohort
from gliodelta.study import Study

LIMITS = dict.fromkeys(("sd_difference", "fluid_contrast", "coverage", "structure"), 0.0) | dict.fromkeys(
    ("ghosting", "saturated", "residual_mm"), 9.0
)
PAIRS = [("a1", "0000", "0090"), ("a1", "0090", "0180"), ("b1", "0000", "0030")]


def ball(shape=(24, 26, 20), radius=9):
    """A map that is 2 in its right half, 1 in its left half, and 0 outside a ball."""
    axes = np.indices(shape) - (np.array(shape).reshape(3, 1, 1, 1) - 1) / 2
    return ((axes**2).sum(0) < radius**2) * np.where(axes[0] > 0, 2.0, 1.0).astype(np.float32)


@pytest.fixture
def cohort(tmp_path):
    """A cohort of three pairs, the last without a map; `make(array)` writes the maps and returns the cohort's YAML."""

    def make(array):
        rows = []
        for subject, prior, current in PAIRS[:2]:
            file = tmp_path / f"{subject}-{prior}.nii.gz"
            nib.save(nib.Nifti1Image(array, np.diag([2, 2, 2, 1])), file)
            rows.append(f"{subject}\t{prior}\t{current}\t{file}\n")
        (tmp_path / "links.tsv").write_text("subject\tprior\tcurrent\tsource\n" + "".join(rows))
        folder = tmp_path / "given"
        exams = sorted({(subject, day) for subject, *days in PAIRS for day in days})
        io.write_text("subject\tsession\n" + "".join(f"{a}\t{b}\n" for a, b in exams), folder / "exams.tsv")
        io.write_text("subject\tprior\tcurrent\n" + "".join("\t".join(p) + "\n" for p in PAIRS), folder / "pairs.tsv")
        document = {"role": "external", "layout": "difference-maps", "map_links": str(tmp_path / "links.tsv")}
        io.write_yaml(document, tmp_path / "given.yaml")
        return str(tmp_path / "given.yaml")

    return make


def adopt(cohort_file, folder, pair):
    subject, prior, current = pair
    stem = f"sub-{subject}_pair-{prior}to{current}"
    names = {"pair": "pair.nii.gz", "absolute": "desc-absolute_diff.nii.gz", "qc": "qc.json", "picture": "qc.png"}
    outputs = {name: folder / f"{stem}_{ending}" for name, ending in names.items()}
    adopt_map(cohort_file, *pair, f"given · {subject}", outputs)
    return outputs


def test_a_given_map_is_screened_and_sampled_like_others(cohort, tmp_path):
    cohort_file = cohort(ball())
    outputs = [adopt(cohort_file, tmp_path / "maps", pair) for pair in PAIRS]
    tables = {name: tmp_path / f"{name}.tsv" for name in ("table", "summary")}
    pictures = {name: tmp_path / f"{name}.png" for name in ("figure", "gallery")}
    screen_maps(cohort_file, [one["qc"] for one in outputs], LIMITS, 28, 2000, 50, **tables, **pictures)
    table = io.read_table(tables["table"])
    assert table["include"].to_list() == ["yes", "yes", "no"]
    assert table["reason"].to_list()[2] == "the pair has no row in the link table of maps"
    # Half of the ball's voxels are 1 and half are 2.
    assert table["feature_mean"][0] == pytest.approx(1.5, abs=0.01) and table["feature_p95"][0] == 2
    grid = {"spacing_mm": [2, 2, 2], "shape": [24, 24, 24], "resize": False}
    sample_maps(tables["table"], [one["pair"] for one in outputs], **grid, cache=tmp_path / "cache")
    maps = load_file(tmp_path / "cache")
    assert set(maps) == {"/".join(pair) for pair in PAIRS[:2]}
    prior, current = maps["a1/0000/0090"].astype(float)
    assert not prior.any()
    assert current.sum() == pytest.approx(ball().sum(), rel=0.01)
    # The patient's right is where it was.
    assert current[:12].sum() == pytest.approx(current[12:].sum() / 2, rel=0.02)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (-ball(), "negative numbers"),
        (ball() * np.nan, "not one volume of finite numbers"),
        (0 * ball(), "empty"),
        (np.stack([ball()] * 2, axis=-1), "2 volumes, not one"),
    ],
)
def test_what_is_no_absolute_difference_is_excluded_with_a_reason(cohort, tmp_path, array, reason):
    report = io.read_json(adopt(cohort(array), tmp_path / "maps", PAIRS[0])["qc"])
    assert report["status"] == "excluded" and reason in report["reason"]


def test_a_file_that_is_gone_or_damaged_is_a_reason_without_its_path(cohort, tmp_path):
    cohort_file = cohort(ball())
    (tmp_path / "a1-0000.nii.gz").unlink()
    (tmp_path / "a1-0090.nii.gz").write_bytes(b"no image")
    reasons = [io.read_json(adopt(cohort_file, tmp_path / "m", pair)["qc"])["reason"] for pair in PAIRS[:2]]
    assert reasons[0] == "the difference map's file is missing" and "damaged" in reasons[1]
    assert not any(str(tmp_path) in reason for reason in reasons)


def test_the_cohort_is_read_with_its_link_table(cohort):
    assert read_cohort(cohort(ball()))["map_links"].endswith("links.tsv")


def test_a_representation_that_needs_both_exams_is_refused_with_what_to_write(cohort, project, tmp_path):
    shutil.copytree(project / "config" / "cohorts", tmp_path, dirs_exist_ok=True)
    cohort(ball())
    config = io.read_yaml(project / "config" / "config.yaml") | {"cohorts_folder": str(tmp_path)}

    def study(representation, *cohorts):
        for name in ("arms", "recipes"):
            text = (project / "config" / f"{name}.tsv").read_text()
            (tmp_path / f"{name}.tsv").write_text(text.replace("absolute-difference", representation))
            config[name] = str(tmp_path / f"{name}.tsv")
        return Study({**config, "cohorts": cohorts})

    assert study("absolute-difference", "demo", "given").with_maps_only() == ["given"]
    assert study("pair", "demo").with_maps_only() == []
    with pytest.raises(InvalidInput, match=r"needs both exams .* of cohort given only .* write absolute-difference"):
        study("pair", "demo", "given")
