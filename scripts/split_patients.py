"""Draws the outer and inner folds by patient."""

from gliodelta.logs import job_log
from gliodelta.splits import split_patients

with job_log(snakemake.log[0]):
    split_patients(
        labels_sheet=snakemake.input.labels,
        settings=snakemake.params.settings,
        folds=snakemake.output.folds,
        balance=snakemake.output.balance,
    )
