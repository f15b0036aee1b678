"""Simulates the maps of a population of the study."""

from gliodelta.evidence.population import simulate_population
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    simulate_population(
        settings=snakemake.params.settings,
        registration_mm=snakemake.params.registration_mm,
        grid=snakemake.params.grid,
        cache=snakemake.output.cache,
        table=snakemake.output.maps,
    )
