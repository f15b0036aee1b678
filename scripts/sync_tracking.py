"""Sends the trainings' offline runs to Weights & Biases."""

from gliodelta.logs import job_log
from gliodelta.training.sync import sync_runs

with job_log(snakemake.log[0]):
    sync_runs(scratch=snakemake.params.scratch, mode=snakemake.params.tracking["mode"], table=snakemake.output.runs)
