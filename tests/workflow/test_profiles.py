"""Profiles: the cluster's rules are those that train, and nothing about machines stands outside of them."""

import math
import re
import subprocess
import sys

from gliodelta import io

WITH_GPU = {"pretrain_encoder", "tune_worker", "train_fold", "predict_external", "show_examples"}


def test_keys_of_the_profiles_are_disjoint(project):
    # The default profile is always loaded and would win.
    default, slurm = (io.read_yaml(project / "profiles" / name / "config.yaml") for name in ("default", "slurm"))
    assert not set(default) & set(slurm)


def rules(project):
    """Yields (name, declaration) of every rule."""
    text = "\n".join(file.read_text() for file in sorted((project / "workflow/rules").glob("*.smk")))
    parts = re.split(r"^rule (\w+):\n", text, flags=re.M)
    yield from zip(parts[1::2], parts[2::2], strict=True)


def test_the_slurm_profile_sends_the_training_rules_to_gpus(project):
    slurm = io.read_yaml(project / "profiles/slurm/config.yaml")
    on_gpus = {name for name, words in slurm["set-resources"].items() if "gpu" in words.get("slurm_partition", "")}
    assert on_gpus == WITH_GPU
    assert {name for name, body in rules(project) if "gpu=" in body} == WITH_GPU


def test_imaging_is_at_most_one_slurm_job_for_twenty_exams_and_pairs(project):
    slurm = io.read_yaml(project / "profiles/slurm/config.yaml")
    # A rule of one exam or one pair has it in the name of its log.
    single = {name for name, body in rules(project) if re.search(r'"<logs>/.*({session}|{current}).*\.log"', body)}
    assert {"convert_exam", "extract_brain", "correct_bias", "register_pair", "map_difference"} <= single
    per_unit = {slurm["groups"].get(name, name) for name in single}
    exams, pairs = 12_500, 10_000
    units = {"exams": exams, "pairs": pairs}
    jobs = sum(math.ceil(units[name] / slurm["group-components"][name]) for name in per_unit)
    assert jobs <= (exams + pairs) / 20


def test_jobs_that_resume_and_only_they_ask_for_the_same_when_tried_again(project):
    slurm = io.read_yaml(project / "profiles/slurm/config.yaml")
    resume = {name: "deadline=deadline" in body for name, body in rules(project)}
    assert all(resume[rule] for rule in ("pretrain_encoder", "tune_worker", "train_fold", "run_trials"))
    for rule in resume:
        asked = slurm["default-resources"] | slurm["set-resources"].get(rule, {})
        if resume[rule]:
            # More than the five minutes that a training leaves at the end.
            assert isinstance(asked["mem_mb"], int) and asked["runtime"] > 5, rule
        else:
            assert "attempt" in asked["mem_mb"] and "attempt" in asked["runtime"], rule


def test_words_that_a_site_must_replace_are_no_words_that_a_site_has(project):
    # Slurm refuses an unknown partition or account and names it; a plausible default would run somewhere unasked.
    slurm = io.read_yaml(project / "profiles/slurm/config.yaml")
    blocks = [slurm["default-resources"], *slurm["set-resources"].values()]
    named = [block[word] for block in blocks for word in ("slurm_partition", "slurm_account") if word in block]
    assert named and all(word.startswith("SITE-") for word in named)


def test_a_group_fits_on_a_node(project):
    # Without a limit, the CPUs of a group's members add up to one for each: no node has 40.
    slurm = io.read_yaml(project / "profiles/slurm/config.yaml")
    assert slurm["cores"] <= 4
    grouped = {slurm["set-resources"][rule]["runtime"] for rule in slurm["groups"]}
    assert grouped == {"attempt * 2"}, "the minutes of a group's members add up, too"


def test_a_dry_run_with_the_slurm_profile_works(project):
    command = [sys.executable, "-m", "snakemake", "--profile", "profiles/slurm", "--dry-run", "--quiet", "reason"]
    done = subprocess.run(command, cwd=project, text=True, capture_output=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]


def test_rules_name_no_machine(project):
    machines = re.compile(r"partition|account|retries|mem_mb|runtime ?=")
    for file in (project / "workflow/rules").glob("*.smk"):
        assert not machines.search(file.read_text(encoding="utf-8")), file.name
