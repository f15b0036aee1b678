"""The table of exams has a row for every exam, read or not."""

from gliodelta import io
from gliodelta.ingest.table import list_exams


def test_every_exam_of_the_sheet_has_a_row_with_its_series_or_its_reason(tmp_path, cohort):
    cohort_file = cohort(tmp_path, "dicom", {("b2", "0000"): "x", ("a1", "0010"): "y", ("a1", "0000"): "z"})
    facts = {
        "status": "included",
        "reason": "",
        "series": 7,
        "candidates": 2,
        "found": 5,
        "spacing_mm": [0.5, 0.5, 4.0],
    }
    bad = {"status": "excluded", "reason": "no T2 series among 1: 1 FLAIR"}
    contents = {"a1_ses-0000": facts, "b2_ses-0000": bad, "a1_ses-0010": {**facts, "series": None, "shape": [3, 4, 5]}}
    sidecars = [tmp_path / f"sub-{name}_T2w.json" for name in contents]
    for sidecar, document in zip(sidecars, contents.values(), strict=True):
        io.write_json(document, sidecar)
    list_exams(cohort_file, sidecars, tmp_path / "exams.tsv")
    first, *rows = (tmp_path / "exams.tsv").read_text().splitlines()
    table = [dict(zip(first.split("\t"), row.split("\t"), strict=True)) for row in rows]
    assert [(row["subject"], row["session"]) for row in table] == [("b2", "0000"), ("a1", "0010"), ("a1", "0000")]
    assert (table[0]["status"], table[0]["reason"], table[0]["series"]) == ("excluded", bad["reason"], "n/a")
    assert (table[1]["series"], table[1]["shape"]) == ("n/a", "3 x 4 x 5")
    assert (table[2]["series"], table[2]["candidates"], table[2]["spacing_mm"]) == ("7", "2", "0.5 x 0.5 x 4")
