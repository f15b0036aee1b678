"""Scores all arms and comparators and compares them."""

from gliodelta.evaluation.arms import evaluate_arms
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    evaluate_arms(
        predictions=snakemake.input.predictions,
        lineages=snakemake.input.lineages,
        external=snakemake.input.external,
        comparators=snakemake.input.comparators,
        folds=snakemake.input.folds,
        arms_sheet=snakemake.input.arms,
        cohorts=snakemake.params.cohorts,
        facts={name: snakemake.input[name] for name in ("maps", "exams", "labels", "votes")},
        settings=snakemake.params.settings,
        outputs=dict(snakemake.output.items()),
    )
