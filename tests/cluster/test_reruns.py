"""Partial reruns of changed steps, on the cluster: what the README's table says runs, and nothing else."""

import re
from collections import Counter

import pytest
from running import jobs_of, rule_of

# The stages in the order of the flow; "what follows" is everything to the right that comes of it.
FLOW = ("imaging", "manifests", "pretraining", "tuning", "transfer", "external", "evaluation")
FOLDS, WORKERS = 2, 2


@pytest.fixture(scope="module")
def stage_of(project):
    """The stage of each rule: the name of its file."""
    files = (project / "workflow/rules").glob("*.smk")
    return {rule: file.stem for file in files for rule in re.findall(r"^rule (\w+):", file.read_text(), re.M)}


@pytest.fixture(scope="module")
def promised(project):
    """A function of the first words of a row of the README's table; returns the stages that the row says run again."""
    rows = dict(re.findall(r"^\| (.+?) \| (.+?) \|$", (project / "README.md").read_text(encoding="utf-8"), re.M))

    def stages(change):
        text = next(answer for changed, answer in rows.items() if changed.startswith(change))
        named = [stage for stage in FLOW if stage in text.split("no imaging")[0]]
        return set(FLOW[FLOW.index(named[-1]) :]) | set(named) if "what follows" in text else set(named)

    return stages


def planned(site):
    """Number of jobs by rule that the cluster would run."""
    console = site.cluster("--dry-run", "--quiet", "reason")
    rows = console[console.index("Job stats:") :].splitlines()[3:]
    return Counter({rule: int(count) for rule, count in map(str.split, rows[: rows.index("")])})


def stages(jobs, stage_of):
    # describe_dataset stands with ingest, and writes down the settings of imaging, too.
    return {stage_of[rule] for rule in jobs if rule in stage_of and rule != "describe_dataset"}


def test_a_registration_parameter_reruns_every_pair_and_what_follows(site, promised, stage_of):
    with site.edited("config/house.yaml", "cohorts:", "imaging: {min_similarity: 0.5}\ncohorts:"):
        jobs = planned(site)
    pairs = sum(len(site.rows(f"config/cohorts/{cohort}/pairs.tsv")) for cohort in ("home", "away"))
    assert jobs["register_pair"] == jobs["map_difference"] == pairs
    assert not {"convert_exam", "extract_brain", "correct_bias"} & set(jobs)
    assert stages(jobs, stage_of) == promised("the registration")


def test_one_arm_reruns_that_arm_and_no_other(site, promised, stage_of):
    with site.edited("config/arms.tsv", "1e-3,1e-4", "1e-3"):
        jobs = planned(site)
    assert (jobs["tune_study"], jobs["tune_worker"], jobs["train_fold"]) == (FOLDS, FOLDS * WORKERS, FOLDS)
    assert stages(jobs, stage_of) == promised("a row of `arms.tsv`")


def test_the_label_threshold_reruns_one_recipe_and_its_arm_in_slurm(site, promised, stage_of, tmp_path):
    # In a copy: other tests look at the site as it is.
    site = site.copy(tmp_path)
    with site.edited("config/recipes.tsv", "0.38", "0.5"):
        jobs = planned(site)
        console = site.cluster()
        assert "Nothing to be done" in site.cluster("--dry-run")
    assert jobs["pretrain_encoder"] == jobs["train_fold"] == FOLDS
    assert jobs["tune_worker"] == FOLDS * WORKERS
    assert stages(jobs, stage_of) == promised("`cut` in `recipes.tsv`")
    sent = Counter(rule_of(job) for job in jobs_of(site))
    assert sent == {rule: count for rule, count in jobs.items() if f"\nrule {rule}:" in console}
