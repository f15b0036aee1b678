"""A released bundle scores new exams as the study's own models do, says its limits, and is refused when changed."""

import pandas as pd
import pytest
import torch
from toy import CARD, ROW, TRAINING

from gliodelta import io
from gliodelta.external import __main__ as command
from gliodelta.external.bundle import read_bundle
from gliodelta.external.predict import predict_external
from gliodelta.imaging.sample import sample_maps
from gliodelta.training.models import build_model, save_model

PAIRS = [("n1", "0", "30"), ("n1", "30", "60"), ("n10", "0", "90")]
SPLITS = [{"repeat": 1, "fold": fold, "inner": inner} for fold in (1, 2) for inner in (1, 2)]


class Finished:
    """What `release` needs of the study whose results these are."""

    def __init__(self, config):
        self.arms = {"best": {**ROW, "arm": "best", "loss": "balanced"}}
        grid = {**TRAINING["grids"]["tiny"], "resize": False}
        self.config = {"imaging": {"max_days": 1000}, "training": {"grids": {"tiny": grid, "unused": grid}}}

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
    assert clinic(*RELEASE) == (0, "Released 3 models of the arm best.\n")
    code, printed = clinic(*SCORE)
    assert code == 0 and "2 of 3 pairs were scored by 3 models." in printed
    folder, results = clinic.folder, clinic.folder / "results"
    images = sorted((results / "imaging").rglob("*_pair.nii.gz"))
    grid = {**TRAINING["grids"]["tiny"], "resize": False}
    sample_maps(results / "imaging/clinic/maps.tsv", images, **grid, cache=folder / "cache")
    outputs = {name: folder / "own" / name for name in ("predictions", "members", "ensembles", "scores", "figure")}
    lineages = sorted((results / "transfer").rglob("lineage.json"))
    models = [file.with_name("model.safetensors") for file in lineages]
    maps = results / "imaging/clinic/maps.tsv"
    settings = {"bootstraps": 100, "seed": 1}
    manifests = sorted((results / "manifests").rglob("lineage.json"))
    caches = {"tiny": folder / "cache"}
    predict_external(models, lineages, manifests, "best", "inference", maps, None, caches, settings, outputs)
    for name in ("predictions", "ensembles"):
        assert (folder / "scores" / f"{name}.tsv").read_bytes() == outputs[name].read_bytes()


def test_what_is_not_scored_and_the_limits_are_printed_with_the_scores(clinic):
    clinic(*RELEASE)
    printed = clinic(*SCORE)[1]
    assert "Not scored: 1 for the reason: not T2." in printed
    # 3.5 of 10 validation pairs.
    assert "no medical device" in printed and "35% of the pairs are unstable" in printed
    card = (clinic.folder / "bundle" / "MODEL_CARD.md").read_text()
    assert "3 networks (vgg, input absolute-difference, loss balanced)" in card and "no medical device" in card


def test_new_exams_are_prepared_with_the_studys_settings(clinic):
    clinic(*RELEASE)
    clinic(*SCORE)
    (config,) = clinic.made
    assert config["imaging"] == {"max_days": 1000} and list(config["training"]["grids"]) == ["tiny"]
    assert config["cohorts"] == ["clinic"] and config["cohorts_folder"] == str(clinic.folder)
    assert command.SNAKEFILE.is_file()


def test_a_bundle_holds_no_patient(clinic):
    clinic(*RELEASE)
    assert set(read_bundle("bundle")["members"][0]) == {
        "file", "sha256", "repeat", "fold", "inner", "excluded", "grid", "calibration", "home",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "arguments", "message"),
    [
        (lambda folder: next((folder / "bundle/models").iterdir()).write_bytes(b"x"), SCORE, "another file than was"),
        (lambda folder: (folder / "bundle/bundle.json").unlink(), SCORE, "holds no bundle.json"),
        (lambda folder: None, RELEASE, "exists already"),
        (lambda folder: None, ("release", "other", "b"), "no arm is called 'other'; choose from best"),
        (
            lambda folder: (folder / "clinic.yaml").write_text("role: development\nlayout: nifti\n"),
            SCORE,
            "to train on|role",
        ),
    ],
)
def test_what_cannot_be_done_is_an_error_that_says_what_to_do(clinic, spoil, arguments, message):
    clinic(*RELEASE)
    spoil(clinic.folder)
    options = ("--configfile", "config.yaml") if arguments[0] == "release" and len(arguments) == 3 else ()
    code, printed = clinic(*arguments, *options)
    assert code == 1 and any(part in printed for part in message.split("|"))


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
