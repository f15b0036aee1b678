"""The methods paragraph of a paper, put together from what was configured and counted: nothing in it is a plan."""

import ast
import importlib.metadata
import platform
from collections import Counter
from pathlib import Path

from gliodelta import __version__, plugins
from gliodelta.evaluation.flow import counted, span
from gliodelta.experiments import TRAINING, listed

IMAGING = ("bias_correction", "brain_extraction", "registration", "normalisation")
# In the order of the stages; those that this job's environment lacks are not named.
PACKAGES = (
    "snakemake",
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "nibabel",
    "simpleitk",
    "antspyx",
    "picsl-greedy",
    "torch",
    "monai",
    "optuna",
)


def write_methods(facts):
    """Returns the paragraphs as plain text, one a line, each with its heading.

    Args:
        facts: result of `describe.gather`.
    """
    settings = facts["settings"]
    parts = {
        "Data": data(facts),
        "Imaging": imaging(settings["imaging"], facts["cohorts"]),
        "Weak labels": weak_labels(facts),
        "Splits": splits(settings["splits"]),
        "Networks": networks(facts),
        "Choice of the transfer": tuning(facts),
        "Statistics": statistics(settings["evaluation"], facts),
        "Software": software(),
    }
    return "\n\n".join(f"{heading}. {text}" for heading, text in parts.items()) + "\n"


def data(facts):
    """Returns sentences on each cohort: its role, size and human labels."""
    sentences = []
    for name, cohort in facts["cohorts"].items():
        if name not in facts["numbers"]:
            continue
        size = facts["numbers"][name]
        exams = f"{size['usable_exams']} of {size['exams']} exams of {size['exam_patients']} patients could be used. "
        sentences.append(
            f"Cohort {name} ({cohort['role']}; layout {cohort['layout']}{', simulated' * cohort['simulated']}): "
            + exams * (size["exams"] is not None)
            + f"Of {size['pairs']} pairs of exams, {size['maps']} gave a difference map that passed the checks; "
            f"{size['labelled']} of these have a human label, the majority of the readers, and {size['tested']} maps "
            f"of {counted(size['tested_patients'], 'patient')} ({size['unstable']} unstable) were tested."
        )
    return " ".join(sentences)


def imaging(settings, cohorts):
    """Returns sentences on the way from exams to difference maps, with the engines in their own words."""
    engines = [f"{kind.replace('_', ' ')} by {_told('imaging.' + kind, settings[kind])}" for kind in IMAGING]
    fallback = ", ".join(settings["registration_fallback"])
    stripped = ", ".join(name for name, cohort in cohorts.items() if cohort["skull_stripped"])
    sharp = "The exams of a pair were blurred to one point spread. " if settings["sharpness"] == "equal" else ""
    space = "half-way between both exams" if settings["space"] == "half-way" else "of the current exam"
    return (
        f"Each exam and pair went through: {'; '.join(engines)}. "
        + f"The exams of {stripped} came without skull, so that the brain was what is not zero. " * bool(stripped)
        + f"Where a registration failed its checks, others were tried in turn: {fallback}. " * bool(fallback)
        + f"{sharp}Maps lie on the grid {space}. Pairs were left out with an exam within {settings['surgery_days']} "
        f"days after surgery, more than {settings['max_days']} days apart, with a brain outside "
        f"{settings['min_brain_ml']} to {settings['max_brain_ml']} ml, with registered exams that correlate below "
        f"{settings['min_similarity']}, or beyond a limit of quality ("
        + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in settings["limits"].items())
        + ")."
    )


def weak_labels(facts):
    """Returns sentences on where weak labels came from."""
    development = next(iter(facts["numbers"]))
    source, labels = facts["cohorts"][development]["weak"], facts["settings"]["labels"]
    offered = f"A model was offered {span(one['pairs']['weak'] for one in facts['manifests'])} weakly labelled maps."
    if source == "none":
        return "None were given."
    if source == "given":
        return f"They were made elsewhere and taken as given. {offered}"
    # The files say what was offered; which parts a fold's stack took, its weak.tsv does.
    parts = " and ".join(labels["parts"])
    return (
        f"Reports were read by rules for {', '.join(facts['cohorts'][development]['languages'])}; "
        f"{parts} were offered to a stack that is fitted anew for each outer fold, on the human labels of the patients "
        "that the fold does not test; the column source of a fold's weak.tsv names the parts that counted there, or "
        f"says that labels were too few and are ranked (seed {labels['seed']}). {offered} No pair of a "
        "validation or test patient was among them."
    )


def splits(settings):
    """Returns sentences on the cross-validation."""
    drawn = "stratified by label" if settings["stratified"] else "regardless of labels"
    share = f", which draws {settings['validation']:.0%} of the training patients" if settings["inner"] == 1 else ""
    repeats = counted(settings["repeats"], "repeat")
    return (
        f"Patients were split into {settings['folds']} outer folds, {drawn}, in {repeats} "
        f"(seed {settings['seed']}), each with {counted(settings['inner'], 'inner split')}{share}."
    )


def networks(facts):
    """Returns sentences on the arms and how they were trained."""
    training = facts["settings"]["training"]
    arms = []
    for name, row in facts["arms"].items():
        grid = training["grids"][row["grid"]]
        voxels, size = (" x ".join(map(str, grid[key])) for key in ("shape", "spacing_mm"))
        resized = "resized to it" if grid.get("resize") else f"of {size} mm"
        words = [f"{kind} {row[kind]}" for kind in TRAINING]
        words += [f"{voxels} voxels {resized}", f"weak labels {row['weak_labels']}", f"weighted by {row['weighting']}"]
        primary = ", declared primary in arms.tsv" if row["primary"] == "yes" else ""
        trained, total = facts["models"][name]
        arms.append(f"{name} ({', '.join(words)}{primary}; {trained} of {total} models trained)")
    told = {(kind, row[kind]): f"{kind} {_told(package.removeprefix('gliodelta.'), row[kind])}"
            for row in facts["arms"].values() for kind, package in TRAINING.items()}  # fmt: skip
    recipes = [
        f"{name} ({row['method']}, {row['encoder']}, weak labels cut by {row['cut_by']} {row['cut']})"
        for name, row in facts["recipes"].items()
    ]
    return (
        f"The arms were {'; '.join(arms)}. "
        + f"They chose from the recipes {'; '.join(recipes)}. " * bool(recipes)
        + f"Trainings used Adam, batches of {training['batch_size']} and at most "
        f"{training['epochs']} epochs ({training['pretraining_epochs']} in pretraining), and stopped after "
        f"{training['patience']} epochs without a better validation AUC (seed {training['seed']}). "
        f"By name: {'; '.join(told.values())}."
    )


def tuning(facts):
    """Returns sentences on the search of each arm and what it chose."""
    settings = facts["settings"]["tuning"]
    budget = f"{settings['budget']} trials for every arm" if settings["budget"] else "one trial a setting"
    pruned = ", the worse half dropped after each inner split" if settings["pruning"] == "halving" else ""
    searches = []
    for name, row in facts["arms"].items():
        space = {key: ", ".join(listed(row, key)) or "none" for key in
                 ("strategies", "recipes", "learning_rates", "weight_decays")}  # fmt: skip
        chosen = Counter(facts["chosen"][name]).most_common()
        told = "; ".join(f"{key.replace('_', ' ')} {value}" for key, value in space.items())
        ways = ", ".join(f"{strategy} in {counted(folds, 'outer fold')}" for strategy, folds in chosen)
        searches.append(f"{name}: {told}; chosen: {ways or 'none, since no model could be trained'}")
    return (
        f"How knowledge is transferred is a hyperparameter, chosen for each outer fold by the mean AUC on inner "
        f"validation patients only ({budget}{pruned}; seed {settings['seed']}). {'. '.join(searches)}."
    )


def statistics(settings, facts):
    """Returns sentences on how predictions were made and judged."""
    external = [name for name, cohort in facts["cohorts"].items() if cohort["role"] == "external"]
    return (
        "Scores were calibrated (Platt) on each model's validation patients, where these had both classes. A test "
        "map's probability is the mean of its fold's inner models, then of the repeats"
        + (f"; on {', '.join(external)} it is the mean of all models" if external else "")
        + ". Thresholds (Youden) were chosen on validation patients. Intervals are 95 % percentiles over "
        f"{settings['bootstraps']} draws of whole patients (seed {settings['seed']}) and leave out how another "
        "training would vary. The pooled AUC of the primary arm was compared with every other arm and comparator by a "
        f"paired permutation with one coin a patient ({settings['bootstraps']} permutations, +1 rule), corrected by "
        "Holm; DeLong's test, clustered by patient, stands beside it. The calibration error has "
        f"{settings['bins']} bins."
    )


def software():
    """Returns the versions of this environment."""
    found = [f"Python {platform.python_version()}", f"gliodelta {__version__}"]
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return f"{', '.join(found)}; all others stand in provenance.json."


def _told(package, name):
    """A plug-in's name with the first sentence of its docstring, which cites what it is."""
    plugins.check(f"gliodelta.{package}", name)
    folder = Path(__file__).resolve().parents[1].joinpath(*package.split("."))
    module = ast.parse((folder / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8"))
    return f"{name} ({ast.get_docstring(module).splitlines()[0].rstrip('.')})"
