"""Trains the encoder of one recipe on the weak labels of one split."""

from gliodelta.logs import job_log
from gliodelta.pretraining.pretrain import pretrain_encoder
from gliodelta.training.tracking import training_job

settings = {key: snakemake.params[key] for key in ("scratch", "code", "deadline", "tracking")}
with job_log(snakemake.log[0]), training_job("pretraining", snakemake.wildcards, **settings) as job:
    pretrain_encoder(
        weak=snakemake.input.weak,
        lineage=snakemake.input.lineage,
        folds=snakemake.input.folds,
        split={key: int(snakemake.wildcards[key]) for key in ("repeat", "fold", "inner")},
        cache=snakemake.input.cache,
        recipe=snakemake.params.recipe,
        training=snakemake.params.training,
        outputs=dict(snakemake.output.items()),
        threads=snakemake.threads,
        **job,
    )
