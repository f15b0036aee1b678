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
        development=snakemake.params.development,
        settings=snakemake.params.settings,
        tables={name: snakemake.output[name] for name in ("summary", "comparisons")},
        pictures={name: snakemake.output[name] for name in ("roc", "precision_recall", "auc")},
    )
