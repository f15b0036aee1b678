"""A hospital's raw data, drafted and run to the report: bad exams stop nobody, and no name comes out."""

import base64
import re

import hospital as raw_data
import pytest

pytestmark = pytest.mark.slow

EXAMS = "results/ingest/hospital/exams.tsv"
REASONS = {"unreadable": "read", "missing": "missing|not there|no such|not found", "ambiguous": "ambiguous|equally"}


def test_every_bad_exam_is_named_with_its_reason(hospital):
    exams = {(row["subject"], row["session"]): row for row in hospital.rows(EXAMS)}
    assert len(exams) == 36
    excluded = {key: row["reason"] for key, row in exams.items() if row["status"] == "excluded"}
    assert set(excluded) == set(hospital.bad.values())
    for fault, exam in hospital.bad.items():
        assert any(word in excluded[exam] for word in REASONS[fault].split("|")), (fault, excluded[exam])


def test_pairs_that_need_a_bad_exam_are_excluded_with_its_reason_and_the_others_are_not(hospital):
    exams = {(row["subject"], row["session"]): row["reason"] for row in hospital.rows(EXAMS)}
    maps = hospital.rows("results/imaging/hospital/maps.tsv")
    assert len(maps) == 24
    for row in maps:
        needed = {(row["subject"], row["prior"]), (row["subject"], row["current"])} & set(hospital.bad.values())
        if needed:
            assert row["include"] == "no" and row["reason"] in {exams[exam] for exam in needed}
    assert sum(row["include"] == "yes" for row in maps) >= 15


def test_everything_downstream_ran(hospital):
    summary = hospital.rows("results/evaluation/summary.tsv")
    assert {"vgg-baseline", "vgg-transfer"} <= {row["arm"] for row in summary}
    assert {"hospital", "minibrats"} <= {row["cohort"] for row in summary}
    bad = {f"{subject}/{session}" for subject, session in hospital.bad.values()}
    for arm in ("vgg-baseline", "vgg-transfer"):
        rows = hospital.rows(f"results/transfer/{arm}/repeat-1/fold-1/inner-1/predictions.tsv")
        assert rows
        assert not bad & {f"{row['subject']}/{row[exam]}" for row in rows for exam in ("prior", "current")}


def test_a_second_run_finds_nothing_to_do(hospital):
    assert hospital.pending() == {}


@pytest.mark.parametrize("where", raw_data.CANARIES)
def test_no_canary_is_in_any_output_log_console_metadata_or_report(written, where):
    word = raw_data.CANARIES[where].encode()
    assert [name for name, data in written if word.lower() in data.lower()] == []


def test_no_raw_path_is_in_any_output(written, hospital):
    # A zipped report keeps its own files in data/raw.
    raw = re.compile(rb"visit 0|(?<!data)/raw/")
    assert [name for name, data in written if raw.search(data)] == []


def test_snakemake_metadata_hides_no_canary_behind_base64(hospital):
    # Snakemake names its records by the base64 of the output's path.
    for record in (hospital.folder / ".snakemake" / "metadata").rglob("*"):
        if record.is_file():
            name = base64.b64decode(record.name.encode() + b"==", validate=False).decode(errors="replace")
            assert not any(word.lower() in name.lower() for word in raw_data.CANARIES.values())


def test_no_tuning_or_pretraining_job_sees_an_outer_test_list(hospital):
    dag = hospital.snakemake("--forceall", "--dry-run")
    # Snakemake begins each job with the date in brackets.
    jobs = [job for job in re.split(r"^\[\w{3} ", dag, flags=re.M) if re.search(r"rule (tune_|pretrain_encoder)", job)]
    assert len(jobs) > 4
    assert not [job for job in jobs if "test.tsv" in job]
