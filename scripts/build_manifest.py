"""Makes the lists of what the models of one split may see."""

from gliodelta.logs import job_log
from gliodelta.manifests import LISTS, build_manifest

with job_log(snakemake.log[0]):
    build_manifest(
        folds=snakemake.input.folds,
        labels_sheet=snakemake.input.labels,
        weak=snakemake.input.weak,
        maps=snakemake.input.maps,
        split={key: int(value) for key, value in snakemake.wildcards.items()},
        lists={name: snakemake.output[name] for name in LISTS},
        lineage=snakemake.output.lineage,
        noise=snakemake.input.noise,
    )
