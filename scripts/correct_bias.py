"""Removes the coil's bias field from an exam."""

from gliodelta.imaging.bias import correct_bias
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    correct_bias(
        image=snakemake.input.image,
        mask=snakemake.input.mask,
        mask_sidecar=snakemake.input.mask_sidecar,
        engine=snakemake.params.engine,
        deface=snakemake.params.deface,
        corrected=snakemake.output.image,
        corrected_sidecar=snakemake.output.sidecar,
    )
