"""Turns votes into weak labels with probabilities, fitted on the patients whom one outer fold does not test."""

from gliodelta.labels.calibrate import calibrate_labels
from gliodelta.logs import job_log

with job_log(snakemake.log[0], private=True):
    calibrate_labels(
        votes=snakemake.input.votes,
        labels_sheet=snakemake.input.labels,
        folds=snakemake.input.folds,
        split={"repeat": int(snakemake.wildcards.repeat), "fold": int(snakemake.wildcards.fold)},
        models={name: snakemake.params[name] for name in ("parts", "baselines", "seed")},
        source={"cohort_file": snakemake.params.cohort_file, "simulated": snakemake.input.simulated},
        outputs=dict(snakemake.output.items()),
    )
