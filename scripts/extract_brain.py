"""Writes the brain mask of an exam."""

from gliodelta.imaging.brain import extract_brain
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    extract_brain(
        image=snakemake.input.image,
        sidecar=snakemake.input.sidecar,
        engine=snakemake.params.engine,
        skull_stripped=snakemake.params.skull_stripped,
        min_ml=snakemake.params.min_ml,
        max_ml=snakemake.params.max_ml,
        mask=snakemake.output.mask,
        mask_sidecar=snakemake.output.sidecar,
    )
