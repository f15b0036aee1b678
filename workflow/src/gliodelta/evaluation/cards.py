"""A model card an arm (Mitchell et al. 2019, doi:10.1145/3287560.3287596): what its models are for, and how good."""

from collections import Counter

from gliodelta import __version__, io
from gliodelta.evaluation.counts import say_uncalibrated, uncalibrated
from gliodelta.evaluation.flow import span
from gliodelta.evaluation.methods import MAPS
from gliodelta.evaluation.page import LIMITS
from gliodelta.evaluation.summary import with_interval
from gliodelta.experiments import TRAINING, listed

USE = (
    "To find out, in research, whether two T2-weighted MRI exams of a patient with a glioma differ as exams do that "
    "radiologists call changed. The score does not tell progression from response, nor either from effects of "
    "treatment.",
    "{input}",
    "Not a medical device. Not for diagnosis, treatment or triage of a patient, and not for other diseases, contrasts "
    "or ages than those of the training data.",
)
EXAMS = (
    "Input are two exams that went through this workflow's imaging stage and passed its checks; pairs that fail them "
    "are refused with a reason."
)
GIVEN = (
    "Input are absolute difference maps as they were given for the training data: this workflow did not make them, and "
    "maps that it makes of exams are of another kind."
)
SHOWN = ("auc", "ap", "sensitivity", "specificity", "ppv", "npv", "brier", "calibration-error")


def write_card(arm, row, cohorts, metrics, lineages, manifests, card):
    """Writes the card of an arm.

    Args:
        arm: its name.
        row: its row of arms.tsv.
        cohorts: dict of each cohort, the development cohort first, to its dict of `role`, `layout` and `simulated`.
        metrics: table of `arms.evaluate_arms`.
        lineages: lineage.json of the arm's models.
        manifests: lineage.json of all manifests.
        card: Markdown file to write.
    """
    models, splits = ([io.read_json(path) for path in paths] for paths in (lineages, manifests))
    table = io.read_table(metrics)
    learnt = GIVEN if next(iter(cohorts.values()))["layout"] == MAPS else EXAMS
    cohorts = {name: cohort for name, cohort in cohorts.items() if (table["cohort"] == name).any()}
    sections = {
        f"Model card of the arm {arm}": [f"gliodelta {__version__}. Checksums of the weights are in provenance.json."],
        "Intended use": _items(text.format(input=learnt) for text in USE),
        "Models": _items(_models(row, models)),
        "Training data": _items(_data(splits, cohorts)),
        "Performance": _performance(table[table["arm"] == arm], cohorts),
        "Limits": _items((*_simulated(cohorts), *LIMITS)),
    }
    texts = [f"{'#' * (1 + (place > 0))} {head}\n\n" + "\n".join(body) for place, (head, body) in
             enumerate(sections.items())]  # fmt: skip
    io.write_text("\n\n".join(texts) + "\n", card)


def _items(sentences):
    return [f"- {text}" for text in sentences]


def _models(row, models):
    trained = [one for one in models if one["status"] == "trained"]
    chosen = Counter(one["setting"]["strategy"] for one in trained).most_common()
    yield f"{len(trained)} trained models of {len(models)} splits of a cross-validation by patient."
    yield ", ".join(f"{kind} {row[kind]}" for kind in TRAINING) + f", grid {row['grid']}."
    yield f"Searched: strategies {', '.join(listed(row, 'strategies'))}; chosen in {len(trained)} models: " + (
        ", ".join(f"{name} ({number})" for name, number in chosen) or "none"
    ) + "."  # fmt: skip
    yield "Declared primary in arms.tsv." if row["primary"] == "yes" else "Not the primary arm."
    bare, _ = uncalibrated(models)
    yield "Scores are calibrated on each model's own validation patients (Platt)" + (
        f", but the {say_uncalibrated(bare, len(trained))}." if bare else "."
    )


def _data(splits, cohorts):
    human, unstable = (span(one[key]["train"] for one in splits) for key in ("pairs", "unstable"))
    yield f"Human labels of {next(iter(cohorts))}: a model trains on {human} maps, {unstable} of them unstable."
    weak = span(one["pairs"]["weak"] for one in splits)
    yield f"Weak labels offered to a model: {weak} maps. None are of its validation or test patients."
    yield "Who the patients are (age, sex, diagnosis, treatment): for the authors to fill in."


def _performance(table, cohorts):
    """A table: a metric a row, a cohort a column, each with its interval; or that nothing was scored."""
    names = [name for name in cohorts if (table["cohort"] == name).any()]
    kinds = {name: "cross-validated" if cohorts[name]["role"] == "development" else "external" for name in names}
    rows = [["metric", *(f"{name} ({kind})" for name, kind in kinds.items())], ["---"] * (len(names) + 1)]
    own = table[table["metric"].isin(SHOWN)].set_index(["cohort", "metric"])
    for metric in SHOWN:
        rows.append([metric, *(_value(own, name, metric) for name in names)])
    rows.append(["maps (patients)", *(_size(own, name) for name in names)])
    return [f"| {' | '.join(row)} |" for row in rows] + [
        "",
        "Brackets are 95 % intervals over draws of whole patients.",
    ]


def _value(own, cohort, metric):
    if (cohort, metric) not in own.index or own.loc[(cohort, metric), "value"] != own.loc[(cohort, metric), "value"]:
        return "n/a"
    return with_interval(*own.loc[(cohort, metric), ["value", "low", "high"]])


def _size(own, cohort):
    if (cohort, "auc") not in own.index:
        return "none scored"
    return "{:.0f} ({:.0f})".format(*own.loc[(cohort, "auc"), ["n_maps", "n_patients"]])


def _simulated(cohorts):
    names = [name for name, cohort in cohorts.items() if cohort["simulated"]]
    return [f"Of simulated patients: {', '.join(names)}. Nothing here speaks of real ones."] if names else []
