"""Compares weak labels with the readers, and the readers with each other."""

from gliodelta.labels.score import score_labels
from gliodelta.logs import job_log

with job_log(snakemake.log[0], private=True):
    score_labels(
        votes=snakemake.input.votes,
        calibrations=snakemake.input.calibrations,
        labels_sheet=snakemake.input.labels,
        models=snakemake.params.models,
        bootstraps=snakemake.params.bootstraps,
        seed=snakemake.params.seed,
        table=snakemake.output.table,
        human=snakemake.output.human,
        picture=snakemake.output.picture,
    )
