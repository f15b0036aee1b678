"""What the workflow ends with, and what its last rules tell of the study."""

from itertools import product


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
    return {**told, "simulated": "simulation" in cohort, "simulation": cohort.get("simulation"), "weak": weak}


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
