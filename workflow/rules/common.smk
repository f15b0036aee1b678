"""Helpers that read as sentences in the rules: which files a job needs, and which values it depends on."""

from itertools import product
from types import SimpleNamespace

from gliodelta.fingerprint import code_of
from gliodelta.schema import InvalidInput
from gliodelta.sheets import pair_id
from gliodelta.study import Study
from snakemake.exceptions import WorkflowError

SPLIT = "repeat-{repeat}/fold-{fold}/inner-{inner}"

try:
    study = Study(config)
except InvalidInput as error:
    raise WorkflowError(str(error)) from None


wildcard_constraints:
    cohort="[A-Za-z0-9]+",
    subject="[A-Za-z0-9]+",
    session="[0-9]+",
    pair="[0-9]+to[0-9]+",
    arm="[A-Za-z0-9-]+",
    recipe="[A-Za-z0-9-]+",
    grid="[A-Za-z0-9-]+",
    repeat="[0-9]+",
    fold="[0-9]+",
    inner="[0-9]+",
    worker="[0-9]+",


# Values of the configuration and of the sheets.


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


def sheet(kind):
    """Path of a sheet of the development cohort."""
    return study.sheet(kind) if study.development else []


def cohort_sheet(kind):
    """An input function: path of a sheet of the job's cohort; nothing when it has no such rows."""

    def file(wildcards):
        return study.sheet(kind, wildcards.cohort) if study.cohorts[wildcards.cohort][kind] else []

    return file


def scratch(wildcards, output):
    """Folder for the state of unfinished jobs. Asking for `output` keeps it out of what Snakemake tracks: no science."""
    return workflow.pathvars.apply("<scratch>")


def arm_row(wildcards):
    """The arm's row of arms.tsv, without what does not change its models."""
    return {key: value for key, value in study.arms[wildcards.arm].items() if key != "primary"}


def arm_recipes(wildcards):
    """The rows of recipes.tsv that the arm chooses from, by name."""
    return {name: study.recipes[name] for name in study.recipes_of(wildcards.arm)}


def recipe_row(wildcards):
    """The recipe's row of recipes.tsv."""
    return study.recipes[wildcards.recipe]


def arm_training(wildcards):
    """The settings of the arm's trainings on human labels."""
    return study.training(arm_row(wildcards)["grid"], "pretraining_epochs", "pretraining_learning_rate")


def recipe_training(wildcards):
    """The settings of the recipe's pretraining."""
    return study.training(recipe_row(wildcards)["grid"], "epochs")


def named_grid(wildcards):
    """Voxel size and shape of the grid."""
    return setting("training", "grids")[wildcards.grid]


def deadline(wildcards, output):
    """Minutes after which a training saves its state; not tracked, like every param that asks for `output`."""
    return setting("training", "deadline_minutes")


def tracking(wildcards, output):
    """Whether and where Weights & Biases follows a training; not tracked either."""
    return setting("wandb")


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


# Files. A pattern may hold <results> and <split>; the functions fill in what their names say.


def fill(pattern, **values):
    """`pattern` with <split> spelt out and the wildcards in `values` filled in."""
    return pattern.replace("<split>", SPLIT).format(**values)


def gone_once_defaced(pattern):
    """`pattern` of an image that shows the face; Snakemake deletes it after its last use when exams are defaced."""
    return temp(pattern) if setting("imaging", "deface") else pattern


def simulated_subject(wildcards):
    """Folder of the simulated subject; nothing when the cohort is real."""
    if "simulation" not in study.cohorts[wildcards.cohort]:
        return []
    return fill("<results>/simulation/{cohort}/sub-{subject}", **wildcards)


def simulated_subjects(wildcards):
    """Folders of all simulated subjects of the cohort; nothing when the cohort is real."""
    if "simulation" not in study.cohorts[wildcards.cohort]:
        return []
    pattern = "<results>/simulation/{cohort}/sub-{subject}"
    return [fill(pattern, cohort=wildcards.cohort, subject=subject) for subject in study.subjects(wildcards.cohort)]


def every_exam(pattern):
    """An input function: `pattern` for every exam of the cohort."""

    def files(wildcards):
        exams = study.cohorts[wildcards.cohort]["exams"]
        return [fill(pattern, cohort=wildcards.cohort, **row) for row in exams]

    return files


def every_pair(pattern):
    """An input function: `pattern` for every pair of the cohort."""

    def files(wildcards):
        pairs = study.cohorts[wildcards.cohort]["pairs"]
        return [fill(pattern, cohort=wildcards.cohort, pair=pair_id(row), **row) for row in pairs]

    return files


def prior_of(pattern):
    """An input function: `pattern` for the pair's earlier exam."""

    def file(wildcards):
        return fill(pattern, session=wildcards.pair.split("to")[0], **wildcards)

    return file


def current_of(pattern):
    """An input function: `pattern` for the pair's later exam."""

    def file(wildcards):
        return fill(pattern, session=wildcards.pair.split("to")[1], **wildcards)

    return file


def every_inner(pattern):
    """An input function: `pattern` for every inner split of the outer fold."""

    def files(wildcards):
        return [fill(pattern, **{**wildcards, "inner": inner}) for inner in study.inner()]

    return files


def every_split(pattern):
    """An input function: `pattern` for every inner split of every outer fold."""

    def files(wildcards):
        splits = product(study.folds(), study.inner())
        return [fill(pattern, repeat=repeat, fold=fold, inner=inner, **wildcards) for (repeat, fold), inner in splits]

    return files


def every_fold(pattern):
    """An input function: `pattern` for every outer fold."""

    def files(wildcards):
        return [fill(pattern, repeat=repeat, fold=fold, **wildcards) for repeat, fold in study.folds()]

    return files


def every_worker(pattern):
    """An input function: `pattern` for every worker of a study."""

    def files(wildcards):
        return [fill(pattern, worker=worker, **wildcards) for worker in range(1, setting("tuning", "workers") + 1)]

    return files


def recipes_of_arm(pattern):
    """An input function: `pattern` for every recipe of the arm, at this split."""

    def files(wildcards):
        return [fill(pattern, recipe=recipe, **wildcards) for recipe in study.recipes_of(wildcards.arm)]

    return files


def recipes_of_arm_every_inner(pattern):
    """An input function: `pattern` for every recipe of the arm, at every inner split of the outer fold."""

    def files(wildcards):
        chosen = product(study.recipes_of(wildcards.arm), study.inner())
        return [fill(pattern, **{**wildcards, "recipe": recipe, "inner": inner}) for recipe, inner in chosen]

    return files


def of_development(pattern):
    """An input function: `pattern` for the development cohort."""

    def file(wildcards):
        return fill(pattern, **{**wildcards, "cohort": study.development})

    return file


def of_arm(pattern):
    """An input function: `pattern` for the arm's grid, of the development cohort unless the job has a cohort."""

    def file(wildcards):
        return fill(pattern, **{"cohort": study.development, **wildcards, "grid": arm_row(wildcards)["grid"]})

    return file


def of_recipe(pattern):
    """An input function: `pattern` for the recipe's grid and the development cohort."""

    def file(wildcards):
        return fill(pattern, **{**wildcards, "cohort": study.development, "grid": recipe_row(wildcards)["grid"]})

    return file


def every_arm(pattern):
    """An input function: `pattern` for every arm; one with <split> also for every split."""

    def files(wildcards):
        splits = list(product(study.folds(), study.inner())) if "<split>" in pattern else [((0, 0), 0)]
        return [
            fill(pattern, arm=arm, repeat=repeat, fold=fold, inner=inner, **wildcards)
            for arm in study.arms
            for (repeat, fold), inner in splits
        ]

    return files


def every_external(pattern):
    """An input function: `pattern` for every external cohort; one with {arm} also for every arm."""

    def files(wildcards):
        arms = study.arms if "{arm}" in pattern else [""]
        return [fill(pattern, cohort=cohort, arm=arm, **wildcards) for cohort in study.external for arm in arms]

    return files


def labelled_cohorts():
    """Names of the cohorts with human labels, the development cohort first."""
    tested = [study.development, *study.external] if study.development else []
    return [cohort for cohort in tested if study.cohorts[cohort]["labels"]]


def simulated_cohorts(*roles):
    """Names of the simulated cohorts, of all roles or of these."""
    simulated = [name for name, cohort in study.cohorts.items() if "simulation" in cohort]
    return [name for name in simulated if not roles or study.cohorts[name]["role"] in roles]


def simulated_cohort_files():
    """Paths of the YAMLs of the simulated cohorts."""
    return [study.cohort_file(cohort) for cohort in simulated_cohorts()]


def for_each(cohorts, files):
    """An input function: what the input function `files` gives for each of the cohorts."""

    def all_files(wildcards):
        found = [files(SimpleNamespace(cohort=cohort)) for cohort in cohorts]
        return [file for some in found for file in ([some] if isinstance(some, str) else some)]

    return all_files


def final_results():
    """What `all` asks for: the evaluation with every stage's tables, or, without a development cohort, the maps."""
    tables = ["ingest/{cohort}/exams.tsv", "imaging/{cohort}/maps.tsv"]
    descriptions = ["ingest/{cohort}/dataset_description.json", "imaging/{cohort}/dataset_description.json"]
    maps = [fill(f"<results>/{file}", cohort=cohort) for cohort in study.cohorts for file in tables + descriptions]
    maps += [f"<results>/simulation/{cohort}/population.png" for cohort in simulated_cohorts()]
    if not study.development:
        return maps
    scores = [f"<results>/external/{cohort}/{arm}/predictions.tsv" for cohort in study.inference for arm in study.arms]
    checks = ["<results>/evaluation/simulation.tsv"] if simulated_cohorts() else []
    return [
        *maps,
        f"<results>/labels/{study.development}/agreement.tsv",
        "<results>/manifests/counts.tsv",
        "<results>/evaluation/summary.tsv",
        "<results>/evaluation/comparisons.tsv",
        *scores,
        *checks,
    ]
