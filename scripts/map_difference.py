"""Brings a registered pair onto one grid and one scale, and makes its difference maps, quality numbers and picture."""

from gliodelta.imaging.difference import map_difference
from gliodelta.logs import job_log


def exam(visit):
    """Paths of one exam of the pair."""
    return {name: snakemake.input[f"{visit}_{name}"] for name in ("image", "mask", "mask_sidecar", "source")}


with job_log(snakemake.log[0]):
    map_difference(
        title="{cohort} · {subject} · {prior}to{current}".format(**snakemake.wildcards),
        prior=exam("prior"),
        current=exam("current"),
        registration={"transform": snakemake.input.transform, "sidecar": snakemake.input.sidecar},
        settings=snakemake.params.settings,
        outputs=dict(snakemake.output.items()),
    )
