"""Shows the pairs on which an arm was most and least confident, and where it looked."""

from gliodelta.evaluation.examples import show_examples
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    show_examples(
        models=snakemake.input.models,
        lineages=snakemake.input.lineages,
        predictions=snakemake.input.predictions,
        tests=snakemake.input.tests,
        caches=dict(zip(snakemake.params.grids, snakemake.input.caches, strict=True)),
        outputs=dict(snakemake.output.items()),
        threads=snakemake.threads,
    )
