"""Counts the pairs and patients on every list of every split."""

from pathlib import Path

from gliodelta.logs import job_log
from gliodelta.manifests import count_pairs

with job_log(snakemake.log[0]):
    count_pairs(
        folders=[Path(lineage).parent for lineage in snakemake.input.lineages],
        table=snakemake.output.table,
    )
