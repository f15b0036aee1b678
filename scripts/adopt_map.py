"""Takes a difference map that is given for one that was made."""

from gliodelta.imaging.given import adopt_map
from gliodelta.logs import job_log

prior, current = snakemake.wildcards.pair.split("to")
with job_log(snakemake.log[0], private=True):
    adopt_map(
        cohort_file=snakemake.params.cohort_file,
        subject=snakemake.wildcards.subject,
        prior=prior,
        current=current,
        title=f"{snakemake.wildcards.cohort} · {snakemake.wildcards.subject} · {snakemake.wildcards.pair}",
        outputs=dict(snakemake.output.items()),
    )
