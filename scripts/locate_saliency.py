"""Measures how much of the arms' saliency lies inside the true change of simulated patients."""

from gliodelta.evaluation.location import locate_saliency
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    locate_saliency(
        cohort=snakemake.params.cohort[0],
        looked=snakemake.input.looked,
        saliency=snakemake.input.saliency,
        arms=snakemake.params.arms,
        grids=snakemake.params.grids,
        results=snakemake.params.results,
        table=snakemake.output.table,
    )
