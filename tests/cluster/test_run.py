"""The whole study on a real Slurm, by `snakemake --profile slurm`."""

import math
import re
import shutil
from collections import Counter
from pathlib import Path

import pydicom
import pytest
from house import House
from running import jobs_of, rule_of

from gliodelta import io

# Optuna's journal says when each trial began and which worker took it, and its plots show trials in the order in which
# two workers took them; what came of them, trials.tsv, is the same.
BY_ARRIVAL = {"journal.log", "optuna.png"}


@pytest.fixture(scope="module")
def jobs(site):
    """The Slurm jobs of the run, those that were sent again left out."""
    return [job for job in jobs_of(site) if job["JobState"] == "COMPLETED"]


@pytest.fixture(scope="module")
def planned(site):
    """Number of jobs by rule, as Snakemake announced them."""
    table = site.console[site.console.index("Job stats:") :].splitlines()[3:]
    return Counter({name: int(count) for name, count in map(str.split, table[: table.index("")]) if name != "total"})


@pytest.fixture(scope="module")
def light(site):
    """The rules of a second or less, which no queue is worth waiting in: those that their files declare local."""
    files = [site.folder / "Snakefile", *(site.folder / "workflow/rules").glob("*.smk")]
    lists = re.findall(r"^localrules:\n((?: +\w+,\n)+)", "\n".join(map(Path.read_text, files)), re.M)
    return set(re.findall(r"\w+", " ".join(lists)))


@pytest.fixture(scope="module")
def groups(site):
    """Name of the group of each grouped rule, and the number of exams, pairs or patients in one."""
    profile = io.read_yaml(site.folder / "profiles/slurm/config.yaml")
    return profile["groups"], profile["group-components"]


def test_every_job_of_a_rule_that_is_not_local_went_through_slurm(site, jobs, planned, light, groups):
    ran_here = set(re.findall(r"^localrule (\w+):", site.console, re.M))
    assert ran_here == light & set(planned)
    sent = Counter(rule_of(job) for job in jobs)
    alone = {rule: count for rule, count in planned.items() if rule not in light | set(groups[0])}
    assert {rule: count for rule, count in sent.items() if rule in planned} == alone


def test_imaging_was_grouped(jobs, planned, groups):
    members, sizes = groups
    # A group holds an exam's or a pair's jobs of all its rules; this study has no maps to adopt.
    most = {group: max(planned[rule] for rule in members if members[rule] == group) for group in sizes}
    wanted = {group: math.ceil(most[group] / sizes[group]) for group in sizes}
    sent = Counter(rule_of(job).split("_")[0] for job in jobs if rule_of(job) not in planned)
    assert sent == wanted
    # The members run one after another, so that a group needs what one of them needs.
    assert {job["NumCPUs"] for job in jobs if rule_of(job) not in planned} == {"1"}


def test_rules_that_train_and_only_they_had_one_gpu_in_the_gpu_partition(site, jobs):
    announced = re.findall(r"^ *rule (\w+):\n((?: +\w+: .*\n)+)", site.console, re.M)
    training = {rule for rule, words in announced if re.search(r"resources: .*\bgpu=1\b", words)}
    assert {"pretrain_encoder", "tune_worker", "train_fold", "predict_external"} <= training
    assert {rule_of(job) for job in jobs if job["Partition"] == "gpu"} == training
    assert {(job["Partition"], job.get("TresPerJob")) for job in jobs} == {("gpu", "gres:gpu:1"), ("cpu", None)}


def test_comments_and_log_names_hold_pseudonyms_only(site, jobs):
    words = {"SIMULATED", "Simulated Hospital"}
    for file in (site.folder / "results/simulation/home").rglob("*.dcm"):
        header = pydicom.dcmread(file, stop_before_pixels=True)
        words |= {header.PatientID, header.AccessionNumber, header.StudyDate, header.PatientBirthDate}
    assert len(words) > 8
    logs = [str(path.relative_to(site.folder)) for path in (site.folder / "logs").rglob("*")]
    seen = "\n".join([*logs, *(job["Comment"] for job in jobs), site.console])
    assert [word for word in words if word in seen] == []


def test_nothing_is_written_outside_of_results_logs_benchmarks_and_scratch(site, project):
    given = {".home", *(path.name for path in site.folder.iterdir() if (project / path.name).exists())}
    written = {path.name for path in site.folder.iterdir()} - given
    assert written <= {"results", "logs", "benchmarks", "scratch", ".snakemake", "report.html"}


@pytest.fixture(scope="module")
def local(project, site, tmp_path_factory):
    """The same study run on this machine without Slurm."""
    house = House(project, tmp_path_factory.mktemp("local"))
    shutil.copytree(site.folder / "config", house.folder / "config", dirs_exist_ok=True)
    house.snakemake()
    return house


def contents(house):
    """The bytes of each result by its path."""
    files = [path for path in (house.folder / "results").rglob("*") if path.is_file() and path.name not in BY_ARRIVAL]
    return {str(path.relative_to(house.folder)): path.read_bytes() for path in files}


def test_a_local_run_gives_the_same_bytes(site, local):
    ours, theirs = contents(site), contents(local)
    assert ours.keys() == theirs.keys()
    for kind in ("diff.nii.gz", "weak.tsv", "train.tsv", "trials.tsv", "predictions.tsv", "model.safetensors"):
        assert any(name.endswith(kind) for name in ours), kind
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_a_second_run_finds_nothing_to_do(site):
    assert "Nothing to be done" in site.cluster()


def test_words_that_a_site_did_not_replace_are_refused_by_name(project, site, tmp_path):
    place = site.copy(tmp_path / "site")
    table, profile = place.folder / "results/evaluation/comparators.tsv", place.folder / "profiles/slurm/config.yaml"
    table.unlink()
    shutil.copy2(project / "profiles/slurm/config.yaml", profile)
    try_once = ("--retries", "0", "--", str(table.relative_to(place.folder)))
    assert "SITE-account" in place.cluster(*try_once, check=False)
    with place.edited("profiles/slurm/config.yaml", "  slurm_account: SITE-account\n", ""):
        assert "SITE-cpu-partition" in place.cluster(*try_once, check=False)
    assert not table.exists()


def test_the_report_builds(site):
    site.cluster("--report", "report.html")
    page = (site.folder / "report.html").read_text(encoding="utf-8")
    assert all(arm in page for arm in ("vgg-baseline", "vgg-transfer")) and "overview" in page
