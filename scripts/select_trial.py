"""Freezes the best setting of a study."""

from gliodelta.logs import job_log
from gliodelta.tuning.select import select_trial

with job_log(snakemake.log[0]):
    select_trial(
        study=snakemake.input.study,
        scratch=f"{snakemake.params.scratch}/tuning",
        best=snakemake.output.best,
        trials=snakemake.output.trials,
        journal=snakemake.output.journal,
        figure=snakemake.output.figure,
        optuna_figure=snakemake.output.optuna_figure,
    )
