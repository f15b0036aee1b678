"""Decides which pairs of a cohort go on, and shows their quality."""

from gliodelta.imaging.screen import screen_maps
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    screen_maps(
        cohort_file=snakemake.params.cohort_file,
        qc_files=snakemake.input.qc,
        limits=snakemake.params.limits,
        surgery_days=snakemake.params.surgery_days,
        max_days=snakemake.params.max_days,
        most_pictures=snakemake.params.most_pictures,
        table=snakemake.output.table,
        summary=snakemake.output.summary,
        figure=snakemake.output.figure,
        gallery=snakemake.output.gallery,
    )
