"""Published cohorts in small, in their real layouts with their real dirt: right exams, pairs, labels and reasons."""

import csv
import io
import stat
from pathlib import Path

import pytest
from published import write_map

from gliodelta.ingest.__main__ import main
from gliodelta.ingest.layouts import brats2015, lumiere
from gliodelta.ingest.site_tables import read_site_table
from gliodelta.schema import InvalidInput
from gliodelta.sheets import read_cohort, source_path

BRATS_HEADER = "sub,ses_diff,t2_label,t2_label_numeric\n"
LUMIERE_HEADER = (
    "Patient,Date,LessThan3Months,NonMeasurableLesions,"
    '"Rating (according to RANO, PD: Progressive disease, SD: Stable disease, PR: Partial response, CR: Complete '
    'response, Pre-Op: Pre-Operative, Post-Op: Post-Operative)","Rating rationale (CRET: complete resection of the '
    'enhancing tumor, PRET: partial resection, T2-Progr.: T2-Progression, L: Lesion)"\n'
)
MAPS_HEADER = "ipp,comparative_date,exam_date,global_label_A1,t1_label_A1,t2_label_A1\n"


@pytest.fixture
def draft(tmp_path, capsys):
    """A function that drafts a cohort with a table of labels; returns the cohort, its YAML's path and what was said."""

    def run(folder, table, code=0, options=()):
        (tmp_path / "labels.csv").write_text(table)
        out = tmp_path / "config" / "mine"
        given = ["--key", tmp_path / "secret" / "key", "--out", out, "--labels", tmp_path / "labels.csv", *options]
        assert main(["draft", str(folder), *map(str, given)]) == code
        printed = "".join(capsys.readouterr())
        return (read_cohort(f"{out}.yaml") if not code else None), f"{out}.yaml", printed

    return run


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def by_patient(cohort, cohort_file, depth):
    """Pseudonym of each patient, by the name of the folder that lies `depth` above an exam's source."""
    exams = [(row["subject"], source_path(cohort_file, row["subject"], row["session"])) for row in cohort["exams"]]
    return {path.parents[depth].name: subject for subject, path in exams}


# BRATS-2015


def published_table():
    """As many pairs, patients and labels as the published table has, the exams ten days apart from day 100 on."""
    labels = [word for word, count in brats2015.LABELS.items() for _ in range(count)]
    rows = [
        (number, 100, 110 + 10 * pair)
        for number, count in enumerate(brats2015.PAIRS, start=101)
        for pair in range(count)
    ]
    return [
        (f"sub-{number}_brats_tcia,ses-{prior:04d}_vs_ses-{current:04d}", label)
        for (number, prior, current), label in zip(rows, labels, strict=True)
    ]


def write_brats(folder, rows):
    for names, _ in rows:
        subject, sessions = names.split(",")
        number = subject.removeprefix("sub-").split("_")[0]
        for session in sessions.replace("ses-", "").split("_vs_"):
            exam = folder / "HGG" / f"brats_tcia_pat{number}_{session}"
            touch(exam / "VSD.Brain.XX.O.MR_T2.35535" / "VSD.Brain.XX.O.MR_T2.35535.mha")
            touch(exam / "VSD.Brain.XX.O.MR_Flair.35532" / "VSD.Brain.XX.O.MR_Flair.35532.mha")


def brats_table(rows):
    return BRATS_HEADER + "".join(f"{names},{label},{int(label != 'stable')}\n" for names, label in rows)


def test_the_whole_published_brats_table_gives_15_patients_and_51_pairs(tmp_path, draft):
    write_brats(tmp_path / "raw", published_table())
    cohort, _, printed = draft(tmp_path / "raw", brats_table(published_table()))
    assert len(cohort["labels"]) == 51 and len({row["subject"] for row in cohort["labels"]}) == 15
    words = [row["label"] for row in cohort["labels"]]
    assert {word: words.count(word) for word in set(words)} == {"progression": 34, "response": 5, "stable": 12}
    assert "the whole published one: 51 pairs of 15 patients" in printed and "missing" not in printed
    assert cohort["role"] == "external" and cohort["skull_stripped"]


def test_what_brats_lacks_is_listed_privately_with_the_labels_that_need_it(tmp_path, draft):
    write_brats(tmp_path / "raw", published_table())
    # The first exam of a patient of five pairs, and one T2 image.
    for exam in ("brats_tcia_pat102_0100", "brats_tcia_pat105_0110"):
        next((tmp_path / "raw" / "HGG" / exam).rglob("*MR_T2*.mha")).unlink()
    cohort, _, printed = draft(tmp_path / "raw", brats_table(published_table()))
    assert len(cohort["labels"]) == 51 - 5 - 1
    assert "Left out: 2 exams whose folder holds no image called MR_T2." in printed
    assert "2 exams that labels need are missing; mine_links_missing.tsv lists them." in printed
    missing = tmp_path / "secret" / "mine_links_missing.tsv"
    assert stat.S_IMODE(missing.stat().st_mode) == 0o600
    assert missing.read_text().splitlines() == [
        "patient\tdate\tlabels",
        "102_brats_tcia\t100\t5",
        "105_brats_tcia\t110\t1",
    ]
    assert "102" not in printed


def test_a_part_of_the_published_brats_table_is_said_to_be_one(tmp_path, draft):
    rows = published_table()[:6]
    write_brats(tmp_path / "raw", rows)
    printed = draft(tmp_path / "raw", brats_table(rows))[2]
    assert "has 6 pairs of 2 patients and is not the published one, which has 51 of 15" in printed


def test_a_whole_table_of_which_pairs_get_lost_on_the_way_is_an_error(tmp_path, draft):
    rows = published_table()
    # One pair twice, instead of two pairs of one patient.
    rows[2] = (rows[1][0], rows[2][1])
    write_brats(tmp_path / "raw", published_table())
    assert "and yet 50 pairs of 15 patients, not 51 of 15" in draft(tmp_path / "raw", brats_table(rows), code=1)[2]


# LUMIERE

RATED = {
    # Surgery in week 0; then stable with a trailing blank, progression, and a second surgery in the same week as one.
    "Patient-001": [
        ("week-000-1", "Pre-Op"),
        ("week-000-2", "Post-Op "),
        ("week-010", "SD "),
        ("week-020", "PD"),
        ("week-030", "Post-Op/PD"),
        ("week-044", "PR"),
    ],
    # Missing in several spellings, a rating twice that differs, and one that nobody knows.
    "Patient-010": [
        ("week-001", "NA"),
        ("week-011", ""),
        ("week-021", "n/a "),
        ("week-031", "CR"),
        ("week-041", "SD"),
        ("week-041", "PD"),
        ("week-051", "PD?"),
    ],
    # Its second exam has no T2; its third is compared with the first.
    "Patient-100": [("week-005", "SD"), ("week-015", "PD"), ("week-025", " sd")],
}


def write_lumiere(folder):
    for patient, ratings in RATED.items():
        for week, _ in ratings:
            exam = folder / "Imaging" / patient / week
            for name in ("T1", "CT1", "FLAIR", "T2"):
                if (patient, week, name) != ("Patient-100", "week-015", "T2"):
                    touch(exam / f"{name}.nii.gz")
            touch(exam / "HD-GLIO-AUTO-segmentation" / "registered" / "T2_r2s_bet_reg.nii.gz")
            touch(exam / "DeepBraTumIA-segmentation" / "atlas" / "skull_strip" / "T2.nii.gz")
    touch(folder / "Imaging" / "Patient-001" / "week-060" / "T2.nii.gz")


def lumiere_table(separator=","):
    """The table of ratings, with a row of nothing but separators at its end."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator)
    writer.writerow(next(csv.reader([LUMIERE_HEADER])))
    writer.writerows((patient, week, "", "x", rating, "CRET") for patient in RATED for week, rating in RATED[patient])
    writer.writerow([""] * 6)
    return buffer.getvalue()


@pytest.fixture
def glioblastomas(tmp_path):
    write_lumiere(tmp_path / "raw")
    return tmp_path / "raw"


def pairs_of(cohort, cohort_file, patient):
    """Label or reason of a patient's pairs, by their days."""
    subject = by_patient(cohort, cohort_file, 1)[patient]
    key = ("subject", "prior", "current")
    labels = {tuple(row[name] for name in key): row["label"] for row in cohort["labels"]}
    own = [row for row in cohort["pairs"] if row["subject"] == subject]
    found = [
        (int(row["prior"]), int(row["current"]), row.get("exclude"), labels.get(tuple(row[k] for k in key)))
        for row in own
    ]
    return {(prior, current): (label or reason or "") for prior, current, reason, label in found}


@pytest.mark.parametrize("separator", [",", ";"])
def test_lumiere_ratings_become_labels_by_the_declared_rule(glioblastomas, draft, separator):
    cohort, cohort_file, printed = draft(glioblastomas, lumiere_table(separator))
    assert (cohort["layout"], cohort["role"], cohort["skull_stripped"]) == ("lumiere", "external", True)
    first = pairs_of(cohort, cohort_file, "Patient-001")
    assert first == {
        (0, 1): "the current exam is rated Pre-Op or Post-Op, which is no comparison",
        (1, 70): "stable",
        (70, 140): "progression",
        (140, 210): "the current exam has more than one rating",
        (210, 308): "response",
        (308, 420): "the table has no row for the current exam",
    }
    second = pairs_of(cohort, cohort_file, "Patient-010")
    assert second == {
        (0, 70): "the current exam has no rating",
        (70, 140): "the current exam has no rating",
        (140, 210): "response",
        (210, 280): "the current exam has more than one rating",
        (280, 350): "the current exam has a rating that is none of SD, PD, PR, CR",
    }
    assert pairs_of(cohort, cohort_file, "Patient-100") == {(0, 140): "stable"}
    assert "Left out: 1 exams without a T2.nii.gz." in printed
    assert "Left out: 3 ratings of an exam that has none before it." in printed
    assert "1 exams that labels need are missing" in printed


def test_an_exam_that_lumiere_rates_as_postoperative_is_a_surgery(glioblastomas, draft):
    cohort, cohort_file, _ = draft(glioblastomas, lumiere_table())
    subject = by_patient(cohort, cohort_file, 1)["Patient-001"]
    assert [(row["subject"], row["session"], row["event"]) for row in cohort["events"]] == [
        (subject, "0001", "surgery"),
        (subject, "0210", "surgery"),
    ]


def test_a_surgery_without_an_exam_of_its_own_keeps_the_pair_out(tmp_path, draft):
    for week in ("week-000", "week-010"):
        touch(tmp_path / "raw" / "Imaging" / "Patient-001" / week / "T2.nii.gz")
    rows = "Patient-001,week-000,,,Pre-Op,\nPatient-001,week-001,,,Post-Op,\nPatient-001,week-010,,,SD,\n"
    cohort, cohort_file, _ = draft(tmp_path / "raw", LUMIERE_HEADER + rows)
    assert pairs_of(cohort, cohort_file, "Patient-001") == {(0, 70): "there was a surgery between the exams"}


def test_only_an_exams_own_t2_is_taken_and_the_readme_says_what_rano_compares_with(glioblastomas, draft):
    cohort, cohort_file, _ = draft(glioblastomas, lumiere_table())
    sources = [source_path(cohort_file, row["subject"], row["session"]) for row in cohort["exams"]]
    assert len(sources) == 7 + 6 + 2 and {path.parent.name[:5] for path in sources} == {"week-"}
    readme = (Path(cohort_file).with_suffix("") / "README.md").read_text()
    assert "RANO compares an exam with the nadir or the baseline" in readme
    written = "".join(file.read_text() for file in Path(cohort_file).parent.rglob("*.tsv"))
    assert "Patient-" not in written and "CRET" not in written


@pytest.mark.parametrize(("text", "words"), [("Post-Op /PD ", {"post-op", "pd"}), ("N/A", set()), ("PD / NA", {"pd"})])
def test_lumiere_cells_are_read_without_their_dirt(text, words):
    assert lumiere._words(text) == words


# Published difference maps


def test_published_difference_maps_give_pairs_links_and_labels(tmp_path, draft):
    raw = tmp_path / "raw"
    write_map(raw, 58, "20090514", "20090724")
    write_map(raw, 58, "20090514", "20091022")
    write_map(raw, 580, "20100101", "20100401")
    rows = "58,20090514,20090724,1,1,0\n58.0,20090514.0,20091022.0,2,2,2.0\n580,20100101,20100401,3,3,3\n"
    rows += "58,20090724,20091022,0,0,0\n7,20000101,20000301,0,0,1\n"
    cohort, cohort_file, printed = draft(raw, MAPS_HEADER + rows)
    assert (cohort["layout"], cohort["role"]) == ("difference-maps", "development")
    assert "2 patients, 5 exams, 3 pairs, 3 labels" in printed
    pairs = sorted((row["prior"], row["current"], row["label"]) for row in cohort["labels"])
    assert pairs == [("0000", "0071", "stable"), ("0000", "0090", "unknown"), ("0000", "0161", "response")]
    # The pair of the exams in the middle is labelled but has no map; another patient has neither.
    assert "Left out: 1 labels of pairs without a map." in printed
    assert "Left out: 1 labels of exams that were not found." in printed
    links = Path(cohort["map_links"]).read_text().splitlines()
    assert len(links) == 4 and all(Path(row.split("\t")[3]).is_file() for row in links[1:])
    assert stat.S_IMODE(Path(cohort["map_links"]).stat().st_mode) == 0o600
    assert "absolute-difference" in (Path(cohort_file).with_suffix("") / "README.md").read_text()


def test_published_labels_of_reports_become_weak_labels_with_the_published_confidence(tmp_path, draft):
    for current in ("20090724", "20091022"):
        write_map(tmp_path / "raw", 58, "20090514", current)
    (tmp_path / "weak.csv").write_text(
        "ipp,comparative_date,exam_date,global_label_random_forest,global_label_random_forest_probab,"
        "t2_label_random_forest,t2_label_random_forest_probab,mean_t2_and_global\n"
        "58,20090514,20091022,1,0.9,1,0.8,0.85\n58,20090514,20090724,0,1.0,0,0.9,0.95\n"
    )
    label = MAPS_HEADER + "58,20090514,20090724,0,0,0\n"
    cohort, _, printed = draft(tmp_path / "raw", label, options=["--weak", tmp_path / "weak.csv"])
    found = {(row["current"], float(row["p_unstable"]), float(row["confidence"])) for row in cohort["weak"]}
    assert {(day, round(p, 6), c) for day, p, c in found} == {("0161", 0.85, 0.85), ("0071", 0.05, 0.95)}
    assert "2 weak labels" in printed


def test_a_published_confidence_below_one_half_is_refused_rather_than_turned_round(tmp_path):
    header = "ipp,comparative_date,exam_date,t2_label_random_forest,mean_t2_and_global\n"
    (tmp_path / "weak.csv").write_text(header + "58,20090514,20091022,1,0.45\n")
    with pytest.raises(InvalidInput, match=r"line 2: mean_t2_and_global is below 0.5.*write the other label"):
        read_site_table(tmp_path / "weak.csv", "weak", [])
