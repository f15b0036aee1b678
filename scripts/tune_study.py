"""Writes what a study searches and on what; touches nothing else."""

from gliodelta.logs import job_log
from gliodelta.tuning.study import FILES, write_study

with job_log(snakemake.log[0]):
    write_study(
        arm=snakemake.params.arm,
        recipes=snakemake.params.recipes,
        training=snakemake.params.training,
        fold={key: int(snakemake.wildcards[key]) for key in ("repeat", "fold")},
        seed=snakemake.params.seed,
        budget=snakemake.params.budget,
        pruning=snakemake.params.pruning,
        code=snakemake.params.worker_code,
        files={name: list(snakemake.input[name]) for name in FILES},
        checksums=snakemake.input.checksums,
        output=snakemake.output.study,
    )
