"""Reads a cohort's reports into votes."""

from gliodelta.labels.extract import extract_reports
from gliodelta.logs import job_log

with job_log(snakemake.log[0], private=True):
    extract_reports(
        cohort_file=snakemake.params.cohort_file,
        simulated=snakemake.input.simulated,
        tolerance_days=snakemake.params.tolerance_days,
        votes=snakemake.output.votes,
        excluded=snakemake.output.excluded,
    )
