import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gliodelta import io, schema
from gliodelta.imaging.difference import FEATURES
from gliodelta.imaging.overview import FEWEST, choose, outlyingness
from gliodelta.imaging.screen import COLUMNS, HIGHEST, LIMITS, QC, days_between, exceeded, screen_maps, summarise
from gliodelta.sheets import read_cohort

DEFAULTS = schema.validate({"cohorts": []}, "config", "defaults")["imaging"]
# Numbers of a pair that nothing is wrong with.
GOOD = {**dict.fromkeys(QC, 0.99), "residual_mm": 0.3, "sd_difference": 0.5}
GOOD |= {
    f"{name}_{visit}": value for name, value in (("ghosting", 0), ("saturated", 0)) for visit in ("prior", "current")
}
# Subjects and sessions that begin like others: a1 has an exam of day 9, a10 one of day 96.
PAIRS = """subject\tprior\tcurrent\texclude
a1\t0\t96\t
a1\t96\t200\t
a1\t200\t300\tseen twice
a1\t300\t900\t
a10\t100\t96\t
a10\t96\t300\t
a100\t0\t50\t
a100\t50\t96\t
a100\t96\t130\t
"""
REASONS = {
    ("a1", "0", "96"): "current exam within 28 days after surgery",
    ("a1", "96", "200"): "prior exam within 28 days after surgery",
    ("a1", "200", "300"): "seen twice",
    ("a1", "300", "900"): "600 days lie between the exams, more than 500",
    ("a10", "100", "96"): "prior must precede current",
    ("a10", "96", "300"): "no T2 series",
    ("a100", "0", "50"): "sulci and ventricles of the exams do not match: structure is 0.3, below 0.85",
    ("a100", "50", "96"): "both exams are the same images; correct exams.tsv",
    ("a100", "96", "130"): "",
}
# What the images say of these pairs, beyond that all is well.
REPORTS = {
    ("a10", "96", "300"): {"status": "excluded", "reason": "no T2 series"},
    ("a100", "0", "50"): {"structure": 0.3},
    ("a100", "50", "96"): {"voxels_digest_prior": "c0ffee", "voxels_digest_current": "c0ffee"},
}


@pytest.fixture
def cohort(tmp_path):
    """A pair for each reason there is, and one that goes on: folder and the pairs' qc.json."""
    return made(tmp_path)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What is written for such a cohort."""
    return run(made(tmp_path_factory.mktemp("cohort")))


def made(folder):
    sheets = folder / "made"
    sheets.mkdir()
    (folder / "made.yaml").write_text("role: development\nlayout: nifti\n")
    (sheets / "pairs.tsv").write_text(PAIRS)
    exams = {(subject, day) for subject, *days in REASONS for day in days}
    rows = "".join(f"{subject}\t{day}\n" for subject, day in sorted(exams))
    (sheets / "exams.tsv").write_text("subject\tsession\n" + rows)
    # Day 96 is 16 days after a1's surgery; others have an exam on day 96, too, and no surgery.
    (sheets / "events.tsv").write_text("subject\tsession\tevent\na1\t80\tsurgery\na1\t199\tradiotherapy-end\n")
    qc = []
    for pair in REASONS:
        file = folder / "sub-{}_pair-{}to{}_qc.json".format(*pair)
        found = REPORTS.get(pair, {})
        report = {"status": "included", "reason": "", **GOOD, **dict.fromkeys(FEATURES, 0.5)}
        io.write_json(found if "status" in found else report | found, file)
        Image.new("RGB", (60, 40), "red" if "structure" in found else "blue").save(file.with_suffix(".png"))
        qc.append(file)
    read_cohort.cache_clear()
    return folder, qc


def run(cohort, surgery_days=28, limits=DEFAULTS["limits"], max_days=500):
    folder, qc = cohort
    outputs = [folder / name for name in ("maps.tsv", "pairs_by_reason.tsv", "qc.png", "qc_gallery.png")]
    screen_maps(folder / "made.yaml", qc, limits, surgery_days, max_days, 50, *outputs)
    return outputs


def test_every_pair_has_a_row_and_a_reason(outputs):
    table = io.read_table(outputs[0])
    found = {(row["subject"], row["prior"], row["current"]): row["reason"] for row in table.to_dict("records")}
    assert found == REASONS
    assert (table["include"] == np.where(table["reason"] == "", "yes", "no")).all()
    assert table["days"].tolist() == [96, 104, 100, 600, -4, 204, 50, 46, 34]


def test_the_pairs_are_counted_by_reason_and_none_is_lost(outputs):
    counts = io.read_table(outputs[1])
    assert counts["pairs"].sum() == len(REASONS) and counts["share"].sum() == pytest.approx(1, abs=1e-3)
    assert counts.loc[counts["include"] == "yes", "pairs"].tolist() == [1]
    found = dict(zip(counts["reason"], counts["pairs"], strict=True))
    assert found["sulci and ventricles of the exams do not match"] == 1
    assert found["prior must precede current"] == 1


def test_equal_reasons_are_one_row_whatever_their_numbers():
    reasons = [f"one exam lacks a part of the brain: coverage is 0.{number}, below 0.9" for number in (1, 2, 3)]
    counts = summarise(pd.DataFrame({"include": ["no"] * 3 + ["yes"], "reason": [*reasons, ""]}))
    assert counts["pairs"].tolist() == [1, 3]


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_lets_pass_what_it_equals_and_stops_what_is_beyond(name):
    limits = DEFAULTS["limits"]
    column = name if name in GOOD else f"{name}_current"
    beyond = limits[name] + (1e-3 if LIMITS[name][0] == HIGHEST else -1e-3)
    assert exceeded(GOOD | {column: limits[name]}, limits) == []
    assert exceeded(GOOD | {column: None}, limits) == []
    (reason,) = exceeded(GOOD | {column: beyond}, limits)
    assert f"{column} is" in reason and reason.endswith(f"{limits[name]:g}")


def test_the_limits_of_the_configuration_are_those_that_are_judged():
    assert set(DEFAULTS["limits"]) == set(LIMITS)


def test_an_outlier_stands_out_on_the_worse_side_only():
    rows = pd.DataFrame(index=range(20), columns=COLUMNS)
    rows["qc_structure"] = np.linspace(0.9, 0.95, 20)
    rows.loc[3, "qc_structure"] = 0.5
    rows.loc[4, "qc_structure"] = 1.3
    rows["qc_ghosting_prior"] = rows["qc_ghosting_current"] = np.linspace(0, 0.01, 20)
    rows.loc[5, "qc_ghosting_current"] = 0.3
    scores = outlyingness(rows)
    assert scores.index[scores["structure"] > 3.5].tolist() == [3]
    assert scores.index[scores["ghosting"] > 3.5].tolist() == [5]
    assert scores["coverage"].isna().all()
    assert outlyingness(rows[: FEWEST - 1]).isna().all(axis=None)


def test_surgery_further_back_and_a_century_between_exams_exclude_nobody(cohort):
    table = io.read_table(run(cohort, surgery_days=15, max_days=DEFAULTS["max_days"])[0])
    assert table.loc[table["days"] == 600, "include"].item() == "yes"
    assert table.loc[(table["subject"] == "a1") & (table["current"] == "200"), "include"].item() == "yes"


def test_the_table_carries_the_numbers_and_gaps(outputs):
    table = io.read_table(outputs[0])
    numbers = [f"qc_{name}" for name in QC] + list(FEATURES)
    assert numbers == list(table.columns[7:])
    measured = table["reason"] != "no T2 series"
    assert table.loc[measured, numbers].notna().all(axis=None) and table.loc[~measured, numbers].isna().all(axis=None)


def test_the_gallery_shows_what_is_beyond_a_limit_first(outputs):
    picture = Image.open(outputs[3]).convert("RGB")
    assert picture.size == (4 * 60, 2 * 40)
    first, second = (picture.getpixel((x, 20)) for x in (30, 90))
    assert first[0] > first[2] and second[2] > second[0]


def test_a_cohort_without_any_map_has_its_files_too(cohort):
    for file in cohort[1]:
        io.write_json({"status": "excluded", "reason": "no T2 series"}, file)
    assert all(path.stat().st_size for path in run(cohort))


def test_equal_inputs_give_equal_bytes(outputs, cohort):
    assert [path.read_bytes() for path in outputs] == [path.read_bytes() for path in run(cohort)]


@pytest.mark.parametrize("most", [50, 25, 1])
def test_the_gallery_holds_so_many_and_the_sample_does_not_depend_on_the_order(most):
    pictures = [(similarity / 1000, f"{similarity * 7919 % 1000:04d}", similarity) for similarity in range(1000)]
    chosen, worst = choose(pictures, most), list(range(most // 2))
    assert len(chosen) == most and [picture[2] for picture in chosen[: len(worst)]] == worst
    assert chosen == choose(pictures[::-1], most)


def test_days_between_sessions_and_dates():
    assert days_between("96", "200") == 104 and days_between("20081230", "20090102") == 3
    assert days_between("00000010", "20") == 10
