"""Trains the trivial comparators on every split and predicts with them."""

from gliodelta.evaluation.comparators import fit_comparators
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    fit_comparators(
        folds=snakemake.input.folds,
        cohorts=snakemake.params.cohorts,
        maps=snakemake.input.maps,
        labels=snakemake.input.labels,
        table=snakemake.output.table,
        picture=snakemake.output.picture,
    )
