"""Lists which series of every exam was taken and why, and counts the exams that were excluded by reason."""

from gliodelta.ingest.table import list_exams
from gliodelta.logs import job_log

with job_log(snakemake.log[0], private=True):
    list_exams(
        cohort_file=snakemake.params.cohort_file,
        sidecars=snakemake.input.sidecars,
        table=snakemake.output.table,
        summary=snakemake.output.summary,
    )
