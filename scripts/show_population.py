"""Draws a simulated cohort: true tumour volumes, and views of some patients."""

from gliodelta.logs import job_log
from gliodelta.simulation.population import show_population

with job_log(snakemake.log[0], private=True):
    show_population(folders=snakemake.input.subjects, picture=snakemake.output.picture)
