"""Trains the encoder of one recipe on the weak labels of a replicate population."""

from gliodelta.evidence.pretraining import pretrain_replicate
from gliodelta.logs import job_log
from gliodelta.training.checkpoint import Checkpoint

scratch = f"{snakemake.params.scratch}/evidence"
with job_log(snakemake.log[0]):
    pretrain_replicate(
        replicate=snakemake.wildcards.replicate,
        lists=snakemake.input.lists,
        counts=snakemake.params.labels,
        cache=snakemake.input.cache,
        recipe=snakemake.params.recipe,
        training=snakemake.params.training,
        outputs=dict(snakemake.output.items()),
        checkpoint=Checkpoint(scratch, snakemake.params.code, snakemake.params.deadline).of(dict(snakemake.wildcards)),
        threads=snakemake.threads,
    )
