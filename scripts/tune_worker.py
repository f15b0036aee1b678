"""Tries settings of a study beside its other workers."""

from gliodelta.logs import job_log
from gliodelta.training.checkpoint import Checkpoint
from gliodelta.tuning.worker import FILES, tune_worker

scratch = f"{snakemake.params.scratch}/tuning"
with job_log(snakemake.log[0]):
    tune_worker(
        study=snakemake.input.study,
        files={name: list(snakemake.input[name]) for name in FILES},
        caches=dict(zip(snakemake.params.grids, snakemake.input.caches, strict=True)),
        rung=int(snakemake.wildcards.rung),
        worker=int(snakemake.wildcards.worker),
        scratch=scratch,
        output=snakemake.output.done,
        checkpoint=Checkpoint(scratch, snakemake.params.code, snakemake.params.deadline),
        threads=snakemake.threads,
    )
