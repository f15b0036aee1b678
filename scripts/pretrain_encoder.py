"""Trains the encoder of one recipe on the weak labels of one split."""

from gliodelta.logs import job_log
from gliodelta.pretraining.pretrain import pretrain_encoder
from gliodelta.training.checkpoint import Checkpoint
from gliodelta.training.tracking import run_name, tracked_run

scratch = f"{snakemake.params.scratch}/pretraining"
name = run_name("pretraining", **snakemake.wildcards)
with job_log(snakemake.log[0]), tracked_run(snakemake.params.tracking, name, scratch) as watch:
    pretrain_encoder(
        weak=snakemake.input.weak,
        lineage=snakemake.input.lineage,
        folds=snakemake.input.folds,
        split={key: int(snakemake.wildcards[key]) for key in ("repeat", "fold", "inner")},
        cache=snakemake.input.cache,
        recipe=snakemake.params.recipe,
        training=snakemake.params.training,
        outputs=dict(snakemake.output.items()),
        checkpoint=Checkpoint(scratch, snakemake.params.code, snakemake.params.deadline).of(name),
        threads=snakemake.threads,
        watch=watch,
    )
