"""What is told of a study adds up, is what its tables say, and names nobody."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gliodelta import io, plugins
from gliodelta.evaluation import checklist, describe, flow, methods
from gliodelta.experiments import TRAINING
from gliodelta.study import Study
from gliodelta.tables import PAIR

AREA = "0.821 [0.754, 0.883]"
WEAK = {"of a validation or test patient": 5, "of a pair that a radiologist saw": 0}
WEAK |= {"of a pair without an included map": 2}


@pytest.fixture(autouse=True)
def at_home(project, monkeypatch):
    """The configuration names its sheets from the project's folder."""
    monkeypatch.chdir(project)


@pytest.fixture
def story(made):
    """Arguments of `describe.gather` for the made-up study, whose first exam and two first pairs were excluded."""
    maps = made.folder / "home_maps.tsv"
    table = io.read_table(maps).astype({"reason": object})
    table.loc[:1, ["include", "reason"]] = ["no", "no T2 series among 5"]
    io.write_table(table, maps)
    # A pair that no reader saw, and one of which two readers say two things.
    labels = io.read_table(made.folder / "home_labels.tsv").drop(index=2)
    other = labels.loc[[3]].assign(reader="r2", label="stable" if labels.loc[3, "label"] != "stable" else "response")
    io.write_table(pd.concat([labels, other]), made.folder / "home_labels.tsv")
    exams = io.read_table(made.folder / "home" / "exams.tsv").assign(reason="")
    exams.loc[0, ["status", "reason"]] = ["excluded", "no T2 series among 5"]
    io.write_table(exams, made.folder / "home" / "exams.tsv")
    io.write_table(
        io.read_table(made.folder / "away" / "exams.tsv").assign(reason=""), made.folder / "away" / "exams.tsv"
    )
    return {**_results(made), **_lineages(made), "study": _study(), "cohorts": ["home", "away"]} | {
        "facts": made.facts()
    }


def _study():
    config = Study(io.read_yaml("config/config.yaml")).config
    row = {"encoder": "vgg", "representation": "absolute-difference", "grid": "coarse", "strategies": "scratch,mix"}
    row |= {"loss": "balanced", "augmentation": "pair", "weak_labels": "hard", "weighting": "map", "recipes": "most"}
    row |= {"learning_rates": "1e-3", "weight_decays": "0"}
    cohort = {"layout": "nifti", "skull_stripped": False, "languages": ["fr"], "simulated": False, "weak": "reports"}
    return {
        "settings": config,
        "arms": {"baseline": {**row, "primary": "no"}, "transfer": {**row, "primary": "yes"}},
        "recipes": {"most": {"method": "supervised", "encoder": "vgg", "cut_by": "confidence", "cut": "0.7"}},
        "cohorts": {"home": {**cohort, "role": "development"}, "away": {**cohort, "role": "external", "weak": "none"}},
    }


def _results(made):
    """Tables as the evaluation writes them, of the 20 maps at home that the story leaves for the test and all away."""
    pairs = {"home": made.pairs["home"].drop(index=[0, 1, 2, 3]), "away": made.pairs["away"]}
    own = [rows.assign(cohort=name, arm=arm) for name, rows in pairs.items() for arm in ("transfer", "baseline")]
    rows = [
        {"arm": "transfer", "kind": "primary", "auc": AREA},
        {"arm": "baseline", "kind": "arm", "auc": "0.700 [0.6, 0.8]"},
    ]
    shown = dict.fromkeys(("ap", "sensitivity", "specificity", "calibration-error"), "0.500 [0.4, 0.6]")
    sized = {"n_maps": 20, "n_patients": 10, "note": ""}
    compared = {"arm": "transfer", "against": "baseline", "family": "declared", "auc_arm": 0.821, "auc_against": 0.7}
    compared |= {"difference": 0.121, "low": 0.02, "high": 0.22, "p": 0.012, "p_holm": 0.024, "note": ""}
    trivial = {**compared, "against": "mean-difference", "p": 0.5}
    tables = {
        "pairs": pd.concat(own).rename(columns={"y": "y_true"})[["cohort", "arm", *PAIR, "y_true"]],
        "summary": pd.DataFrame([{**row, **shown, **sized, "cohort": name} for name in pairs for row in rows]),
        "comparisons": pd.DataFrame([
            {**compared, "cohort": "home"}, {**trivial, "cohort": "home"},
            {**compared, "cohort": "away", "p": None, "note": "undefined: no test pairs of one of the classes"},
        ]),
    }  # fmt: skip
    for name, one in tables.items():
        io.write_table(one, made.folder / f"{name}.tsv")
    return {"tables": {name: made.folder / f"{name}.tsv" for name in tables}}


def _lineages(made):
    manifests, lineages = [], []
    for number, one in enumerate(made.lineages):
        strategy = "mix" if one["arm"] == "transfer" and one["fold"] > 1 else "scratch"
        lineages.append(made.folder / f"lineage-{number}.json")
        io.write_json({**one, "setting": {"strategy": strategy}}, lineages[-1])
    for number, weak in enumerate((10, 13)):
        lists = {"train": 8, "validation": 2, "test": 4, "weak": weak}
        left_out = {**WEAK, "of a validation or test patient": 15 - weak}
        manifests.append(made.folder / f"manifest-{number}.json")
        counts = {"pairs": lists, "unstable": dict.fromkeys(lists, 1), "weak_left_out": left_out}
        io.write_json({"repeat": 1, "fold": 1, "inner": number + 1, "excluded": "0", **counts}, manifests[-1])
    return {"manifests": manifests, "lineages": lineages}


def test_every_pair_is_tested_or_left_out_for_a_reason(story):
    gathered = describe.gather(**story)
    home = gathered["chains"][0]
    assert [step.text for step in home.steps] == [
        "36 exams, 12 patients",
        "24 pairs of exams, 12 patients",
        "22 difference maps, 11 patients",
        "Tested: 20 maps with a human label, 10 patients; 5 unstable",
    ]
    assert [step.left_out for step in home.steps] == [
        ["1 exam of 1 patient: no T2 series among 5"],
        ["2 pairs of 1 patient: no T2 series among 5"],
        ["1 map of 1 patient: no human label", "1 map of 1 patient: no majority of the readers"],
        [],
    ]
    assert gathered["numbers"]["home"] == {
        "exams": 36, "usable_exams": 35, "exam_patients": 12, "pairs": 24, "maps": 22, "map_patients": 11,
        "labelled": 20, "tested": 20, "tested_patients": 10, "unstable": 5,
    }  # fmt: skip


def test_a_labelled_map_without_a_prediction_is_not_lost_silently(story):
    pairs = io.read_table(story["tables"]["pairs"])
    one = (pairs["cohort"] == "away") & (pairs["subject"] == "away00") & (pairs["current"] == "90")
    io.write_table(pairs[~one], story["tables"]["pairs"])
    away = describe.gather(**story)["chains"][-1]
    assert away.title == "away (external)"
    assert away.steps[2] == flow.Step(
        "8 difference maps, 4 patients", ["1 map of 1 patient: not predicted by every arm"]
    )
    assert away.steps[3].text.startswith("Tested: 7 maps")


def test_weak_labels_are_ranges_over_the_splits(story):
    weak = describe.gather(**story)["chains"][1]
    assert weak.steps[0].text == "17 pairs with a weak label"
    # 10 and 13 of the 17 pairs may be trained on; the third reason never held.
    assert weak.steps[0].left_out == [
        "2 weak labels of a pair without an included map",
        "2 to 5 weak labels of a validation or test patient",
    ]
    assert weak.steps[1].text == "Offered to a model: 10 to 13 maps, 1 unstable; recipes cut them by confidence"
    none = {"pairs": {"weak": 0}, "unstable": {"weak": 0}, "weak_left_out": dict.fromkeys(WEAK, 0)}
    assert flow.count_weak([none]) is None


def test_a_cohort_of_maps_only_has_no_exams(story):
    story["facts"]["exams"] = [path for path in story["facts"]["exams"] if path.parent.name == "home"]
    gathered = describe.gather(**story)
    assert gathered["chains"][-1].steps[0].text == "8 pairs of exams, 4 patients"
    assert gathered["numbers"]["away"]["exams"] is None


def test_rare_reasons_are_summed_up(made):
    reasons = [f"reason {'abcdefgh'[place]}" for place in range(8) for _ in range(8 - place)]
    maps = pd.DataFrame(
        {"subject": "s", "prior": "0", "current": range(36), "include": "no", "reason": reasons}
    ).astype(str)
    # The three rarest reasons take six pairs, of two patients.
    maps.loc[35, "subject"] = "t"
    chain, _ = flow.count_cohort("x", None, maps, made.folder / "home_labels.tsv", maps.assign(y_true=0)[:0])
    named = [f"{8 - place} pairs of 1 patient: reason {'abcde'[place]}" for place in range(5)]
    assert chain.steps[0].left_out == [*named, "6 pairs of 2 patients: other reasons"]


class Reader(HTMLParser):
    """Collects the addresses that a page asks for, and its text."""

    def __init__(self):
        super().__init__()
        self.addresses, self.tags, self.text = [], [], ""

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        self.text += "".join(value for name, value in attributes if name == "alt")

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def told(story, tmp_path):
    """What is written, by output: the paths."""
    outputs = {"flow": tmp_path / "flow.png", "methods": tmp_path / "methods.txt"}
    outputs |= {"checklist": tmp_path / "checklist.tsv", "page": tmp_path / "overview.html"}
    describe.describe_study(**story, outputs=outputs)
    return outputs


def test_the_page_tells_result_and_limits_and_asks_for_nothing(told):
    reader = Reader()
    reader.feed(told["page"].read_text(encoding="utf-8"))
    assert len(reader.addresses) == 1 and reader.addresses[0].startswith("data:image/png;base64,")
    assert not {"script", "link", "iframe"} & set(reader.tags)
    said = "pooled AUC 0.821 against 0.700, difference +0.121 [+0.020, +0.220], paired permutation by patient p = 0.012"
    assert f"home: transfer against baseline, {said}, 0.024 after Holm." in reader.text
    assert "away: transfer against baseline, pooled AUC cannot be compared (undefined: no test pairs" in reader.text
    # In the tables of both cohorts, and in two items of the checklists for each.
    assert reader.text.count(AREA) == 6 and "mean-difference" not in reader.text
    assert "leave out how another training, scanner or style of report would vary the result" in reader.text
    # Who cannot see the flow diagram reads it.
    assert (
        "24 pairs of exams, 12 patients; left out: 2 pairs of 1 patient: no T2 series among 5. 22 diff" in reader.text
    )
    assert "no medical device" in reader.text and "transfer is declared primary" in reader.text
    assert "Simulated" not in reader.text


def test_the_methods_say_what_was_configured_counted_and_chosen(told):
    text = told["methods"].read_text(encoding="utf-8")
    assert "35 of 36 exams of 12 patients could be used" in text
    assert "20 maps of 10 patients (5 unstable) were tested" in text
    assert "3 outer folds, stratified by label, in 1 repeat (seed 123), each with 2 inner splits." in text
    assert "chosen: mix in 2 outer folds, scratch in 1 outer fold" in text
    assert "A model was offered 10 to 13 weakly labelled maps." in text
    assert "leave out how another training would vary" in text and f"numpy {np.__version__}" in text
    assert "None" not in text and "nan" not in text.split()


def test_other_settings_are_other_words(story):
    story["study"]["settings"] = {
        **story["study"]["settings"],
        "splits": {**story["study"]["settings"]["splits"], "inner": 1, "stratified": False, "folds": 5},
        "tuning": {**story["study"]["settings"]["tuning"], "budget": 7, "pruning": "halving"},
    }
    story["study"]["cohorts"]["home"] |= {"weak": "given", "simulated": True}
    gathered = describe.gather(**story)
    text = methods.write_methods(gathered)
    assert "5 outer folds, regardless of labels" in text and "draws 25% of the training patients" in text
    assert "7 trials for every arm, the worse half dropped" in text and "made elsewhere" in text
    assert checklist.words(gathered)["preparation"] == "one pipeline for all exams"
    gathered["cohorts"]["home"]["layout"] = "difference-maps"
    assert (
        checklist.words(gathered)["preparation"] == "one pipeline for all exams; the maps of home were made elsewhere"
    )
    limits = describe.page.limits(gathered)
    assert limits[0].startswith("Simulated: home.") and any("made elsewhere" in text for text in limits)


def test_imaging_speaks_of_exams_only_where_there_are_some():
    settings = Study(io.read_yaml("config/config.yaml")).config["imaging"]
    scans = {"layout": "dicom", "skull_stripped": False}
    whole, bare, given = scans, {**scans, "skull_stripped": True}, {**scans, "layout": "difference-maps"}
    both = methods.imaging(settings, {"ours": whole, "theirs": bare, "maps": given})
    assert "The exams of ours, theirs went through" in both and "Those of theirs came without skull" in both
    assert (
        "N4 (Tustison et al. 2010" in both and "brain extraction by" in both and "maps of maps were made else" in both
    )
    # What was not done is not told of.
    assert "brain extraction" not in methods.imaging(settings, {"theirs": bare})
    alone = methods.imaging(settings, {"maps": given})
    assert alone.startswith("The absolute difference maps of maps were made elsewhere")
    assert not re.search("registration|bias|brain|grid", alone)


def test_every_phrase_belongs_to_a_variant_and_those_of_the_demo_have_one():
    phrases = io.read_yaml(Path(methods.__file__).with_name("methods.yaml"))
    for package, known in phrases.items():
        assert set(known) <= set(plugins.names(f"gliodelta.{package}"))
    study = Study(io.read_yaml("config/config.yaml"))
    used = {f"imaging.{kind}": {study.config["imaging"][kind]} for kind in methods.IMAGING}
    for row in study.arms.values():
        for kind, package in TRAINING.items():
            used.setdefault(package.removeprefix("gliodelta."), set()).add(row[kind])
    assert len(used) == 8
    for package, names in used.items():
        assert names <= set(phrases[package]), package
    assert methods.named("gliodelta.imaging.registration", "another-engine") == "another-engine"


def test_the_checklist_leaves_to_the_authors_what_only_they_know(told):
    table = io.read_table(told["checklist"]).set_index(["guideline", "item"])
    assert table.loc[("TRIPOD+AI", "17"), "status"] == checklist.AUTHORS
    assert table.loc[("TRIPOD+AI", "23a"), "answer"] == f"transfer, home: AUC {AREA}; away: AUC {AREA}"
    assert table.loc[("CLAIM 2020", "32"), "answer"] == "on away"
    empty = table["answer"].isna()
    assert (table.loc[empty, "status"] == checklist.AUTHORS).all()
    assert not table.index.duplicated().any() and not table["answer"].fillna("").str.contains("[{}]").any()


def test_pictures_are_drawn_and_nothing_holds_a_path_or_a_patient(told):
    with Image.open(told["flow"]) as picture:
        assert len(picture.convert("RGB").getcolors(maxcolors=1 << 24)) > 20
    for name in ("methods", "checklist", "page"):
        text = told[name].read_text(encoding="utf-8")
        assert not re.search(r"(home|away)\d\d", text) and str(told[name].parent) not in text


def test_boxes_do_not_overlap():
    reasons = ["3 pairs of 2 patients: a long reason that takes more than one line beside the boxes " * 2] * 3
    step = flow.Step("text of a box " * 6, reasons)
    main, side = flow._lines(step)
    assert flow._pitch(step) >= flow._box_height(main) + flow._box_height(side)
    assert flow._height(flow.Chain("", [step, step])) > 2 * flow._pitch(step)
