"""Files that jobs need: functions that read as sentences and make an input function of a pattern.

A pattern may hold <results>, <split> and wildcards. What the name of a function says is filled in, and for the rest the
job's own wildcards.
"""

from functools import wraps
from itertools import product

from snakemake.iocontainers import Wildcards

SPLIT = "repeat-{repeat}/fold-{fold}/inner-{inner}"
# What the files of an exam, of either exam of a pair and of the pair begin with.
EXAM = "<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}"
PRIOR, CURRENT = (EXAM.replace("{session}", exam) for exam in ("{prior}", "{current}"))
PAIR = "<results>/imaging/{cohort}/sub-{subject}/pair-{prior}to{current}/sub-{subject}_pair-{prior}to{current}"


def fill(pattern, **values):
    """`pattern` with <split> spelt out and the wildcards in `values` filled in."""
    return pattern.replace("<split>", SPLIT).format(**values)


def one(values):
    """Of a function that gives values for wildcards, makes one that makes an input function of a pattern: one file."""

    @wraps(values)
    def of_pattern(pattern):
        def file(wildcards):
            return fill(pattern, **{**wildcards, **values(wildcards)})

        return file

    return of_pattern


def each(rows):
    """Like `one`, of a function that gives a list of them: a file for each, none twice."""

    @wraps(rows)
    def of_pattern(pattern):
        def files(wildcards):
            return list(dict.fromkeys(fill(pattern, **{**wildcards, **row}) for row in rows(wildcards)))

        return files

    return of_pattern


def sheet(kind):
    """Path of a sheet of the development cohort."""
    return study.sheet(kind) if study.development else []


def cohort_sheet(kind):
    """An input function: path of a sheet of the job's cohort; nothing when it has no such rows."""

    def file(wildcards):
        return study.sheet(kind, wildcards.cohort) if study.cohorts[wildcards.cohort][kind] else []

    return file


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
    return every_exam("<results>/simulation/{cohort}/sub-{subject}")(wildcards)


@each
def every_exam(wildcards):
    """Every exam of the cohort."""
    return study.cohorts[wildcards.cohort]["exams"]


@each
def every_pair(wildcards):
    """Every pair of the cohort."""
    return study.cohorts[wildcards.cohort]["pairs"]


@each
def every_inner(wildcards):
    """Every inner split of the outer fold."""
    return [{"inner": inner} for inner in study.inner()]


@each
def every_fold(wildcards):
    """Every outer fold."""
    return outer_folds()


@each
def every_split(wildcards):
    """Every inner split of every outer fold."""
    return splits(outer_folds())


@each
def first_repeat(wildcards):
    """Every inner split of the outer folds of the first repeat."""
    return splits(row for row in outer_folds() if row["repeat"] == 1)


def outer_folds():
    """Wildcards of every outer fold."""
    return [{"repeat": repeat, "fold": fold} for repeat, fold in study.folds()]


def splits(folds):
    """Wildcards of every inner split of these outer folds."""
    return [{**fold, "inner": inner} for fold, inner in product(folds, study.inner())]


@each
def workers_of_rung_before(wildcards):
    """Every worker of the rung before the job's; nothing for the first rung."""
    return workers(rung for rung in study.rungs() if rung == int(wildcards.rung) - 1)


@each
def workers_of_last_rung(wildcards):
    """Every worker of a study's last rung."""
    return workers(study.rungs()[-1:])


def workers(rungs):
    """Wildcards of every worker of these rungs."""
    numbers = range(1, setting("tuning", "workers") + 1)
    return [{"rung": rung, "worker": worker} for rung, worker in product(rungs, numbers)]


@each
def recipes_of_arm(wildcards):
    """Every recipe of the arm, at this split."""
    return [{"recipe": recipe} for recipe in study.recipes_of(wildcards.arm)]


@each
def recipes_of_arm_every_inner(wildcards):
    """Every recipe of the arm, at every inner split of the outer fold."""
    chosen = product(study.recipes_of(wildcards.arm), study.inner())
    return [{"recipe": recipe, "inner": inner} for recipe, inner in chosen]


@each
def every_recipe(wildcards):
    """Every recipe that an arm chooses from, at every split."""
    recipes = dict.fromkeys(recipe for arm in study.arms for recipe in study.recipes_of(arm))
    return [{"recipe": recipe, **split} for recipe, split in product(recipes, splits(outer_folds()))]


@one
def of_development(wildcards):
    """The development cohort."""
    return {"cohort": study.development}


def noise_of_development(pattern):
    """An input function: `pattern` for the development cohort; nothing where its weak labels were made elsewhere."""

    def file(wildcards):
        return [] if study.cohorts[study.development]["weak"] else of_development(pattern)(wildcards)

    return file


@one
def of_recipe(wildcards):
    """The recipe's grid and the development cohort."""
    return {"cohort": study.development, "grid": recipe_row(wildcards)["grid"]}


@each
def every_grid_of_arm(wildcards):
    """Every grid of the arm, of the development cohort unless the job has a cohort."""
    return [{"cohort": study.development, **wildcards, "grid": grid} for grid in arm_grids(wildcards)]


@each
def every_arm(wildcards):
    """Every arm; a pattern with <split> also for every split."""
    return [{"arm": arm, **split} for arm, split in product(study.arms, splits(outer_folds()))]


@each
def every_external(wildcards):
    """Every external cohort; a pattern with {arm} also for every arm."""
    return [{"cohort": cohort, "arm": arm} for cohort, arm in product(study.external, study.arms)]


@each
def every_trial(wildcards):
    """Every replicate, arm and level of noise of the study on simulated populations."""
    replicates = range(1, setting("evidence", "replicates") + 1)
    levels = {arm: design.noise_levels(setting("evidence"), row) for arm, row in study.arms.items()}
    return [
        {"replicate": replicate, "arm": arm, "noise": noise}
        for replicate, arm in product(replicates, study.arms)
        for noise in levels[arm]
    ]


def for_each(cohorts, files):
    """An input function: what the input function `files` gives for each of the cohorts."""

    def all_files(wildcards):
        found = [files(Wildcards(fromdict={"cohort": cohort})) for cohort in cohorts]
        return [file for some in found for file in ([some] if isinstance(some, str) else some)]

    return all_files
