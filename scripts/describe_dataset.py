"""Says what a folder of images is, for BIDS tools."""

from gliodelta.ingest.describe import describe_dataset
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    describe_dataset(
        cohort=snakemake.wildcards.cohort,
        stage=snakemake.wildcards.stage,
        settings=snakemake.params.settings,
        description=snakemake.output.description,
    )
