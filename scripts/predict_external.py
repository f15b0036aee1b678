"""Predicts a cohort that no model was trained on."""

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
        labels_sheet=snakemake.input.labels or None,
        caches=dict(zip(snakemake.params.grids, snakemake.input.caches, strict=True)),
        settings=snakemake.params.settings,
        outputs=dict(snakemake.output.items()),
        threads=snakemake.threads,
    )
