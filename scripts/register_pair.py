"""Brings the prior exam of a pair onto the current exam's grid."""

from gliodelta.imaging.register import register_pair
from gliodelta.logs import job_log

files = snakemake.input
with job_log(snakemake.log[0]):
    register_pair(
        pair=snakemake.wildcards.pair,
        prior={"image": files.prior, "mask": files.prior_mask, "sidecar": files.prior_sidecar},
        current={"image": files.current, "mask": files.current_mask, "sidecar": files.current_sidecar},
        engine=snakemake.params.engine,
        transform=snakemake.output.transform,
        registered=snakemake.output.image,
        sidecar=snakemake.output.sidecar,
    )
