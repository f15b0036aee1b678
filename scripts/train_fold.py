"""Trains the best setting of an arm on one split and predicts its validation and test patients."""

from gliodelta.logs import job_log
from gliodelta.training.checkpoint import Checkpoint
from gliodelta.training.tracking import run_name, tracked_run
from gliodelta.transfer.train import train_fold

scratch = f"{snakemake.params.scratch}/transfer"
name = run_name("transfer", **snakemake.wildcards)
with job_log(snakemake.log[0]), tracked_run(snakemake.params.tracking, name, scratch) as watch:
    train_fold(
        best=snakemake.input.best,
        lists={name: snakemake.input[name] for name in ("train", "validation", "test", "weak")},
        lineages=[snakemake.input.lineage, *snakemake.input.encoder_lineages],
        cache=snakemake.input.cache,
        encoders=dict(zip(snakemake.params.recipes, snakemake.input.encoders, strict=True)),
        arm=snakemake.params.arm,
        recipes=snakemake.params.recipes,
        training=snakemake.params.training,
        outputs=dict(snakemake.output.items()),
        checkpoint=Checkpoint(scratch, snakemake.params.code, snakemake.params.deadline).of(name),
        threads=snakemake.threads,
        watch=watch,
    )
