"""Records of what the results were made: configuration, code, packages, sheets, images, weights and seeds."""

from gliodelta.evaluation.provenance import record_provenance
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    record_provenance(
        study=snakemake.params.study,
        sheets=dict(zip(snakemake.params.sheets, snakemake.input.sheets, strict=True)),
        results=snakemake.params.results,
        images={name: snakemake.input[name] for name in ("exams", "grids")},
        tables=snakemake.input.tables,
        weights=[*snakemake.input.models, *snakemake.input.encoders],
        document=snakemake.output.document,
    )
