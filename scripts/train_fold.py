"""Trains the best setting of an arm on one split and predicts its validation and test patients."""

from gliodelta.logs import job_log
from gliodelta.training.tracking import training_job
from gliodelta.transfer.train import train_fold

settings = {key: snakemake.params[key] for key in ("scratch", "code", "deadline", "tracking")}
with job_log(snakemake.log[0]), training_job("transfer", snakemake.wildcards, **settings) as job:
    train_fold(
        best=snakemake.input.best,
        lists={name: snakemake.input[name] for name in ("train", "validation", "test", "weak")},
        lineages=[snakemake.input.lineage, *snakemake.input.encoder_lineages],
        caches=dict(zip(snakemake.params.grids, snakemake.input.caches, strict=True)),
        encoders=dict(zip(snakemake.params.recipes, snakemake.input.encoders, strict=True)),
        arm=snakemake.params.arm,
        recipes=snakemake.params.recipes,
        training=snakemake.params.training,
        outputs=dict(snakemake.output.items()),
        threads=snakemake.threads,
        **job,
    )
