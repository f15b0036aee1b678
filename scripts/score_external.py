"""Makes and judges the ensembles of what the models of an arm predicted of another cohort."""

from gliodelta.external.score import score_external
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    score_external(
        members=snakemake.input.members,
        arm=snakemake.wildcards.arm,
        split=snakemake.params.role,
        maps=snakemake.input.maps,
        labels_sheet=snakemake.input.labels or None,
        settings=snakemake.params.settings,
        outputs=dict(snakemake.output.items()),
    )
