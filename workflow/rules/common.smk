"""Values that the rules depend on: functions that read as sentences. Files are in files.smk, targets in results.smk."""

import os

from gliodelta import fingerprint
from gliodelta.evidence import design
from gliodelta.room import check_room
from gliodelta.schema import InvalidInput
from gliodelta.study import Study
from snakemake.exceptions import WorkflowError

try:
    study = Study(config)
except InvalidInput as error:
    raise WorkflowError(str(error)) from None

# Matplotlib keeps its list of fonts in the user's home unless told otherwise; jobs write to nobody's home.
os.environ.setdefault("MPLCONFIGDIR", os.path.abspath(workflow.pathvars.apply("<scratch>/matplotlib")))


wildcard_constraints:
    cohort="[A-Za-z0-9]+",
    subject="[A-Za-z0-9]+",
    session="[0-9]+",
    prior="[0-9]+",
    current="[0-9]+",
    arm="[A-Za-z0-9-]+",
    recipe="[A-Za-z0-9-]+",
    grid="[A-Za-z0-9-]+",
    repeat="[0-9]+",
    fold="[0-9]+",
    inner="[0-9]+",
    rung="[0-9]+",
    worker="[0-9]+",


def setting(*keys):
    """The value of the configuration at `keys`."""
    value = study.config
    for key in keys:
        value = value[key]
    return value


def registration_backends():
    """The registration engine and those to try should it fail, in this order."""
    return [setting("imaging", "registration"), *setting("imaging", "registration_fallback")]


def label_models():
    """The models that read reports: those that are stacked, then those to compare with."""
    return study.label_models()


def package_file(name):
    """Path of a file of the package from the working folder; an absolute one would rerun jobs once the project moves."""
    return os.path.relpath(f"{workflow.basedir}/workflow/src/gliodelta/{name}")


def cohort_file(wildcards):
    """Path of the cohort's YAML."""
    return study.cohort_file(wildcards.cohort)


def cohort_value(key):
    """A param function: the value of `key` in the cohort's YAML."""

    def value(wildcards):
        return study.cohorts[wildcards.cohort].get(key)

    return value


def exam_state(wildcards):
    """Digest of where the exam lies, how it is read and when its source last changed."""
    return study.exam_state(wildcards.cohort, wildcards.subject, wildcards.session)


def map_state(wildcards):
    """Digest of where the given difference map of the pair lies and when it last changed."""
    return study.map_state(wildcards.cohort, wildcards.subject, wildcards.prior, wildcards.current)


def report_states(wildcards):
    """Digest of where the cohort's reports lie and when they last changed."""
    return study.report_states(wildcards.cohort)


def simulated_settings(wildcards):
    """Digest of what the subject's simulation depends on."""
    return study.simulated_subject(wildcards.cohort, wildcards.subject)


def cohort_rows(*kinds):
    """A param function: digest of these sheets of the cohort."""

    def rows(wildcards):
        return study.rows(wildcards.cohort, *kinds)

    return rows


def shared():
    """Whether outputs of imaging are kept where other users find them (`--cache`)."""
    return workflow.workflow_settings.cache is not None


def shared_conversion():
    """Like `shared`, but neither of images that show the face and go once they are defaced, nor of simulated exams: of
    their folders, a Slurm job of Snakemake's can make no name.
    """
    return shared() and not setting("imaging", "deface") and not simulated_cohorts()


def scratch(wildcards, output):
    """Folder for the state of unfinished jobs. Asking for `output` keeps it out of what Snakemake tracks: no science."""
    return workflow.pathvars.apply("<scratch>")


def require_room():
    """Raises an error that names the folder when one that jobs write to cannot be written to."""
    try:
        for name in ("results", "logs", "benchmarks", "scratch"):
            check_room(workflow.pathvars.apply(f"<{name}>"))
    except InvalidInput as error:
        raise WorkflowError(str(error)) from None


def record_results():
    """Records finished results that Snakemake has no record of, as those of jobs that outlived it, as made by this
    configuration: without a record, no later change would make them again.
    """
    for job in workflow.dag.jobs:
        if workflow.dag.reason(job).no_metadata and not workflow.dag.needrun(job):
            workflow.async_run(workflow.persistence.finished(job))


def arm_row(wildcards):
    """The arm's row of arms.tsv, without what does not change its models."""
    return {key: value for key, value in study.arms[wildcards.arm].items() if key != "primary"}


def declared_arm(wildcards):
    """The arm's whole row of arms.tsv."""
    return study.arms[wildcards.arm]


def arm_grids(wildcards):
    """The names of the grids that the arm may train on."""
    return study.grids_of(wildcards.arm)


def arm_recipes(wildcards):
    """The rows of recipes.tsv that the arm chooses from, by name."""
    return {name: study.recipes[name] for name in study.recipes_of(wildcards.arm)}


def recipe_row(wildcards):
    """The recipe's row of recipes.tsv."""
    return study.recipes[wildcards.recipe]


def arm_training(wildcards):
    """The settings of the arm's trainings on human labels."""
    unused = ("pretraining_epochs", "pretraining_learning_rate", "pretraining_devices")
    return study.training(arm_grids(wildcards), *unused)


def recipe_training(wildcards):
    """The settings of the recipe's pretraining."""
    return study.training([recipe_row(wildcards)["grid"]], "epochs")


def named_grid(wildcards):
    """Voxel size and shape of the grid, and whether maps are resized to it."""
    return setting("training", "grids")[wildcards.grid]


def deadline(wildcards, resources):
    """Minutes after which a training saves its state and stops: the job's `runtime` but for five, left for the start of
    the job and the writing of its results; None where the profile sets no `runtime`. Not tracked: a param that asks for
    `resources` says when, not what.
    """
    minutes = resources.get("runtime")
    return None if minutes is None else minutes - 5


def most_pictures(wildcards, output):
    """Pictures of a cohort's pairs: the report holds 50 in all, so that it opens at once; not tracked either."""
    return 50 // len(study.cohorts)


def tracking(wildcards, output):
    """Whether and where Weights & Biases follows a training; not tracked either."""
    return setting("wandb")


def code_of(module, plugins=()):
    """A param function: fingerprint of `module` and of the plug-ins. A function, for a Slurm job starts Snakemake twice
    and needs one rule's: those of all take a second."""

    def code(wildcards):
        return fingerprint.code_of(module, plugins)

    return code


def code_of_layout(module):
    """A param function: fingerprint of `module` and of the cohort's layout."""

    def code(wildcards):
        return study.code_of_layout(module, wildcards.cohort)

    return code


def code_of_arm(module):
    """A param function: fingerprint of `module` and of the arm's plug-ins."""

    def code(wildcards):
        return study.code_of_arm(module, wildcards.arm)

    return code


def code_of_recipe(module):
    """A param function: fingerprint of `module` and of the recipe's plug-ins."""

    def code(wildcards):
        return study.code_of_recipe(module, wildcards.recipe)

    return code


def population_settings(wildcards):
    """Settings of the simulation of a population of the study."""
    return design.population_settings(setting("evidence"), wildcards.population)


def evidence_grid(wildcards):
    """Voxel size and shape of the maps of the study."""
    return setting("training", "grids")[study.grids()[0]]


def cohorts_with_maps_only():
    """A regular expression of the cohorts of which difference maps are given, and no exams."""
    return "|".join(study.with_maps_only()) or "(?!)"


def cohorts_with_weak_labels():
    """A regular expression of the cohorts whose weak labels are given, and no reports."""
    return "|".join(name for name, cohort in study.cohorts.items() if cohort["weak"]) or "(?!)"


def labelled_cohorts():
    """Names of the cohorts with human labels, the development cohort first."""
    tested = [study.development, *study.external] if study.development else []
    return [cohort for cohort in tested if study.cohorts[cohort]["labels"]]


def labelled_cohorts_with_exams():
    """Names of the labelled cohorts of which exams are given, and not difference maps only."""
    return [cohort for cohort in labelled_cohorts() if cohort not in study.with_maps_only()]


def simulated_cohorts(*roles):
    """Names of the simulated cohorts, of all roles or of these."""
    simulated = [name for name, cohort in study.cohorts.items() if "simulation" in cohort]
    return [name for name in simulated if not roles or study.cohorts[name]["role"] in roles]


def simulated_cohort_files():
    """Paths of the YAMLs of the simulated cohorts."""
    return [study.cohort_file(cohort) for cohort in simulated_cohorts()]
