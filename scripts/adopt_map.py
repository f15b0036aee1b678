"""Takes a difference map that is given for one that was made."""

from gliodelta.imaging.given import adopt_map
from gliodelta.logs import job_log

with job_log(snakemake.log[0], private=True):
    adopt_map(
        cohort_file=snakemake.params.cohort_file,
        subject=snakemake.wildcards.subject,
        prior=snakemake.wildcards.prior,
        current=snakemake.wildcards.current,
        title="{cohort} · {subject} · {prior}to{current}".format(**snakemake.wildcards),
        outputs=dict(snakemake.output.items()),
    )
