"""Takes weak labels that were made elsewhere for a fold's own."""

from gliodelta.labels.given import adopt_labels
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    adopt_labels(
        weak_sheet=snakemake.input.sheet,
        labels_sheet=snakemake.input.labels,
        weak=snakemake.output.weak,
    )
