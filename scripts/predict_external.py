"""Predicts a cohort that no model was trained on with every model of an arm."""

from gliodelta.external.predict import predict_external
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    predict_external(
        models=snakemake.input.models,
        lineages=snakemake.input.lineages,
        manifests=snakemake.input.manifests,
        arm=snakemake.wildcards.arm,
        split=snakemake.params.role,
        maps=snakemake.input.maps,
        caches=dict(zip(snakemake.params.grids, snakemake.input.caches, strict=True)),
        members=snakemake.output.members,
        threads=snakemake.threads,
    )
