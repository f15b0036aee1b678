"""Converts a raw exam to a BIDS T2w image."""

from gliodelta.ingest.convert import convert_exam
from gliodelta.logs import job_log

with job_log(snakemake.log[0], private=True):
    convert_exam(
        cohort_file=snakemake.params.cohort_file,
        subject=snakemake.wildcards.subject,
        session=snakemake.wildcards.session,
        simulated=snakemake.input.get("simulated"),
        image=snakemake.output.image,
        sidecar=snakemake.output.sidecar,
    )
