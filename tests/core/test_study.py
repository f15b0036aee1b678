"""The configuration's errors say what to write, and the demo's is sound."""

import shutil
from pathlib import Path

import pytest

from gliodelta import io, sheets, study
from gliodelta.schema import InvalidInput
from gliodelta.tuning.space import settings


@pytest.fixture
def demo(project, monkeypatch):
    """The demo's configuration, read from the project's folder."""
    monkeypatch.chdir(project)
    return io.read_yaml("config/config.yaml")


def rows(tmp_path, source, change):
    """Writes a copy of a table with the text `change[0]` replaced by `change[1]`."""
    text = Path(source).read_text(encoding="utf-8")
    assert change[0] in text
    (tmp_path / "table.tsv").write_text(text.replace(*change))
    return str(tmp_path / "table.tsv")


def test_the_demo_is_as_large_as_promised(demo):
    found = study.Study(demo)
    home, away = found.cohorts["demo"], found.cohorts["demobrats"]
    assert len(found.subjects("demo")) >= 24 and len(home["exams"]) >= 72 and len(home["pairs"]) >= 48
    assert len(found.subjects("demobrats")) >= 5 and away["layout"] == "brats2015" and away["skull_stripped"]
    assert found.development == "demo" and found.external == ["demobrats"]
    assert len(found.folds()) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cohort": ["demo"]}, "unknown key 'cohort'.*write 'cohorts'"),
        ({"splits": {"folds": 3, "inner": 1, "validation": 0.7}}, "validation is 0.7, but stratified.*write 0.5"),
        ({"splits": {"folds": 1}}, "splits.folds must be bigger than or equal to 2"),
        ({"cohorts": ["nowhere"]}, "nowhere.yaml: no such cohort"),
        ({"training": {"grids": {}}}, "grid 'coarse' is not under training: grids"),
    ],
)
def test_errors_say_what_to_write(demo, change, message):
    with pytest.raises(InvalidInput, match=message):
        study.Study({**demo, **change})


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("arms", ("\tyes\n", "\tno\n"), "0 arms have primary yes"),
        ("arms", ("vgg-most,vgg-sure", "vgg-best"), "recipe 'vgg-best' is no row"),
        ("arms", ("\tvgg-most,vgg-sure\t", "\t\t"), "transfer but no recipes"),
        ("arms", ("1e-3,1e-4", "1e-3,1e-"), "arm vgg-baseline: '1e-' among its learning_rates is no number above 0"),
        ("arms", ("1e-3,1e-4", "."), "'.' among its learning_rates is no number above 0; write one such as 1e-3"),
        ("arms", ("1e-3,1e-4", "0"), "'0' among its learning_rates is no number above 0"),
        ("arms", ("1e-3,1e-4\t0", "1e-3\t-0.1"), "'-0.1' among its weight_decays is no number of at least 0"),
        ("arms", ("1e-3,1e-4", "1e-3,0.001"), "'0.001' stands twice among its learning_rates; delete one"),
        ("arms", ("mix,fine-tune", "mix,mix"), "'mix' stands twice among its strategies"),
        ("arms", ("vgg-most,vgg-sure", "vgg-most,vgg-most"), "'vgg-most' stands twice among its recipes"),
        ("recipes", ("vgg\tabsolute-difference", "seresnext\tabsolute-difference"), "its encoder is vgg but recipe"),
    ],
)
def test_arms_and_recipes_must_fit(demo, tmp_path, table, change, message):
    with pytest.raises(InvalidInput, match=message):
        study.Study({**demo, table: rows(tmp_path, f"config/{table}.tsv", change)})


def configured(name):
    """A configuration of a real study, with the demo's cohorts."""
    return study.Study({**io.read_yaml(f"config/{name}.yaml"), "cohorts": ["demo", "demobrats"]})


def settings_counted(found):
    return {name: len(settings(row, found.recipes_of(name), 123)) for name, row in found.arms.items()}


def test_the_published_design_has_its_36_settings_and_six_for_the_baseline(demo):
    # methods.md A6: 72 nominal settings, of which 36 are distinct.
    paper = configured("paper")
    counts = {"vgg-baseline": 6, "vgg-transfer": 36, "seresnext-baseline": 6, "seresnext-transfer": 36}
    assert settings_counted(paper) == counts
    assert paper.config["tuning"]["budget"] == 0 and not paper.config["splits"]["stratified"]
    assert {row["cut"] for row in paper.recipes.values()} == {"0.8219", "0.3842"}
    assert {row["loss"] for row in paper.arms.values()} == {"published-vgg", "published-seresnext"}


def test_the_published_encoders_are_taken_up_on_their_own_grids(demo):
    # methods.md A5: 48 slices for human labels, 43 and 46 for encoders of weak labels above .75 and .95.
    paper = configured("paper")
    assert paper.grids_of("vgg-baseline") == ["median"]
    grids = paper.grids_of("vgg-transfer")
    shapes = [grid["shape"] for grid in paper.training(grids)["grids"].values()]
    assert shapes == [[310, 388, 48], [310, 387, 43], [310, 387, 46]]


def test_the_better_design_gives_every_arm_the_budget_of_its_36_settings(demo):
    better = configured("better")
    counts = settings_counted(better)
    assert counts["baseline"] == 6 and counts["transfer"] == counts["combined"] == 36
    assert better.config["tuning"]["budget"] == max(counts.values()) == 36
    assert all(36 % count == 0 for name, count in counts.items() if name in ("baseline", "transfer", "combined"))
    assert better.rungs() == [1, 2, 3]
    assert [name for name, row in better.arms.items() if row["primary"] == "yes"] == ["combined"]


def test_halving_needs_inner_splits(demo):
    with pytest.raises(InvalidInput, match="tuning: pruning: halving decides after each inner split, and there is one"):
        study.Study({**demo, "splits": {"inner": 1}, "tuning": {"pruning": "halving"}})


def test_columns_of_the_training_have_defaults(demo):
    found = study.Study(demo)
    defaults = {"loss": "balanced", "augmentation": "pair", "weak_labels": "hard", "weighting": "map"}
    for row in (*found.arms.values(), *found.recipes.values()):
        assert defaults.items() <= row.items()


def with_column(tmp_path, source, name, value):
    """Writes a copy of a table with one more column, of one value."""
    header, *lines = Path(source).read_text(encoding="utf-8").splitlines()
    (tmp_path / "table.tsv").write_text("\n".join([f"{header}\t{name}", *(f"{line}\t{value}" for line in lines)]))
    return str(tmp_path / "table.tsv")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("loss", "blanced", "no losses is called 'blanced'; choose from balanced"),
        ("augmentation", "mixup", "no augmentation is called 'mixup'; choose from none, pair"),
        ("weak_labels", "fuzzy", "weak_labels must be one of"),
        ("weighting", "exam", "weighting must be one of"),
    ],
)
def test_a_misspelt_value_of_the_training_is_said(demo, tmp_path, name, value, message):
    with pytest.raises(InvalidInput, match=message):
        study.Study({**demo, "arms": with_column(tmp_path, "config/arms.tsv", name, value)})


def test_a_recipe_whose_loss_has_other_outputs_does_not_fit(demo, tmp_path):
    table = with_column(tmp_path, "config/recipes.tsv", "loss", "published-vgg")
    with pytest.raises(InvalidInput, match=r"loss balanced has 1 outputs but that of recipe vgg-most.* has 2"):
        study.Study({**demo, "recipes": table})


def test_an_augmentation_of_the_difference_is_for_the_difference_only(demo, tmp_path):
    table = with_column(tmp_path, "config/recipes.tsv", "augmentation", "published")
    assert study.Study({**demo, "recipes": table}).recipes["vgg-most"]["augmentation"] == "published"
    (tmp_path / "other").mkdir()
    signed = rows(tmp_path / "other", table, ("absolute-difference", "signed-difference"))
    with pytest.raises(InvalidInput, match="row vgg-most: augmentation published is for absolute-difference only"):
        study.Study({**demo, "recipes": signed})


@pytest.mark.parametrize(("name", "value"), [("loss", "logit-adjusted"), ("augmentation", "none")])
def test_another_loss_or_augmentation_is_other_code(demo, tmp_path, name, value):
    table = with_column(tmp_path, "config/arms.tsv", name, value)
    plain, chosen = study.Study(demo), study.Study({**demo, "arms": table})
    codes = [found.code_of_arm("gliodelta.tuning.worker", "vgg-transfer") for found in (plain, chosen)]
    assert codes[0] != codes[1]


def test_a_cohort_without_labels_ends_with_the_maps(demo):
    found = study.Study({**demo, "cohorts": ["demobrats"]})
    assert found.development is None and found.arms == {}


@pytest.fixture
def site(tmp_path):
    """A cohort whose raw paths are in a link table, and functions to look at the states that the rules track."""
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "exams.tsv").write_text("subject\tsession\na\t0\na\t90\n")
    (tmp_path / "c" / "pairs.tsv").write_text("subject\tprior\tcurrent\na\t0\t90\n")
    (tmp_path / "c.yaml").write_text(f"role: inference\nlayout: nifti\nlinks: {tmp_path}/links.tsv\n")
    (tmp_path / "first.nii").write_text("1")
    rows = f"subject\tsession\tsource\na\t0\t{tmp_path}/first.nii\na\t90\t{tmp_path}/late.nii\n"
    (tmp_path / "links.tsv").write_text(rows)

    def states():
        # As at a new start of Snakemake.
        sheets.read_cohort.cache_clear()
        sheets._links.cache_clear()
        sheets._sources.cache_clear()
        found = study.Study({"cohorts": ["c"], "cohorts_folder": str(tmp_path)})
        return [found.exam_state("c", "a", session) for session in ("0", "90")]

    return tmp_path, states


def test_an_exam_that_turns_up_late_is_another_state_of_that_exam_only(site):
    folder, states = site
    before = states()
    assert states() == before
    (folder / "late.nii").write_text("2")
    after = states()
    assert after[0] == before[0] and after[1] != before[1]


def test_a_repaired_link_is_another_state(site):
    folder, states = site
    before = states()
    (folder / "other.nii").write_text("3")
    text = (folder / "links.tsv").read_text()
    (folder / "links.tsv").write_text(text.replace("first.nii", "other.nii"))
    assert states()[0] != before[0] and states()[1] == before[1]


def test_a_state_shows_no_path(site):
    folder, states = site
    assert all(len(state) == 12 and str(folder) not in state for state in states())


@pytest.mark.parametrize(
    ("section", "change", "message"),
    [
        ("imaging", {"registration": "gaus-newton"}, "imaging: registration: no registration is called 'gaus-newton'"),
        ("imaging", {"brain_extraction": "fsl"}, "choose from deepbet, hd-bet, template"),
    ],
)
def test_a_misspelt_plugin_is_said_with_those_there_are(demo, section, change, message):
    with pytest.raises(InvalidInput, match=message):
        study.Study({**demo, section: change})


def test_a_misspelt_encoder_is_said(demo, tmp_path):
    table = rows(tmp_path, "config/arms.tsv", ("vgg-baseline\tvgg", "vgg-baseline\tvgg16"))
    with pytest.raises(InvalidInput, match=r"no encoders is called 'vgg16'; choose from .*, vgg"):
        study.Study({**demo, "arms": table})


def test_external_patients_may_not_be_development_patients(demo, tmp_path):
    shutil.copytree("config/cohorts", tmp_path / "cohorts")
    yaml = (tmp_path / "cohorts/demo.yaml").read_text().replace("role: development", "role: external")
    (tmp_path / "cohorts/twin.yaml").write_text(yaml)
    shutil.copytree(tmp_path / "cohorts/demo", tmp_path / "cohorts/twin")
    with pytest.raises(InvalidInput, match="24 subjects, such as s01, are also in the development cohort"):
        study.Study({**demo, "cohorts": ["demo", "twin"], "cohorts_folder": str(tmp_path / "cohorts")})
