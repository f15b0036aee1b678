"""Compares what the stages found in the simulated cohorts with the truth."""

from gliodelta.evaluation.simulation import check_simulation
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    check_simulation(
        cohort_files=snakemake.params.cohort_files,
        labels=snakemake.input.labels,
        results=snakemake.params.results,
        table=snakemake.output.table,
        picture=snakemake.output.picture,
    )
