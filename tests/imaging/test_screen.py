import numpy as np
import pytest
from PIL import Image

from gliodelta import io
from gliodelta.imaging.difference import FEATURES
from gliodelta.imaging.screen import QC, TILES, WORST, choose, days_between, screen_maps
from gliodelta.sheets import read_cohort

PAIRS = """subject\tprior\tcurrent\texclude
a1\t0\t96\t
a1\t96\t200\t
a1\t200\t300\tseen twice
a2\t100\t96\t
a2\t96\t300\t
a3\t0\t50\t
"""
REASONS = {
    ("a1", "0", "96"): "current exam within 28 days after surgery",
    ("a1", "96", "200"): "prior exam within 28 days after surgery",
    ("a1", "200", "300"): "seen twice",
    ("a2", "100", "96"): "prior must precede current",
    ("a2", "96", "300"): "no T2 series",
    ("a3", "0", "50"): "similarity after registration is below 0.6",
}


@pytest.fixture
def cohort(tmp_path):
    """Six pairs, one for each reason there is; steps before excluded those of a2."""
    sheets = tmp_path / "made"
    sheets.mkdir()
    (tmp_path / "made.yaml").write_text("role: development\nlayout: nifti\n")
    (sheets / "pairs.tsv").write_text(PAIRS)
    exams = {(subject, day) for subject, *days in REASONS for day in days}
    rows = "".join(f"{subject}\t{day}\n" for subject, day in sorted(exams))
    (sheets / "exams.tsv").write_text("subject\tsession\n" + rows)
    # Day 96 is 16 days after a1's surgery; a2 has an exam on day 96, too, and no surgery.
    (sheets / "events.tsv").write_text("subject\tsession\tevent\na1\t80\tsurgery\na1\t199\tradiotherapy-end\n")
    qc = []
    for subject, prior, current in REASONS:
        file = tmp_path / f"sub-{subject}_pair-{prior}to{current}_qc.json"
        report = {"status": "included", "reason": "", **dict.fromkeys(QC, 0.9), **dict.fromkeys(FEATURES, 0.5)}
        report["similarity_after"] = 0.3 if subject == "a3" else 0.9
        io.write_json(report if subject != "a2" else {"status": "excluded", "reason": "no T2 series"}, file)
        Image.new("RGB", (60, 40), "red" if subject == "a3" else "blue").save(file.with_suffix(".png"))
        qc.append(file)
    read_cohort.cache_clear()
    return tmp_path, qc


def run(cohort, surgery_days=28):
    folder, qc = cohort
    outputs = folder / "maps.tsv", folder / "qc.png", folder / "qc_gallery.png"
    screen_maps(folder / "made.yaml", qc, 0.6, surgery_days, *outputs)
    return outputs


def test_every_pair_has_a_row_and_a_reason(cohort):
    table = io.read_table(run(cohort)[0])
    found = {(row["subject"], row["prior"], row["current"]): row["reason"] for row in table.to_dict("records")}
    assert found == REASONS
    assert (table["include"] == np.where(table["reason"] == "", "yes", "no")).all()
    assert table["days"].tolist() == [96, 104, 100, -4, 204, 50]


def test_surgery_further_back_excludes_nobody(cohort):
    table = io.read_table(run(cohort, surgery_days=15)[0])
    assert dict(zip(table["current"], table["include"], strict=True))["200"] == "yes"


def test_the_table_carries_the_numbers_and_gaps(cohort):
    table = io.read_table(run(cohort)[0])
    assert [f"qc_{name}" for name in QC] + list(FEATURES) == list(table.columns[6:])
    measured = table["subject"] != "a2"
    assert table.loc[measured].notna().all(axis=None) and table.loc[~measured, list(FEATURES)].isna().all(axis=None)


def test_the_gallery_shows_what_was_registered_least_alike_first(cohort):
    picture = Image.open(run(cohort)[2]).convert("RGB")
    assert picture.size == (4 * 60, 40)
    first, second = (picture.getpixel((x, 20)) for x in (30, 90))
    assert first[0] > first[2] and second[2] > second[0]


def test_a_cohort_without_any_map_has_its_files_too(cohort):
    for file in cohort[1]:
        io.write_json({"status": "excluded", "reason": "no T2 series"}, file)
    assert all(path.stat().st_size for path in run(cohort))


def test_equal_inputs_give_equal_bytes(cohort):
    first = [path.read_bytes() for path in run(cohort)]
    assert first == [path.read_bytes() for path in run(cohort)]


def test_the_gallery_holds_fifty_and_the_sample_does_not_depend_on_the_order():
    pictures = [(similarity / 1000, f"{similarity * 7919 % 1000:04d}", similarity) for similarity in range(1000)]
    chosen = choose(pictures)
    assert len(chosen) == TILES and [picture[2] for picture in chosen[:WORST]] == list(range(WORST))
    assert chosen == choose(pictures[::-1])


def test_days_between_sessions_and_dates():
    assert days_between("96", "200") == 104 and days_between("20081230", "20090102") == 3
    assert days_between("00000010", "20") == 10
