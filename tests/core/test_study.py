"""The configuration's errors say what to write, and the demo's is sound."""

from pathlib import Path

import pytest

from gliodelta import io, study
from gliodelta.schema import InvalidInput


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


def test_a_cohort_without_labels_ends_with_the_maps(demo):
    found = study.Study({**demo, "cohorts": ["demobrats"]})
    assert found.development is None and found.arms == {}
