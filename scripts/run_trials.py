"""Trains and tests an arm on a replicate population at one level of noise."""

from gliodelta.evidence.trials import run_trials
from gliodelta.logs import job_log
from gliodelta.training.checkpoint import Checkpoint

scratch = f"{snakemake.params.scratch}/evidence"
with job_log(snakemake.log[0]):
    run_trials(
        place={key: int(snakemake.wildcards[key]) for key in ("replicate", "noise")},
        folders={count: f"{snakemake.input.lists}/labels-{count}" for count in snakemake.params.labels},
        lineages=snakemake.input.encoder_lineages,
        cache=snakemake.input.cache,
        encoders=dict(zip(snakemake.params.recipes, snakemake.input.encoders, strict=True)),
        test={"maps": snakemake.input.test, "cache": snakemake.input.test_cache},
        arm=snakemake.params.arm,
        recipes=snakemake.params.recipes,
        training=snakemake.params.training,
        tuning={"budget": snakemake.params.budget, "seed": snakemake.params.seed},
        output=snakemake.output.trials,
        checkpoint=Checkpoint(scratch, snakemake.params.code, snakemake.params.deadline).of(dict(snakemake.wildcards)),
        threads=snakemake.threads,
    )
