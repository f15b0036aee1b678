"""What the jobs of a run took, and what the trainings of a planned study would take.

    python -m gliodelta.resources measured [BENCHMARKS]
    python -m gliodelta.resources planned CONFIG --human 233 --weak 1460 --seconds 3

Both print a Markdown table. The first reads what Snakemake measured of each job (`benchmark:` of the rules); the second
counts the trainings that a configuration asks for and multiplies.
"""

import argparse
import csv
import math
from pathlib import Path
from statistics import median

from gliodelta import io, plugins
from gliodelta.experiments import read_experiments
from gliodelta.schema import validate

MEASURED = ("stage", "rule", "jobs", "CPU s", "most", "wall s", "most", "memory MB, most", "CPU hours of all")
PLANNED = ("step", "trainings", "maps an epoch", "million maps", "CPU hours")
# A pass without gradients costs about a third of one with: forward, and backward through weights and through inputs.
FORWARD = 1 / 3


def measured(folder):
    """Summarises the benchmarks of a run by rule.

    Args:
        folder: of the benchmarks, ``<stage>/<rule>/...tsv`` or ``<stage>/<rule>.tsv``.

    Returns:
        list of rows in the order of `MEASURED`, by stage and rule: the medians and maxima of processor seconds and of
        wall seconds, the most memory (resident, all processes of a job) and all processor seconds together, in hours.
        NaN where jobs were too short for Snakemake to measure.
    """
    jobs = {}
    for file in sorted(Path(folder).rglob("*.tsv")):
        stage, rule = file.relative_to(folder).with_suffix("").parts[:2]
        with open(file, encoding="utf-8", newline="") as opened:
            jobs.setdefault((stage, rule), []).extend(csv.DictReader(opened, delimiter="\t"))
    return [(*rule, len(rows), *_summary(rows)) for rule, rows in jobs.items()]


def _summary(rows):
    processor, wall, memory = ([_number(row[column]) for row in rows] for column in ("cpu_time", "s", "max_rss"))
    processor, wall, memory = ([value for value in found if value == value] for found in (processor, wall, memory))
    middle = [value for found in (processor, wall) for value in (_of(median, found), _of(max, found))]
    return *middle, _of(max, memory), sum(processor) / 3600


def _of(function, values):
    return function(values) if values else math.nan


def _number(text):
    try:
        return float(text)
    except ValueError:
        # "NA" or "-", as Snakemake writes what it could not measure.
        return math.nan


def planned(config, human, weak, seconds):
    """Counts the trainings of a study and what they cost when every one takes all of its epochs.

    Early stopping, resumed work and settings that were pruned make it less, so this is the most. Imaging, labels and
    evaluation are not in it.

    Args:
        config: validated configuration (schema `config`).
        human, weak: numbers of pairs with human and with weak labels.
        seconds: processor seconds that one map takes in training; a map of the validation takes `FORWARD` of it.

    Returns:
        list of rows in the order of `PLANNED`: one a recipe, and two an arm.
    """
    arms, recipes = read_experiments(config)
    splits, training = config["splits"], config["training"]
    models = splits["repeats"] * splits["folds"] * splits["inner"]
    pool = human * (1 - 1 / splits["folds"])
    checked = pool * (splits["validation"] if splits["inner"] == 1 else 1 / splits["inner"])
    kept = {name: weak * (float(row["cut"]) if row["cut_by"] == "quantile" else 1) for name, row in recipes.items()}
    rows = [
        _row(f"pretraining {name}", models, kept[name] + FORWARD * checked, training["pretraining_epochs"], seconds)
        for name in recipes
    ]
    for name, row in arms.items():
        sizes = _sizes(row, kept, pool - checked)
        trials = config["tuning"]["budget"] or len(sizes)
        # Trials go round the settings.
        mean = sum(sizes[trial % len(sizes)] for trial in range(trials)) / trials + FORWARD * checked
        rows.append(_row(f"tuning {name}", trials * models, mean, training["epochs"], seconds))
        rows.append(_row(f"transfer {name}", models, max(sizes) + FORWARD * checked, training["epochs"], seconds))
    return rows


def _row(step, trainings, maps, epochs, seconds):
    seen = trainings * maps * epochs
    return step, trainings, maps, seen / 1e6, seen * seconds / 3600


def _sizes(arm, kept, human):
    """Numbers of maps that the settings of an arm train on."""
    import pandas as pd

    from gliodelta.tuning.space import settings

    sizes = []
    for setting in settings(arm, arm["recipes"].split(",") if arm.get("recipes") else [], seed=0):
        weak = pd.DataFrame(index=range(round(kept.get(setting["recipe"], 0))))
        rows = plugins.load(plugins.STRATEGIES, setting["strategy"]).training_rows
        sizes.append(len(rows(pd.DataFrame(index=range(round(human))), weak)))
    return sizes


def markdown(columns, rows):
    """Returns rows as a Markdown table."""
    cells = [[_cell(cell) for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in [columns, ["---"] * len(columns), *cells])


def _cell(value):
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else value


def main(arguments=None):
    """Prints the table asked for; `arguments` as on the command line."""
    parser = argparse.ArgumentParser(prog="python -m gliodelta.resources", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    done = commands.add_parser("measured", help="what each rule took")
    done.add_argument("benchmarks", nargs="?", default="benchmarks", help="folder of the benchmarks (benchmarks)")
    plan = commands.add_parser("planned", help="what the trainings of a configuration would take at most")
    plan.add_argument("config", help="such as config/paper.yaml")
    plan.add_argument("--human", type=int, required=True, help="pairs with human labels")
    plan.add_argument("--weak", type=int, required=True, help="pairs with weak labels")
    plan.add_argument("--seconds", type=float, required=True, help="processor seconds a map takes in training")
    plan.add_argument("--budget", type=int, help="trials an arm, in place of tuning: budget of the configuration")
    asked = parser.parse_args(arguments)
    if asked.command == "measured":
        print(markdown(MEASURED, measured(asked.benchmarks)))
        return
    config = validate(io.read_yaml(asked.config), "config", asked.config)
    if asked.budget is not None:
        config["tuning"]["budget"] = asked.budget
    rows = planned(config, asked.human, asked.weak, asked.seconds)
    total = ("all", sum(row[1] for row in rows), "", sum(row[3] for row in rows), sum(row[4] for row in rows))
    print(markdown(PLANNED, [*rows, total]))


if __name__ == "__main__":
    main()
