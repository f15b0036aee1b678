"""The population study is a workflow of its own: every unit a job, and none of them a job of the demo."""

import re

from house import House

RULES = {"simulate_population", "draw_lists", "pretrain_replicate", "run_trials", "summarise_evidence"}


def jobs(house, config):
    """Returns the number of jobs of each rule that would run."""
    output = house.snakemake("--dry-run", "--quiet", "reason", config=config)
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", output, flags=re.M)}


def test_every_unit_of_the_study_is_a_job_and_the_demo_has_none(project, tmp_path):
    house = House(project, tmp_path / "house")
    found = jobs(house, "config/study.yaml")
    arms = house.rows("config/study/arms.tsv")
    transfer = sum(1 for row in arms if row["recipes"])
    # Five replicates and the test population; four levels of noise, which the baseline does without.
    assert found.pop("total") == sum(found.values())
    assert found.pop("all") == 1
    assert found == {
        "simulate_population": 6,
        "draw_lists": 20,
        "pretrain_replicate": 20 * len(house.rows("config/study/recipes.tsv")),
        "run_trials": 5 * (4 * transfer + len(arms) - transfer),
        "summarise_evidence": 1,
    }
    assert not RULES & set(jobs(house, "config/config.yaml"))
