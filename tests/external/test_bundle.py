"""A released bundle scores new exams as the study's own models do, says its limits, and is refused when changed."""

import pandas as pd
import pytest
import torch
from finished import ARM_CARD, IMAGING, Finished, write_results
from toy import TRAINING

from gliodelta import io
from gliodelta.external import __main__ as command
from gliodelta.external.bundle import read_bundle
from gliodelta.external.predict import predict_external
from gliodelta.external.score import score_external
from gliodelta.imaging.sample import sample_maps

PAIRS = [("n1", "0", "30"), ("n1", "30", "60"), ("n10", "0", "90")]


def write_clinic(folder, results):
    """Writes a cohort without labels and its maps, of which the last is excluded."""
    io.write_yaml({"role": "inference", "layout": "nifti"}, folder / "clinic.yaml")
    exams = sorted({(subject, day) for subject, *days in PAIRS for day in days})
    io.write_text("subject\tsession\n" + "".join(f"{a}\t{b}\n" for a, b in exams), folder / "clinic" / "exams.tsv")
    text = "subject\tprior\tcurrent\n" + "".join("\t".join(pair) + "\n" for pair in PAIRS)
    io.write_text(text, folder / "clinic" / "pairs.tsv")
    rows = [dict(zip(("subject", "prior", "current"), pair, strict=True)) for pair in PAIRS]
    table = pd.DataFrame(rows).assign(days=30, include=["yes", "yes", "no"], reason=["", "", "not T2: 1 T1"])
    io.write_table(table, results / "imaging" / "clinic" / "maps.tsv")
    io.write_json({"Settings": IMAGING}, results / "imaging" / "clinic" / "dataset_description.json")
    generator = torch.Generator().manual_seed(0)
    for subject, prior, current in PAIRS[:2]:
        name = f"sub-{subject}/pair-{prior}to{current}/sub-{subject}_pair-{prior}to{current}_pair.nii.gz"
        image = torch.randn((16, 16, 16, 2), generator=generator).numpy()
        io.write_image(image, torch.diag(torch.tensor([9.0, 9, 9, 1])).numpy(), results / "imaging" / "clinic" / name)


@pytest.fixture
def clinic(tmp_path, monkeypatch, capsys):
    """A folder with results and a clinic's cohort; returns a function that runs the command line in it."""
    write_results(tmp_path / "results")
    write_clinic(tmp_path, tmp_path / "results")
    io.write_yaml({}, tmp_path / "config.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "Study", Finished)
    # The workflow itself is tested elsewhere: here, its maps are there already.
    made = []
    monkeypatch.setattr(command, "make_maps", lambda configfile, cores: made.append(io.read_yaml(configfile)))

    def run(*arguments):
        code = command.main(list(arguments))
        return code, "".join(capsys.readouterr())

    run.made, run.folder = made, tmp_path
    return run


RELEASE = ("release", "best", "bundle", "--configfile", "config.yaml")
SCORE = ("score", "bundle", "clinic.yaml", "scores")


def test_a_bundle_scores_like_the_models_it_was_made_of(clinic):
    assert clinic(*RELEASE) == (0, "Released 3 models of the arm best. 1 others were left untrained.\n")
    code, printed = clinic(*SCORE)
    assert code == 0 and "2 of 3 pairs were scored by 3 models." in printed
    folder, results = clinic.folder, clinic.folder / "results"
    images = sorted((results / "imaging").rglob("*_pair.nii.gz"))
    grid = {**TRAINING["grids"]["tiny"], "resize": False}
    sample_maps(results / "imaging/clinic/maps.tsv", images, **grid, cache=folder / "cache")
    outputs = {name: folder / "own" / name for name in ("predictions", "ensembles", "scores", "figure")}
    lineages = sorted((results / "transfer").rglob("lineage.json"))
    models = [file.with_name("model.safetensors") for file in lineages]
    given = {"arm": "best", "split": "inference", "maps": results / "imaging/clinic/maps.tsv"}
    given["members"] = folder / "own" / "members"
    manifests = sorted((results / "manifests").rglob("lineage.json"))
    predict_external(models, lineages, manifests, caches={"tiny": folder / "cache"}, **given)
    score_external(labels_sheet=None, settings={"bootstraps": 100, "seed": 1}, outputs=outputs, **given)
    for name in ("predictions", "ensembles"):
        assert (folder / "scores" / f"{name}.tsv").read_bytes() == outputs[name].read_bytes()


def test_what_is_not_scored_and_the_limits_are_printed_with_the_scores(clinic):
    clinic(*RELEASE)
    printed = clinic(*SCORE)[1]
    assert "Not scored: 1 for the reason: not T2." in printed
    # 3.5 of 10 validation pairs.
    assert "no medical device" in printed and "35% of the pairs are unstable" in printed
    card = (clinic.folder / "bundle" / "MODEL_CARD.md").read_text()
    limits = card.partition("## Limits\n\n")[2].partition("\n\n")[0].splitlines()
    assert len(limits) == 6 and all(line.removeprefix("- ") in printed for line in limits)


def test_the_bundles_card_is_the_arms_card_with_more_limits(clinic):
    clinic(*RELEASE)
    clinic(*SCORE)
    card = (clinic.folder / "bundle/MODEL_CARD.md").read_text()
    assert card.startswith(ARM_CARD)
    assert "The 3 models are one ensemble" in card and "`mean_probability`: mean of calibrated" in card
    assert (clinic.folder / "scores/MODEL_CARD.md").read_text() == card


def test_new_exams_are_prepared_with_the_studys_settings(clinic):
    clinic(*RELEASE)
    clinic(*SCORE)
    (config,) = clinic.made
    assert config["imaging"] == IMAGING and list(config["training"]["grids"]) == ["tiny"]
    assert config["cohorts"] == ["clinic"] and config["cohorts_folder"] == str(clinic.folder)
    assert command.SNAKEFILE.is_file()


def test_a_bundle_holds_no_patient(clinic):
    clinic(*RELEASE)
    assert set(read_bundle("bundle")["members"][0]) == {
        "file", "sha256", "repeat", "fold", "inner", "excluded", "grid", "calibration", "home",
    }  # fmt: skip


def rewrite(file, change):
    """Changes a JSON document in place."""
    document = io.read_json(file)
    change(document)
    io.write_json(document, file)


def other_grid(bundle):
    """Gives a bundle another grid, checksums and all: the weights' own card is what is left to tell."""
    config = io.read_yaml(bundle / "config.yaml")
    config["training"]["grids"]["tiny"]["spacing_mm"] = [8, 9, 9]
    io.write_yaml(config, bundle / "config.yaml")
    checksum = io.checksum(bundle / "config.yaml")
    rewrite(bundle / "bundle.json", lambda released: released["sha256"].update({"config.yaml": checksum}))


def other_imaging(results):
    """Has the maps of the new exams made with another registration and shorter intervals."""
    made = {**IMAGING, "registration": "ants", "max_days": 90}
    io.write_json({"Settings": made}, results / "imaging/clinic/dataset_description.json")


SPOILT = {
    "weights": (
        lambda folder: next((folder / "bundle/models").iterdir()).write_bytes(b"x"),
        "missing, or another file than was released",
    ),
    "card": (lambda folder: (folder / "bundle/MODEL_CARD.md").unlink(), "MODEL_CARD.md: missing, or another file"),
    "config": (lambda folder: (folder / "bundle/config.yaml").write_text("{}"), "config.yaml: missing, or another"),
    "no bundle": (lambda folder: (folder / "bundle/bundle.json").unlink(), "holds no bundle.json"),
    "format": (
        lambda folder: rewrite(folder / "bundle/bundle.json", lambda released: released.update(format=1)),
        "has format 1, and this version reads 2",
    ),
    "arm": (
        lambda folder: rewrite(folder / "bundle/bundle.json", lambda released: released["arm"].update(loss="other")),
        "trained otherwise than the configuration says (loss)",
    ),
    "grid": (lambda folder: other_grid(folder / "bundle"), "(grid tiny: spacing_mm)"),
    "preparation": (
        lambda folder: other_imaging(folder / "results"),
        "made with other settings than those that the models learnt from (imaging: max_days, registration)",
    ),
    "nothing known of the preparation": (
        lambda folder: io.write_json({}, folder / "results/imaging/clinic/dataset_description.json"),
        "made with other settings",
    ),
    "maps only": (
        lambda folder: (folder / "clinic.yaml").write_text(
            "role: inference\nlayout: difference-maps\nmap_links: links.tsv\n"
        ),
        "gives difference maps made elsewhere; a bundle scores exams",
    ),
    "role": (
        lambda folder: (folder / "clinic.yaml").write_text("role: development\nlayout: nifti\n"),
        "a bundle scores cohorts of the role inference",
    ),
}


@pytest.mark.parametrize(("spoil", "message"), SPOILT.values(), ids=SPOILT)
def test_what_does_not_belong_together_is_not_scored(clinic, spoil, message):
    clinic(*RELEASE)
    spoil(clinic.folder)
    code, printed = clinic(*SCORE)
    assert code == 1 and message in printed and not (clinic.folder / "scores/predictions.tsv").exists()


def test_exams_prepared_by_other_code_are_scored_with_a_warning(clinic):
    clinic(*RELEASE)
    assert "not that of the release" not in clinic(*SCORE)[1]
    rewrite(clinic.folder / "bundle/bundle.json", lambda released: released.update(code="0", version="0.0.1"))
    code, printed = clinic(*SCORE)
    assert code == 0 and "not that of the release (gliodelta 0.0.1)" in printed


def test_models_are_released_once_and_by_the_name_of_their_arm(clinic):
    clinic(*RELEASE)
    assert clinic(*RELEASE)[0] == 1
    code, printed = clinic("release", "other", "b", "--configfile", "config.yaml")
    assert code == 1 and "no arm is called 'other'; choose from best" in printed
    code, printed = clinic("release", "best", "b", "--configfile", "none.yaml")
    assert code == 1 and "none.yaml: no such file" in printed


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "results/evaluation/cards/best.md").unlink(), "such as evaluation/cards/best.md"),
        (lambda folder: (folder / "results/evaluation/cards/best.md").write_text("# Card"), "no section Limits"),
        (
            lambda folder: (folder / "results/transfer/best/repeat-1/fold-2/inner-1/lineage.json").unlink(),
            "1 files of arm best are missing, such as transfer/best/repeat-1/fold-2/inner-1/lineage.json",
        ),
        (lambda folder: io.write_yaml({"space": "half-way"}, folder / "config.yaml"), "tells of other imaging: space"),
        (
            lambda folder: rewrite(
                folder / "results/evaluation/provenance.json", lambda known: known.update(weights=[])
            ),
            "tells of other weights than those to release",
        ),
    ],
)
def test_results_that_do_not_belong_together_are_not_released(clinic, spoil, message):
    spoil(clinic.folder)
    code, printed = clinic(*RELEASE)
    assert code == 1 and message in printed and not (clinic.folder / "bundle").exists()


def test_models_of_another_split_are_not_released(clinic):
    models = sorted((clinic.folder / "results" / "transfer").rglob("model.safetensors"))
    models[0].write_bytes(models[1].read_bytes())
    code, printed = clinic(*RELEASE)
    assert (
        code == 1
        and "were offered to repeat 1 fold 1 inner split 1" in printed
        and not (clinic.folder / "bundle").exists()
    )


def test_models_of_given_difference_maps_are_not_released(clinic, monkeypatch):
    monkeypatch.setattr(Finished, "with_maps_only", lambda study: ["home"])
    code, said = clinic(*RELEASE)
    assert code == 1 and "cohort home came as difference maps" in said
