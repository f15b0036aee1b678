"""The methods paragraph of a paper, put together from what was configured and counted: nothing in it is a plan.

How it names the variants stands in methods.yaml.
"""

import importlib.metadata
import platform
from collections import Counter
from functools import cache
from pathlib import Path

from gliodelta import __version__, io, plugins
from gliodelta.evaluation.flow import counted, span
from gliodelta.experiments import TRAINING, listed

IMAGING = ("bias_correction", "brain_extraction", "registration", "normalisation")
# The layout of cohorts of which difference maps are given, and no exams.
MAPS = "difference-maps"
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
            + f"Of {size['pairs']} pairs of exams, {size['maps']} have a difference map that passed the checks; "
            f"{size['labelled']} of these have a human label, the majority of the readers, and {size['tested']} maps "
            f"of {counted(size['tested_patients'], 'patient')} ({size['unstable']} unstable) were tested."
        )
    return " ".join(sentences)


def imaging(settings, cohorts):
    """Returns sentences on the way from exams to difference maps, and on maps that are given."""
    scanned = {name: cohort for name, cohort in cohorts.items() if cohort["layout"] != MAPS}
    given = ", ".join(name for name in cohorts if name not in scanned)
    sentences = list(_processing(settings, scanned)) if scanned else []
    if given:
        sentences.append(f"The absolute difference maps of {given} were made elsewhere and taken as they are")
    sentences.append(
        f"Exams within {settings['surgery_days']} days after surgery and pairs more than {settings['max_days']} days "
        "apart were left out"
    )
    return f"{'. '.join(sentences)}."


def _processing(settings, cohorts):
    """Sentences on what was done to the exams of these cohorts."""
    stripped = [name for name, cohort in cohorts.items() if cohort["skull_stripped"]]
    engines = [
        f"{kind.replace('_', ' ')} by {named('imaging.' + kind, settings[kind])}"
        for kind in IMAGING
        if settings[kind] != "none" and (kind != "brain_extraction" or len(stripped) < len(cohorts))
    ]
    yield f"The exams of {', '.join(cohorts)} went through {'; '.join(engines)}"
    if stripped:
        yield f"Those of {', '.join(stripped)} came without skull, so that the brain was what is not zero"
    if settings["registration_fallback"]:
        others = [named("imaging.registration", name) for name in settings["registration_fallback"]]
        yield f"Where a registration failed its checks, others were tried in turn: {'; '.join(others)}"
    if settings["sharpness"] == "equal":
        yield "The exams of a pair were blurred to one point spread"
    space = "half-way between both exams" if settings["space"] == "half-way" else "of the current exam"
    yield f"Maps lie on the grid {space}"
    limits = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in settings["limits"].items())
    yield (
        f"Pairs were left out with a brain outside {settings['min_brain_ml']} to {settings['max_brain_ml']} ml, with "
        f"registered exams that correlate below {settings['min_similarity']}, or beyond a limit of quality ({limits})"
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
    rows = [*facts["arms"].values(), *facts["recipes"].values()]
    kinds = {**TRAINING, "method": plugins.METHODS}
    told = dict.fromkeys(
        f"{kind}, {named(package, row[kind])}" for kind, package in kinds.items() for row in rows if kind in row
    )
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
        f"The parts are: {'; '.join(told)}."
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
        best = ", ".join(f"{strategy} in {counted(folds, 'outer fold')}" for strategy, folds in chosen)
        searches.append(f"{name}: {told}; chosen: {best or 'none, since no model could be trained'}")
    ways = dict.fromkeys(
        named(plugins.STRATEGIES, name) for row in facts["arms"].values() for name in listed(row, "strategies")
    )
    return (
        f"How knowledge is transferred is a hyperparameter, chosen for each outer fold by the mean AUC on inner "
        f"validation patients only ({budget}{pruned}; seed {settings['seed']}). The "
        f"strategies were {'; '.join(ways)}. {'. '.join(searches)}."
    )


def statistics(settings, facts):
    """Returns sentences on how predictions were made and judged."""
    external = [name for name, cohort in facts["cohorts"].items() if cohort["role"] == "external"]
    bare = "; ".join(
        f"{counted(number, 'model')} of {arm}" for arm, (number, _) in facts["uncalibrated"].items() if number
    )
    return (
        "Scores were calibrated (Platt scaling, Platt 1999) on each model's validation patients"
        + f" (but not those of {bare}, whose validation pairs lack a class)" * bool(bare)
        + ". A test map's probability is the mean of its fold's inner models, then of the repeats"
        + (f"; on {', '.join(external)} it is the mean of all models" if external else "")
        + ". Thresholds (Youden) were chosen on validation patients. Intervals are 95 % percentiles over "
        f"{settings['bootstraps']} draws of whole patients (seed {settings['seed']}; draws in which a number is "
        "undefined, such as an AUC of one class, are left out and counted) and leave out how another training would "
        "vary. The pooled AUC of the primary arm was compared with every other arm and comparator by a "
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


def named(package, name):
    """Returns a variant as a paper names it, followed by its name in the configuration.

    Args:
        package: dotted name of the plug-in folder, such as ``gliodelta.imaging.registration``.
        name: of the variant.
    """
    phrase = _phrases().get(package.removeprefix("gliodelta."), {}).get(name)
    return f"{phrase} [{name}]" if phrase else name


@cache
def _phrases():
    return io.read_yaml(Path(__file__).with_name("methods.yaml"))
