"""Draws the labels of a replicate population at one level of noise, and writes what may be trained on."""

from gliodelta.evidence.lists import draw_lists, split_of
from gliodelta.logs import job_log

with job_log(snakemake.log[0]):
    draw_lists(
        maps=snakemake.input.maps,
        test=snakemake.input.test,
        split=split_of(snakemake.wildcards.replicate),
        noise=int(snakemake.wildcards.noise),
        counts=snakemake.params.labels,
        validation=snakemake.params.validation,
        seed=snakemake.params.seed,
        folder=snakemake.output.lists,
    )
