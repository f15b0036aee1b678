"""Helpers that read as sentences in the rules: which files a job needs, and which values it depends on."""

from itertools import product
from types import SimpleNamespace

from gliodelta.evidence import design
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
    rung="[0-9]+",
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


def map_state(wildcards):
    """Digest of where the given difference map of the pair lies and when it last changed."""
    return study.map_state(wildcards.cohort, wildcards.subject, wildcards.pair)


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


def first_repeat(pattern):
    """An input function: `pattern` for every inner split of the outer folds of the first repeat."""

    def files(wildcards):
        splits = product([fold for repeat, fold in study.folds() if repeat == 1], study.inner())
        return [fill(pattern, repeat=1, fold=fold, inner=inner, **wildcards) for fold, inner in splits]

    return files


def every_fold(pattern):
    """An input function: `pattern` for every outer fold."""

    def files(wildcards):
        return [fill(pattern, repeat=repeat, fold=fold, **wildcards) for repeat, fold in study.folds()]

    return files


def workers_of_rung_before(pattern):
    """An input function: `pattern` for every worker of the rung before the job's; nothing for the first rung."""

    def files(wildcards):
        earlier = [rung for rung in study.rungs() if rung == int(wildcards.rung) - 1]
        return _every_worker(pattern, earlier, wildcards)

    return files


def workers_of_last_rung(pattern):
    """An input function: `pattern` for every worker of a study's last rung."""

    def files(wildcards):
        return _every_worker(pattern, study.rungs()[-1:], wildcards)

    return files


def _every_worker(pattern, rungs, wildcards):
    workers = range(1, setting("tuning", "workers") + 1)
    return [fill(pattern, **{**wildcards, "rung": rung, "worker": worker}) for rung in rungs for worker in workers]


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


def every_grid_of_arm(pattern):
    """An input function: `pattern` for every grid of the arm, of the development cohort unless the job has a cohort."""

    def files(wildcards):
        given = {"cohort": study.development, **wildcards}
        return [fill(pattern, **{**given, "grid": grid}) for grid in arm_grids(wildcards)]

    return files


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


def for_each(cohorts, files):
    """An input function: what the input function `files` gives for each of the cohorts."""

    def all_files(wildcards):
        found = [files(SimpleNamespace(cohort=cohort)) for cohort in cohorts]
        return [file for some in found for file in ([some] if isinstance(some, str) else some)]

    return all_files


def code_of_evidence(module):
    """A param function: fingerprint of `module`, which only a study on simulated populations pays for."""

    def code(wildcards):
        return code_of(module)

    return code


def population_settings(wildcards):
    """Settings of the simulation of a population of the study."""
    return design.population_settings(setting("evidence"), wildcards.population)


def evidence_grid(wildcards):
    """Voxel size and shape of the maps of the study."""
    return setting("training", "grids")[study.grids()[0]]


def every_trial(pattern):
    """An input function: `pattern` for every replicate, arm and level of noise of the study."""

    def files(wildcards):
        replicates = range(1, setting("evidence", "replicates") + 1)
        levels = {arm: design.noise_levels(setting("evidence"), row) for arm, row in study.arms.items()}
        return [
            fill(pattern, replicate=replicate, arm=arm, noise=noise)
            for replicate in replicates
            for arm in study.arms
            for noise in levels[arm]
        ]

    return files


def every_recipe(pattern):
    """An input function: `pattern` for every recipe that an arm chooses from, and every split."""

    def files(wildcards):
        recipes = dict.fromkeys(recipe for arm in study.arms for recipe in study.recipes_of(arm))
        return [file for recipe in recipes for file in every_split(pattern)({**wildcards, "recipe": recipe})]

    return files


def sheet_names():
    """The sheets with rows, as {cohort}/{kind}.tsv: what they are called in this workflow, wherever they lie."""
    named = product(study.cohorts, ("exams", "pairs", "labels", "reports", "events", "weak"))
    return [f"{cohort}/{kind}.tsv" for cohort, kind in named if study.cohorts[cohort][kind]]


def sheet_files(wildcards):
    """Paths of the sheets in the order of `sheet_names`."""
    named = (name.removesuffix(".tsv").split("/") for name in sheet_names())
    return [study.sheet(kind, cohort) for cohort, kind in named]


def cohort_facts():
    """What is told of the cohorts, the labelled ones first: how they came, and where weak labels come from."""
    names = dict.fromkeys([*labelled_cohorts(), *study.cohorts])
    return {name: _facts(study.cohorts[name]) for name in names}


def _facts(cohort):
    weak = "given" if cohort["weak"] else "reports" if cohort["reports"] else "none"
    told = {key: cohort[key] for key in ("role", "layout", "languages", "skull_stripped")}
    return {**told, "simulated": "simulation" in cohort, "weak": weak}


def study_facts():
    """What the results depend on, without where files lie and how trainings are followed."""
    where = ("cohorts_folder", "arms", "recipes", "pathvars", "wandb", "training")
    settings = {key: value for key, value in study.config.items() if key not in where}
    settings["training"] = study.training(setting("training", "grids"))
    return {"settings": settings, "cohorts": cohort_facts(), "arms": study.arms, "recipes": study.recipes}


def final_results():
    """What `all` asks for: the evaluation with every stage's tables, or, without a development cohort, the maps; and
    the study on simulated populations, where there is one.
    """
    tables = ["ingest/{cohort}/exams.tsv", "imaging/{cohort}/maps.tsv"]
    descriptions = ["ingest/{cohort}/dataset_description.json", "imaging/{cohort}/dataset_description.json"]
    maps = [
        fill(f"<results>/{file}", cohort=cohort)
        for cohort in study.cohorts
        for file in tables + descriptions
        if not (file.startswith("ingest/") and cohort in study.with_maps_only())
    ]
    maps += [f"<results>/simulation/{cohort}/population.png" for cohort in simulated_cohorts()]
    if setting("evidence", "replicates"):
        maps += ["<results>/evidence/table.tsv"]
    if not study.development:
        return maps
    agreement = (
        [] if study.cohorts[study.development]["weak"] else [f"<results>/labels/{study.development}/agreement.tsv"]
    )
    scores = [f"<results>/external/{cohort}/{arm}/predictions.tsv" for cohort in study.inference for arm in study.arms]
    checks = ["<results>/evaluation/simulation.tsv"] if simulated_cohorts() else []
    checks += ["<results>/evaluation/saliency.tsv"] if simulated_cohorts("development") else []
    examples = [f"<results>/evaluation/examples/{arm}/right.png" for arm in study.arms]
    return [
        *maps,
        *agreement,
        "<results>/manifests/counts.tsv",
        "<results>/evaluation/summary.tsv",
        "<results>/evaluation/comparisons.tsv",
        "<results>/evaluation/overview.html",
        "<results>/evaluation/provenance.json",
        *expand("<results>/evaluation/cards/{arm}.md", arm=study.arms),
        *scores,
        *checks,
        *examples,
    ]
