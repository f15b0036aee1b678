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
        ("recipes", ("vgg\tabsolute-difference", "seresnext\tabsolute-difference"), "its encoder is vgg but recipe"),
    ],
)
def test_arms_and_recipes_must_fit(demo, tmp_path, table, change, message):
    with pytest.raises(InvalidInput, match=message):
        study.Study({**demo, table: rows(tmp_path, f"config/{table}.tsv", change)})


def test_the_published_design_has_its_36_settings_and_six_for_the_baseline(demo):
    # methods.md A6: 72 nominal settings, of which 36 are distinct.
    paper = study.Study({**io.read_yaml("config/paper.yaml"), "cohorts": ["demo", "demobrats"]})
    counts = {name: len(settings(row, paper.recipes_of(name), 123)) for name, row in paper.arms.items()}
    assert counts == {"vgg-baseline": 6, "vgg-transfer": 36, "seresnext-baseline": 6, "seresnext-transfer": 36}


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
    with pytest.raises(InvalidInput, match="no encoders is called 'vgg16'; choose from seresnext, vgg"):
        study.Study({**demo, "arms": table})


def test_external_patients_may_not_be_development_patients(demo, tmp_path):
    shutil.copytree("config/cohorts", tmp_path / "cohorts")
    yaml = (tmp_path / "cohorts/demo.yaml").read_text().replace("role: development", "role: external")
    (tmp_path / "cohorts/twin.yaml").write_text(yaml)
    shutil.copytree(tmp_path / "cohorts/demo", tmp_path / "cohorts/twin")
    with pytest.raises(InvalidInput, match="24 subjects, such as s01, are also in the development cohort"):
        study.Study({**demo, "cohorts": ["demo", "twin"], "cohorts_folder": str(tmp_path / "cohorts")})
