"""Makes the difference map of a registered pair, its quality numbers and its picture."""

from gliodelta.imaging.difference import map_difference
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    map_difference(
        title=f"{snakemake.wildcards.cohort} · {snakemake.wildcards.subject} · {snakemake.wildcards.pair}",
        current={"image": snakemake.input.current, "mask": snakemake.input.mask},
        prior={"image": snakemake.input.prior, "sidecar": snakemake.input.sidecar},
        pair_image=snakemake.output.pair,
        difference_image=snakemake.output.difference,
        qc=snakemake.output.qc,
        picture=snakemake.output.picture,
    )
