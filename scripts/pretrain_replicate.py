"""Trains the encoder of one recipe on the weak labels of a replicate population."""

from gliodelta.evidence.lists import largest, split_of
from gliodelta.logs import job_log
from gliodelta.pretraining.pretrain import pretrain_encoder
from gliodelta.training.checkpoint import Checkpoint

place = largest(snakemake.input.lists, snakemake.params.labels)
scratch = f"{snakemake.params.scratch}/evidence"
with job_log(snakemake.log[0]):
    pretrain_encoder(
        weak=f"{place}/weak.tsv",
        lineage=f"{place}/lineage.json",
        folds=f"{snakemake.input.lists}/folds.tsv",
        split=split_of(snakemake.wildcards.replicate),
        cache=snakemake.input.cache,
        recipe=snakemake.params.recipe,
        training=snakemake.params.training,
        outputs=dict(snakemake.output.items()),
        checkpoint=Checkpoint(scratch, snakemake.params.code, snakemake.params.deadline).of(dict(snakemake.wildcards)),
        threads=snakemake.threads,
    )
