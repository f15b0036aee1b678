"""Brings the included pairs of a cohort to a training grid, in one file."""

from gliodelta.imaging.sample import sample_maps
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    sample_maps(
        maps_table=snakemake.input.maps,
        images=snakemake.input.pairs,
        **snakemake.params.grid,
        cache=snakemake.output.cache,
        checksum=snakemake.output.checksum,
    )
