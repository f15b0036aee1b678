"""Writes the model card of an arm."""

from gliodelta.evaluation.cards import write_card
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    write_card(
        arm=snakemake.wildcards.arm,
        row=snakemake.params.row,
        cohorts=snakemake.params.cohorts,
        metrics=snakemake.input.metrics,
        lineages=snakemake.input.lineages,
        manifests=snakemake.input.manifests,
        card=snakemake.output.card,
    )
