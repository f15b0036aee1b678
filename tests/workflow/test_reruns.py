"""Partial reruns of changed steps: exactly what a change touches runs again."""

import os

import pytest

pytestmark = pytest.mark.slow

PACKAGE = "workflow/src/gliodelta"
STAGES = {
    "simulation": {"simulate_patient", "show_population"},
    "ingest": {"convert_exam", "list_exams"},
    "imaging": {"extract_brain", "correct_bias", "register_pair", "map_difference", "screen_maps", "sample_maps"},
    "splits": {"split_patients"},
    "labels": {"extract_reports", "calibrate_labels", "score_labels"},
    "manifests": {"build_manifest", "count_pairs"},
    "pretraining": {"pretrain_encoder"},
    "tuning": {"tune_study", "tune_worker", "select_trial"},
    "transfer": {"train_fold"},
    "external": {"predict_external", "score_external"},
    "evaluation": {
        "fit_comparators",
        "evaluate_arms",
        "check_simulation",
        "show_examples",
        "locate_saliency",
        "describe_study",
        "write_card",
        "record_provenance",
    },
}


def stages(jobs):
    """Names of the stages that `jobs` (Counter by rule) belong to."""
    return {stage for stage, rules in STAGES.items() if rules & set(jobs)}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("imaging/register.py", "\n\n\ndef ", "\n\n\n# A comment.\ndef "),
        ("imaging/register.py", '"""', '"""Edited: '),
        ("labels/extract.py", '"""', '"""Edited: '),
        ("training/loop.py", '"""', '"""Edited: '),
    ],
)
def test_comments_and_docstrings_rerun_nothing(hospital, file, old, new):
    with hospital.edited(f"{PACKAGE}/{file}", old, new):
        assert hospital.pending() == {}


def test_touching_a_script_reruns_nothing(hospital):
    script = hospital.folder / "scripts" / "register_pair.py"
    before = script.stat()
    os.utime(script)
    assert hospital.pending() == {}
    os.utime(script, ns=(before.st_atime_ns, before.st_mtime_ns))


def add_logic(hospital, file):
    """A context in which a module has one statement more."""
    return hospital.edited(f"{PACKAGE}/{file}", "\n\n\ndef ", "\n\n\n_ADDED = 1\n\n\ndef ")


def test_a_logic_edit_reruns_its_stage_from_there_on(hospital):
    with add_logic(hospital, "imaging/register.py"):
        jobs = hospital.pending()
    assert jobs["register_pair"] == len(hospital.rows("config/cohorts/hospital/pairs.tsv")) + 3
    assert not {"convert_exam", "extract_brain", "correct_bias", "extract_reports", "split_patients"} & set(jobs)
    assert {"map_difference", "screen_maps", "build_manifest", "train_fold", "evaluate_arms"} <= set(jobs)


def test_what_a_job_made_that_outlived_snakemake_follows_later_changes(hospital):
    # Such a job leaves its results, and no record of what they were made by.
    results = hospital.folder / "results"
    pair = next(results.glob("imaging/*/*/pair-*"))
    outputs = [str(path.relative_to(hospital.folder)) for path in pair.glob("*_xfm.*")]
    with add_logic(hospital, "imaging/register.py"):
        all_pairs = hospital.pending()["register_pair"]
    hospital.snakemake("--cleanup-metadata", *outputs)
    (results / "manifests/counts.tsv").unlink()
    assert "register_pair" not in hospital.snakemake()
    with add_logic(hospital, "imaging/register.py"):
        assert hospital.pending()["register_pair"] == all_pairs


def test_a_logic_edit_of_the_evaluation_reruns_nothing_else(hospital):
    with add_logic(hospital, "evaluation/arms.py"):
        assert stages(hospital.pending()) == {"evaluation"}


def test_a_logic_edit_of_the_statistics_reruns_what_scores_and_no_training(hospital):
    with add_logic(hospital, "statistics/metrics.py"):
        jobs = hospital.pending()
    assert {"score_labels", "score_external", "evaluate_arms"} <= set(jobs)
    assert stages(jobs) == {"labels", "external", "evaluation"}
    assert not {"calibrate_labels", "predict_external"} & set(jobs)


def test_an_unused_encoder_reruns_nothing_and_a_used_one_its_arms(hospital):
    with add_logic(hospital, "training/encoders/seresnext.py"):
        assert hospital.pending() == {}
    with add_logic(hospital, "training/encoders/vgg.py"):
        assert stages(hospital.pending()) == {"pretraining", "tuning", "transfer", "external", "evaluation"}


def test_a_label_rule_reruns_labels_and_no_imaging(hospital):
    rules = hospital.folder / PACKAGE / "labels/rules/fr.yaml"
    text = rules.read_text(encoding="utf-8")
    first = next(line for line in text.splitlines() if line.lstrip().startswith("- "))
    # A comment is no rule, but the file is data: its bytes count.
    with hospital.edited(f"{PACKAGE}/labels/rules/fr.yaml", first, f"# A comment.\n{first}"):
        jobs = hospital.pending()
    assert "extract_reports" in jobs
    assert stages(jobs) == {"labels", "manifests", "pretraining", "tuning", "transfer", "external", "evaluation"}


def test_the_label_cut_reruns_what_uses_it_and_no_imaging(hospital):
    with hospital.edited("config/recipes.tsv", "0.82", "0.80"):
        jobs = hospital.pending()
    # One of two recipes, in two folds of one inner split; the arm that chooses from it, not the baseline.
    assert jobs["pretrain_encoder"] == 2
    assert jobs["train_fold"] == 2
    assert stages(jobs) == {"pretraining", "tuning", "transfer", "external", "evaluation"}


def test_a_human_label_reruns_no_imaging(hospital):
    row = hospital.rows("config/cohorts/hospital/labels.tsv")[0]
    old = "\t".join(row[name] for name in row)
    other = "stable" if row["label"] != "stable" else "progression"
    with hospital.edited("config/cohorts/hospital/labels.tsv", old, old.replace(row["label"], other)):
        jobs = hospital.pending()
    assert "split_patients" in jobs
    assert not stages(jobs) & {"simulation", "ingest", "imaging"}


def test_without_its_external_cohort_a_study_is_only_evaluated_anew(hospital):
    with hospital.edited("config/house.yaml", "- minibrats\n", ""):
        assert stages(hospital.pending()) == {"evaluation"}


def test_a_new_session_reruns_that_subject_only(hospital):
    folder = "config/cohorts/hospital"
    exams, pair = hospital.rows(f"{folder}/exams.tsv"), hospital.rows(f"{folder}/pairs.tsv")[0]
    subject = exams[0]["subject"]
    last = max((row["session"] for row in exams if row["subject"] == subject), key=int)
    new_exam = "\t".join({**exams[0], "session": "9999"}.values())
    new_pair = "\t".join({**pair, "subject": subject, "prior": last, "current": "9999"}.values())
    first_exam, first_pair = "\t".join(exams[0].values()), "\t".join(pair.values())
    with (
        hospital.edited(f"{folder}/exams.tsv", first_exam, f"{first_exam}\n{new_exam}"),
        hospital.edited(f"{folder}/pairs.tsv", first_pair, f"{first_pair}\n{new_pair}"),
    ):
        jobs = hospital.pending()
    assert [jobs[rule] for rule in ("convert_exam", "extract_brain", "correct_bias")] == [1, 1, 1]
    assert [jobs[rule] for rule in ("register_pair", "map_difference")] == [1, 1]
    assert {"list_exams", "screen_maps", "build_manifest", "evaluate_arms"} <= set(jobs)
    assert jobs["split_patients"] == 0


def test_a_registration_parameter_reruns_imaging_from_there(hospital):
    jobs = hospital.pending("--config", 'imaging={"registration": "ants"}')
    assert jobs["register_pair"] == len(hospital.rows("config/cohorts/hospital/pairs.tsv")) + 3
    assert jobs["correct_bias"] == 0


def test_another_normalisation_registers_nothing_again(hospital):
    jobs = hospital.pending("--config", 'imaging={"normalisation": "zscore"}')
    assert jobs["map_difference"] == len(hospital.rows("config/cohorts/hospital/pairs.tsv")) + 3
    assert jobs["register_pair"] == 0
