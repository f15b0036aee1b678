"""gliodelta: from raw T2-weighted exams and report text to tuned transfer and an external test.

Ten stages, each with the same word in rules, package, scripts, results, tests and report. Where files are:

    <results>/ingest/{cohort}/sub-{subject}/ses-{session}/anat/     one exam as BIDS
    <results>/imaging/{cohort}/sub-{subject}/pair-{prior}to{current}/ one pair's difference map
    <results>/manifests/<split>/                                   what one model may see
    <results>/{pretraining,transfer}/{recipe|arm}/<split>/           one trained model
    <results>/tuning/{arm}/repeat-{repeat}/fold-{fold}/              one Optuna study
    <results>/{external,evaluation}/                               what comes out
    <results>/evidence/                                            the study on simulated populations (config/study.yaml)
"""

import gc
import sys

from snakemake.utils import min_version

min_version("9.27")
sys.path.insert(0, f"{workflow.basedir}/workflow/src")
# Of the objects of tens of thousands of jobs none is garbage; looking for it as often as usual takes a tenth of the time.
gc.set_threshold(200_000, 20, 100)


# A configuration of one's own replaces the demo's; it is not laid over it.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


pathvars:
    results="results",
    logs="logs",
    benchmarks="benchmarks",
    scratch="scratch",
    split="repeat-{repeat}/fold-{fold}/inner-{inner}",


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/files.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/simulation.smk"
include: "workflow/rules/ingest.smk"
include: "workflow/rules/imaging.smk"
include: "workflow/rules/splits.smk"
include: "workflow/rules/labels.smk"
include: "workflow/rules/manifests.smk"
include: "workflow/rules/pretraining.smk"
include: "workflow/rules/tuning.smk"
include: "workflow/rules/transfer.smk"
include: "workflow/rules/external.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/evidence.smk"


# Snakemake refuses to measure jobs whose outputs it may take from a cache, where nothing would be measured, and its jobs
# on a cluster are told of the cache only with the names of such rules.
cached = [declared for declared in workflow.rules if declared.cache and declared.cache.output]
for declared in cached:
    declared._benchmark = None
if shared():
    workflow.workflow_settings.cache = [declared.name for declared in cached]


onstart:
    require_room()
    record_results()


localrules:
    all,


rule all:
    default_target: True
    input:
        final_results(),
