"""Simulates the raw data of one patient."""

from gliodelta.logs import job_log
from gliodelta.simulation.patient import simulate_patient

with job_log(snakemake.log[0], private=True):
    simulate_patient(
        cohort_file=snakemake.params.cohort_file,
        subject=snakemake.wildcards.subject,
        folder=snakemake.output.folder,
    )
