"""First sheets from every kind of folder: right ids, days and links, and a cohort that the workflow reads."""

import shutil
import stat
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from gliodelta import io
from gliodelta.ingest.__main__ import main
from gliodelta.sheets import find, read_cohort, report_path, source_path

PUBLISHED = "sub,ses_diff,t2_label,t2_label_numeric\nsub-171_brats_tcia,ses-0200_vs_ses-0387,progression,1\n"


@pytest.fixture
def draft(tmp_path, capsys):
    """A function that drafts a cohort from a folder; returns the cohort, its YAML's path and what was printed."""

    def run(folder, *options, code=0):
        out = tmp_path / "config" / "mine"
        arguments = ["draft", str(folder), "--key", str(tmp_path / "secret" / "key"), "--out", str(out)]
        assert main([*arguments, *map(str, options)]) == code
        printed = "".join(capsys.readouterr())
        return (read_cohort(f"{out}.yaml") if not code else None), f"{out}.yaml", printed

    return run


def empty_nifti(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4)), path)


def sources(cohort, cohort_file):
    """Exams as (first subject is 0, session, source)."""
    subjects = sorted({row["subject"] for row in cohort["exams"]})
    rows = [(subjects.index(row["subject"]), row["session"]) for row in cohort["exams"]]
    paths = [source_path(cohort_file, row["subject"], row["session"]) for row in cohort["exams"]]
    return [(*row, path) for row, path in zip(rows, paths, strict=True)]


@pytest.fixture
def hospital(tmp_path, dicom_series):
    """A DICOM tree with two exams of one patient, one of another, tables, and an exam without a date."""
    raw = tmp_path / "raw"
    for folder, patient, date in [
        ("x/a", "DUPONT", "20200301"),
        ("x/b", "DUPONT", "20200102"),
        ("y", "DURAND", "20210505"),
    ]:
        for series in (1, 2):
            dicom_series(raw / folder / f"series{series}", series, skip=range(2, 22), PatientID=patient, StudyDate=date)
    dicom_series(raw / "z", 1, skip=range(2, 22), PatientID="MARTIN", StudyDate="")
    (tmp_path / "cr").mkdir()
    (tmp_path / "cr" / "dupont.txt").write_text("stable")
    (tmp_path / "reports.csv").write_text(
        "patient;date;file\nDUPONT;2020-03-01;cr/dupont.txt\nDUPONT;2020-03-02;cr/dupont.txt\nDURAND;2021-05-05;cr/x.txt\n"
    )
    (tmp_path / "labels.csv").write_text(
        "patient,prior_date,current_date,reader,label\n"
        "DUPONT,2020-01-02,2020-03-01,Dr House,Stable\nDUPONT,2020-01-02,2020-03-01,Dr House,stable\n"
        "DUPONT,2020-03-01,2020-01-02,Dr Who,stable\nDURAND,2020-01-01,2021-05-05,Dr Who,stable\n"
    )
    (tmp_path / "events.csv").write_text("patient,date,event\nDUPONT,2019-12-30,surgery\nNOBODY,2019-12-30,surgery\n")
    return raw


def test_a_dicom_tree_with_tables(hospital, tmp_path, draft):
    options = [text for kind in ("reports", "labels", "events") for text in (f"--{kind}", tmp_path / f"{kind}.csv")]
    cohort, cohort_file, printed = draft(hospital, *options)
    exams = {(session, source.relative_to(hospital).as_posix()) for _, session, source in sources(cohort, cohort_file)}
    assert exams == {("0000", "x/b"), ("0059", "x/a"), ("0000", "y")}
    assert cohort["role"] == "development"
    assert [(row["prior"], row["current"]) for row in cohort["pairs"]] == [("0000", "0059")]
    assert [(row["prior"], row["current"], row["label"]) for row in cohort["labels"]] == [("0000", "0059", "stable")]
    assert [(row["session"], row["event"]) for row in cohort["events"]] == [("-003", "surgery")]
    (report,) = cohort["reports"]
    assert report["session"] == "0059"
    assert report_path(cohort, report).read_text() == "stable"
    for sentence in (
        "2 patients, 3 exams, 1 pairs, 1 labels, 1 reports, 1 events",
        "Left out: 2 DICOM files without PatientID or a date.",
        "Left out: 1 labels given twice.",
        "Left out: 1 labels whose prior exam is not the earlier one.",
        "Left out: 1 labels of exams that were not found.",
        "Left out: 1 reports of exams that were not found.",
        "Left out: 1 reports whose file is missing.",
        "Left out: 1 events of patients without exams.",
    ):
        assert sentence in printed


def test_nothing_raw_is_printed_or_written_beside_the_key(hospital, tmp_path, draft):
    options = [text for kind in ("reports", "labels", "events") for text in (f"--{kind}", tmp_path / f"{kind}.csv")]
    cohort, cohort_file, printed = draft(hospital, *options)
    project = Path(cohort_file).parent
    written = "".join(file.read_text() for file in project.rglob("*") if file.is_file())
    for raw in ("DUPONT", "DURAND", "dupont", "House", "2020", "raw", "cr/"):
        assert raw not in printed
        assert raw not in written.replace(str(tmp_path), "")
    for link in (cohort["links"], cohort["report_links"]):
        assert Path(link).parent == tmp_path / "secret"
        assert stat.S_IMODE(Path(link).stat().st_mode) == 0o600


def test_the_same_key_gives_the_same_sheets(hospital, tmp_path, draft):
    draft(hospital)
    again = tmp_path / "again" / "mine"
    assert (
        main(
            [
                "draft",
                str(hospital),
                "--key",
                str(tmp_path / "secret/key"),
                "--out",
                str(again),
                "--links",
                str(again / "l"),
            ]
        )
        == 0
    )
    for sheet in ("exams", "pairs"):
        assert (again / f"{sheet}.tsv").read_bytes() == (tmp_path / "config" / "mine" / f"{sheet}.tsv").read_bytes()


def test_exams_whose_files_lie_mixed_are_left_out(tmp_path, dicom_series, draft):
    raw = tmp_path / "raw"
    dicom_series(raw / "mixed", 1, skip=range(2, 22), PatientID="a", StudyDate="20200101")
    dicom_series(raw / "mixed", 2, skip=range(2, 22), PatientID="a", StudyDate="20200301")
    dicom_series(raw / "own", 3, skip=range(2, 22), PatientID="b", StudyDate="20200301")
    cohort, _, printed = draft(raw)
    assert len(cohort["exams"]) == 1
    assert "Left out: 2 exams whose files lie among another exam's; give each exam a folder." in printed


def first_day(raw, dicom_series, folder, number=1, day="20200101", **elements):
    """Writes a whole T2 series, or with `skip` a part of one, of patient a."""
    dicom_series(raw / folder, number, PatientID="a", StudyDate=day, SeriesNumber=number, **elements)


def test_two_studies_of_one_day_are_one_exam(tmp_path, dicom_series, draft):
    raw = tmp_path / "raw"
    for folder, number, study in (("a/day1/head", 1, "1.2.3"), ("a/day1/spine", 2, "1.2.4")):
        first_day(raw, dicom_series, folder, number, StudyInstanceUID=study, skip=range(2, 22))
    first_day(raw, dicom_series, "a/day2", 3, "20200111", skip=range(2, 22))
    cohort, cohort_file, printed = draft(raw)
    found = {(session, path.relative_to(raw).as_posix()) for _, session, path in sources(cohort, cohort_file)}
    assert found == {("0000", "a/day1"), ("0010", "a/day2")}
    assert "Left out" not in printed


def test_of_exams_that_lie_scattered_the_folder_of_the_t2_is_taken(tmp_path, dicom_series, draft):
    raw = tmp_path / "raw"
    t1 = {"EchoTime": 10, "RepetitionTime": 500}
    # Two studies of one day beside an exam of another: the second study has the T2.
    first_day(raw, dicom_series, "a/study1", 1, StudyInstanceUID="1.2.3", **t1)
    first_day(raw, dicom_series, "a/study2", 2, StudyInstanceUID="1.2.4")
    first_day(raw, dicom_series, "a/study3", 3, "20200111", StudyInstanceUID="1.2.5")
    # A second patient's series in folders by kind.
    for kind, number, elements in (("T1", 4, t1), ("T2", 5, {})):
        dicom_series(raw / "bykind" / kind / "x", number, PatientID="b", StudyDate="20200101", **elements)
        dicom_series(raw / "bykind" / kind / "y", number + 10, PatientID="b", StudyDate="20200102", **elements)
    cohort, cohort_file, printed = draft(raw)
    found = {(session, path.relative_to(raw).as_posix()) for _, session, path in sources(cohort, cohort_file)}
    assert found == {("0000", "a/study2"), ("0010", "a/study3"), ("0000", "bykind/T2/x"), ("0001", "bykind/T2/y")}
    assert "Left out: 3 exams' series other than the T2, since they lie among another exam's files." in printed


def test_exams_in_archives_are_found(tmp_path, dicom_series, draft):
    raw = tmp_path / "raw"
    for folder, day in (("whole", "20200101"), ("parts/1", "20200111"), ("parts/2", "20200111")):
        first_day(tmp_path / "loose", dicom_series, folder, 1 + int(folder[-1] == "2"), day, skip=range(2, 22))
        (raw / folder).parent.mkdir(parents=True, exist_ok=True)
        shutil.make_archive(raw / folder, "zip", tmp_path / "loose" / folder)
    (raw / "broken.zip").write_bytes((raw / "whole.zip").read_bytes()[:500])
    cohort, cohort_file, printed = draft(raw)
    found = {(session, path.relative_to(raw).as_posix()) for _, session, path in sources(cohort, cohort_file)}
    assert found == {("0000", "whole.zip"), ("0010", "parts")}
    assert "Left out: 1 archives that cannot be unpacked." in printed


@pytest.mark.parametrize("dates", [{"AcquisitionDate": "20200111"}, {"SeriesDate": "20200111"}])
def test_without_a_study_date_the_acquisition_gives_the_day(tmp_path, dicom_series, draft, dates):
    first_day(tmp_path / "raw", dicom_series, "one", 1, "20200101", skip=range(2, 22), StudyInstanceUID="1.2.3")
    first_day(tmp_path / "raw", dicom_series, "two", 2, "", skip=range(2, 22), StudyInstanceUID="1.2.4", **dates)
    # What a workstation adds to a study often lacks its date.
    first_day(tmp_path / "raw", dicom_series, "one/added", 3, "", skip=range(2, 22), StudyInstanceUID="1.2.3")
    cohort, cohort_file, printed = draft(tmp_path / "raw")
    assert [(session, path.name) for _, session, path in sources(cohort, cohort_file)] == [
        ("0000", "one"),
        ("0010", "two"),
    ]
    assert "Left out" not in printed


def test_ids_that_begin_with_others_are_different_patients(tmp_path, dicom_series, draft):
    for number, patient in enumerate(("1", "10", "100", "01"), start=1):
        for day in ("20200101", f"2020020{number}"):
            folder = tmp_path / "raw" / f"{patient}" / day
            dicom_series(folder, number, skip=range(2, 22), PatientID=patient, StudyDate=day)
    cohort, cohort_file, _ = draft(tmp_path / "raw")
    assert len({row["subject"] for row in cohort["exams"]}) == len(cohort["pairs"]) == 4
    by_subject = {}
    for subject, session, path in sources(cohort, cohort_file):
        by_subject.setdefault(subject, set()).add((path.parent.name, session))
    patients = [{patient for patient, _ in exams} for exams in by_subject.values()]
    assert sorted(map(tuple, patients)) == [("01",), ("1",), ("10",), ("100",)]


def test_ids_that_begin_with_others_are_different_patients_in_a_bids_tree(tmp_path, draft):
    for patient in ("1", "10", "100", "01"):
        for day in ("20200101", "20200301"):
            empty_nifti(tmp_path / "raw" / f"sub-{patient}" / f"ses-{day}" / f"sub-{patient}_ses-{day}_T2w.nii")
    cohort, cohort_file, _ = draft(tmp_path / "raw")
    assert len({row["subject"] for row in cohort["exams"]}) == len(cohort["pairs"]) == 4
    assert len({(subject, path.parent.parent.name) for subject, _, path in sources(cohort, cohort_file)}) == 4


def test_a_bids_tree_with_two_exams_on_one_day_keeps_the_first(tmp_path, draft):
    raw = tmp_path / "raw"
    for session in ("a", "b", "c"):
        empty_nifti(raw / "sub-02" / f"ses-{session}" / "anat" / f"sub-02_ses-{session}_T2w.nii.gz")
    rows = ["ses-a\t2020-01-01T10:00:00", "ses-b\t2020-01-01T16:00:00", "ses-c\t2020-01-31T09:00:00"]
    io.write_text("\n".join(["session_id\tacq_time", *rows, ""]), raw / "sub-02" / "sub-02_sessions.tsv")
    cohort, cohort_file, printed = draft(raw)
    found = {(session, path.name) for _, session, path in sources(cohort, cohort_file)}
    assert found == {("0000", "sub-02_ses-a_T2w.nii.gz"), ("0030", "sub-02_ses-c_T2w.nii.gz")}
    assert "Left out: 1 exams of a day that has one already; the first by name was taken." in printed


def test_a_bids_tree_with_dates_as_sessions_or_in_its_tables(tmp_path, draft):
    raw = tmp_path / "raw"
    for session in ("20200101", "20200111"):
        empty_nifti(raw / "sub-01" / f"ses-{session}" / "anat" / f"sub-01_ses-{session}_T2w.nii.gz")
    for session in ("post", "pre"):
        empty_nifti(raw / "sub-02" / f"ses-{session}" / "anat" / f"sub-02_ses-{session}_run-1_T2w.nii.gz")
        empty_nifti(raw / "derivatives" / "sub-02" / f"sub-02_ses-{session}_T2w.nii.gz")
    io.write_text(
        "session_id\tacq_time\nses-pre\t2020-01-01T10:00:00\nses-post\t2020-01-31T09:00:00\n",
        raw / "sub-02" / "sub-02_sessions.tsv",
    )
    cohort, cohort_file, printed = draft(raw)
    assert cohort["layout"] == "nifti"
    found = {(session, path.name) for _, session, path in sources(cohort, cohort_file)}
    assert found == {
        ("0000", "sub-01_ses-20200101_T2w.nii.gz"),
        ("0010", "sub-01_ses-20200111_T2w.nii.gz"),
        ("0000", "sub-02_ses-pre_run-1_T2w.nii.gz"),
        ("0030", "sub-02_ses-post_run-1_T2w.nii.gz"),
    }
    assert "unknown" not in printed


def test_loose_files_are_ranked_by_name_with_a_warning(tmp_path, draft):
    for name in ("a/visit1_T2.nii", "a/visit2_T2.nii", "a/visit2_FLAIR.nii", "b/T2w.nii.gz"):
        empty_nifti(tmp_path / "raw" / name)
    cohort, cohort_file, printed = draft(tmp_path / "raw")
    found = {(session, path.name) for _, session, path in sources(cohort, cohort_file)}
    assert found == {("0000", "visit1_T2.nii"), ("0001", "visit2_T2.nii"), ("0000", "T2w.nii.gz")}
    assert len(cohort["pairs"]) == 1
    assert "The days of 3 exams are unknown" in printed


@pytest.mark.parametrize(("visits", "day"), [(("2020-01-01", "2020-01-31"), "0030"), (("visit1", "visit2"), "0001")])
def test_a_folder_a_visit_is_no_patient(tmp_path, draft, visits, day):
    for name in (f"a/{visits[0]}/T2.nii.gz", f"a/{visits[1]}/T2.nii.gz", f"b/{visits[0]}/T2.nii.gz"):
        empty_nifti(tmp_path / "raw" / name)
    cohort, cohort_file, printed = draft(tmp_path / "raw")
    found = {(session, path.parent.name, path.parent.parent.name) for _, session, path in sources(cohort, cohort_file)}
    assert found == {("0000", visits[0], "a"), (day, visits[1], "a"), ("0000", visits[0], "b")}
    assert "2 patients, 3 exams, 1 pairs" in printed and "no pair" not in printed


def test_patients_side_by_side_are_not_joined_and_the_lack_of_pairs_is_said(tmp_path, draft):
    for name in "ab":
        empty_nifti(tmp_path / "raw" / name / "T2.nii.gz")
    printed = draft(tmp_path / "raw")[2]
    assert "2 patients, 2 exams, 0 pairs" in printed and "There is no pair to compare" in printed


def test_brats_with_its_published_labels(tmp_path, draft):
    for exam in (
        "HGG/brats_tcia_pat171_0200",
        "HGG/brats_tcia_pat171_0300",
        "HGG/brats_tcia_pat171_0387",
        "LGG/brats_2013_pat0001_1",
    ):
        (tmp_path / "raw" / exam).mkdir(parents=True)
        (tmp_path / "raw" / exam / "VSD.Brain.XX.O.MR_T2.1.mha").touch()
    (tmp_path / "labels.csv").write_text(PUBLISHED)
    cohort, _, printed = draft(tmp_path / "raw", "--labels", tmp_path / "labels.csv")
    assert (cohort["layout"], cohort["role"], cohort["skull_stripped"]) == ("brats2015", "external", True)
    assert "2 patients, 4 exams, 3 pairs, 1 labels" in printed
    (label,) = cohort["labels"]
    assert (label["prior"], label["current"], label["label"]) == ("0000", "0187", "progression")
    assert find(cohort, "pairs", prior="0000", current="0187")


def test_an_existing_cohort_is_not_overwritten(hospital, draft):
    draft(hospital)
    assert "exists already" in draft(hospital, code=1)[2]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("patient,date\nDUPONT,2020\n", "needs the columns patient, prior_date"),
        (
            "patient,prior_date,current_date,reader,label\nDUPONT,2.1.20,3.1.20,CANARY,stable\n",
            "line 2, column prior_date",
        ),
        ("patient,prior_date,current_date,reader,label\nDUPONT,1,2,CANARY,worse\n", "write one of stable, progression"),
        ("sub,ses_diff,t2_label\nCANARY,x,stable\n", "unlike those published"),
    ],
)
def test_a_faulty_table_is_an_error_that_says_where_and_gives_nothing_away(hospital, tmp_path, draft, table, message):
    (tmp_path / "labels.csv").write_text(table)
    printed = draft(hospital, "--labels", tmp_path / "labels.csv", code=1)[2]
    assert message in printed
    assert "CANARY" not in printed
    assert "DUPONT" not in printed


@pytest.mark.parametrize(
    ("encoding", "found"),
    [("cp1252", 'Windows-1252 or Latin-1 ("ANSI"), from line 3 on'), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16")],
)
def test_a_table_that_is_not_utf8_is_an_error_that_says_what_it_is(hospital, tmp_path, draft, encoding, found):
    text = "patient,date,event\nDUPONT,2020-01-02,surgery\nCANARYÉ,2020-01-02,surgery\n"
    (tmp_path / "events.csv").write_bytes(text.encode(encoding))
    printed = draft(hospital, "--events", tmp_path / "events.csv", code=1)[2]
    assert f"the table of events: no UTF-8 text; it looks like {found}" in printed
    assert "Save it as UTF-8" in printed
    assert "CANARY" not in printed and "DUPONT" not in printed and str(tmp_path) not in printed


def test_a_workbook_is_no_table(hospital, tmp_path, draft):
    (tmp_path / "events.csv").write_bytes(b"PK\x03\x04" + bytes(range(256)))
    assert "it looks like a workbook" in draft(hospital, "--events", tmp_path / "events.csv", code=1)[2]


def test_a_folder_without_exams_and_a_missing_table_are_errors_without_paths(hospital, tmp_path, draft):
    (tmp_path / "CANARY").mkdir()
    printed = draft(tmp_path / "CANARY", code=1)[2] + draft(hospital, "--labels", tmp_path / "CANARY.csv", code=1)[2]
    assert "no exam was found" in printed
    assert "CANARY" not in printed


def test_a_real_patient_is_drafted(shared, draft):
    cohort, cohort_file, printed = draft(shared / "longitudinal_t2")
    assert [path.name for *_, path in sources(cohort, cohort_file)] == ["study1_T2W.nii.gz", "study2_T2W.nii.gz"]
    assert "1 patients, 2 exams, 1 pairs" in printed
