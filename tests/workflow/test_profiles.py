"""Profiles: the cluster's rules are those that train, and nothing about machines stands outside of them."""

import re
import subprocess
import sys

from gliodelta import io

WITH_GPU = {"pretrain_encoder", "tune_worker", "train_fold", "predict_external", "show_examples"}


def test_keys_of_the_profiles_are_disjoint(project):
    # The default profile is always loaded and would win.
    default, slurm = (io.read_yaml(project / "profiles" / name / "config.yaml") for name in ("default", "slurm"))
    assert not set(default) & set(slurm)


def test_the_slurm_profile_sends_the_training_rules_to_gpus(project):
    slurm = io.read_yaml(project / "profiles/slurm/config.yaml")
    on_gpus = {name for name, words in slurm["set-resources"].items() if "gpu" in words.get("slurm_partition", "")}
    assert on_gpus == WITH_GPU
    text = "\n".join(file.read_text() for file in sorted((project / "workflow/rules").glob("*.smk")))
    rules = re.split(r"^rule (\w+):\n", text, flags=re.M)
    with_gpu = {name for name, body in zip(rules[1::2], rules[2::2], strict=True) if "gpu=" in body}
    assert with_gpu == WITH_GPU


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
    for file in (project / "workflow/rules").glob("*.smk"):
        assert not re.search(r"partition|account|retries|mem_mb|runtime", file.read_text(encoding="utf-8")), file.name
