"""The table of exams has a row for every exam, read or not."""

from pathlib import Path

import pytest

from gliodelta import io
from gliodelta.ingest.convert import convert_exam
from gliodelta.ingest.table import list_exams


def test_every_exam_of_the_sheet_has_a_row_with_its_series_or_its_reason(tmp_path, cohort):
    cohort_file = cohort(tmp_path, "dicom", {("b2", "0000"): "x", ("a1", "0010"): "y", ("a1", "0000"): "z"})
    facts = {
        "status": "included",
        "reason": "",
        "series": 7,
        "candidates": 2,
        "why": "best of 2 T2. Not taken: series 3: FLAIR (TI 2500 ms)",
        "found": 5,
        "spacing_mm": [0.5, 0.5, 4.0],
        "voxels_digest": "0123456789abcdef",
    }
    bad = {"status": "excluded", "reason": "no T2 series among 1: 1 FLAIR"}
    contents = {"a1_ses-0000": facts, "b2_ses-0000": bad, "a1_ses-0010": {**facts, "series": None, "shape": [3, 4, 5]}}
    sidecars = [tmp_path / f"sub-{name}_T2w.json" for name in contents]
    for sidecar, document in zip(sidecars, contents.values(), strict=True):
        io.write_json(document, sidecar)
    list_exams(cohort_file, sidecars, tmp_path / "exams.tsv", tmp_path / "summary.tsv")
    first, *rows = (tmp_path / "exams.tsv").read_text().splitlines()
    table = [dict(zip(first.split("\t"), row.split("\t"), strict=True)) for row in rows]
    assert [(row["subject"], row["session"]) for row in table] == [("b2", "0000"), ("a1", "0010"), ("a1", "0000")]
    assert (table[0]["status"], table[0]["reason"], table[0]["series"]) == ("excluded", bad["reason"], "n/a")
    assert (table[1]["series"], table[1]["shape"]) == ("n/a", "3 x 4 x 5")
    assert (table[2]["series"], table[2]["candidates"], table[2]["spacing_mm"]) == ("7", "2", "0.5 x 0.5 x 4")
    assert table[2]["why"] == facts["why"]
    assert [row["voxels_digest"] for row in table] == ["n/a", facts["voxels_digest"], facts["voxels_digest"]]


def test_exams_are_counted_by_status_and_reason_with_the_range_of_its_numbers(tmp_path, cohort):
    reasons = [
        "",
        "no T2 series among 5: 4 T1, 1 FLAIR",
        "",
        "no T2 series among 12: 12 localiser",
        "the image covers 60.5 x 200 x 200 mm, less than a head in one direction",
        "doubtful (no echo time), and the image does not show a head",
        "",
    ]
    cohort_file = cohort(tmp_path, "dicom", {("a1", str(session)): "x" for session in range(len(reasons))})
    sidecars = [tmp_path / f"sub-a1_ses-{session}_T2w.json" for session in range(len(reasons))]
    for sidecar, reason in zip(sidecars, reasons, strict=True):
        io.write_json({"status": "excluded" if reason else "included", "reason": reason}, sidecar)
    list_exams(cohort_file, sidecars, tmp_path / "exams.tsv", tmp_path / "summary.tsv")
    found = [tuple(row) for row in io.read_table(tmp_path / "summary.tsv").round(3).itertuples(index=False)]
    assert found == [
        ("included", "", 3, 0.429),
        ("excluded", "no T2 series among 5 to 12", 2, 0.286),
        ("excluded", "doubtful, and the image does not show a head", 1, 0.143),
        ("excluded", "the image covers 60.5 x 200 x 200 mm, less than a head in one direction", 1, 0.143),
    ]


def test_a_cohort_without_exams_has_empty_tables(tmp_path, cohort):
    list_exams(cohort(tmp_path, "dicom", {}), [], tmp_path / "exams.tsv", tmp_path / "summary.tsv")
    assert (tmp_path / "summary.tsv").read_text() == "status\treason\texams\tshare\n"


@pytest.mark.parametrize(("modality", "status"), [("T2w", "included"), ("", "included"), ("FLAIR", "excluded")])
def test_only_rows_of_t2w_are_converted_and_others_are_listed_as_excluded(
    tmp_path, cohort, nifti, voxels, modality, status
):
    source = nifti(tmp_path / "x.nii", voxels)
    cohort_file = cohort(tmp_path, "nifti", {("a1", "0"): source})
    sheet = Path(cohort_file).with_suffix("") / "exams.tsv"
    io.write_text(f"subject\tsession\tsource\tmodality\na1\t0\t{source}\t{modality}\n", sheet)
    sidecar = tmp_path / "sub-a1_ses-0_T2w.json"
    convert_exam(cohort_file, "a1", "0", "", tmp_path / "image.nii.gz", sidecar)
    list_exams(cohort_file, [sidecar], tmp_path / "exams.tsv", tmp_path / "summary.tsv")
    row = io.read_table(tmp_path / "exams.tsv").iloc[0]
    assert row["status"] == status
    assert ("another modality than T2w" in row["reason"]) == (status == "excluded")
