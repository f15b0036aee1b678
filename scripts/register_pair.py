"""Finds the transform between the two exams of a pair."""

from gliodelta.imaging.register import register_pair
from gliodelta.logs import job_log

files = snakemake.input
with job_log(snakemake.log[0]):
    register_pair(
        pair=f"{snakemake.wildcards.prior}to{snakemake.wildcards.current}",
        prior={"image": files.prior, "mask": files.prior_mask, "sidecar": files.prior_sidecar},
        current={"image": files.current, "mask": files.current_mask, "sidecar": files.current_sidecar},
        backends=snakemake.params.backends,
        min_similarity=snakemake.params.min_similarity,
        transform=snakemake.output.transform,
        sidecar=snakemake.output.sidecar,
    )
