"""Tries settings of a study beside its other workers."""

from gliodelta.logs import job_log
from gliodelta.tuning.study import FILES
from gliodelta.tuning.worker import tune_worker

with job_log(snakemake.log[0]):
    tune_worker(
        study=snakemake.input.study,
        files={name: list(snakemake.input[name]) for name in FILES},
        cache=snakemake.input.cache,
        worker=int(snakemake.wildcards.worker),
        scratch=snakemake.params.scratch,
        threads=snakemake.threads,
        output=snakemake.output.done,
    )
