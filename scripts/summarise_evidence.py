"""Compares the arms of the study with its baseline."""

from gliodelta.evidence.summary import summarise
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    summarise(
        trials=snakemake.input.trials,
        test=snakemake.input.test,
        baseline=snakemake.params.baseline,
        table=snakemake.output.table,
        figure=snakemake.output.figure,
    )
