"""Writes the first page of the report: flow diagram, methods paragraph, checklists, and all of it on one page."""

from gliodelta.evaluation.describe import describe_study
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    describe_study(
        study=snakemake.params.study,
        tables={name: snakemake.input[name] for name in ("pairs", "summary", "comparisons")},
        cohorts=snakemake.params.cohorts,
        facts={name: snakemake.input[name] for name in ("maps", "labels", "exams")},
        manifests=snakemake.input.manifests,
        lineages=snakemake.input.lineages,
        outputs=dict(snakemake.output.items()),
    )
