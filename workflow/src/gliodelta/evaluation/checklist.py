"""Reporting checklists, filled in where the workflow knows the answer.

TRIPOD+AI: Collins et al. 2024, doi:10.1136/bmj-2023-078378. CLAIM: Mongan et al. 2020, doi:10.1148/ryai.2020200029
(its 2024 update numbers the items otherwise). Topics are in our words: the wording is that of the publications. What
only people know (why, who, with whose leave) is left to them.
"""

from gliodelta.evaluation.methods import MAPS

ANSWERED, PARTLY, AUTHORS = "answered", "answered in part", "for the authors to fill in"
TRIPOD, CLAIM = "TRIPOD+AI", "CLAIM 2020"
COLUMNS = ["guideline", "item", "topic", "status", "answer", "where"]
# (guideline, item, topic, answer, where, whether the answer is whole). Answers are filled in from `words`.
ITEMS = (
    (TRIPOD, "1", "title", "", "", False),
    (TRIPOD, "2", "abstract", "", "", False),
    (TRIPOD, "3a-c", "background, intended use, known inequalities", "", "", False),
    (TRIPOD, "4", "objectives", "", "", False),
    (TRIPOD, "5a", "sources of data", "cohorts {cohorts}", "overview", False),
    (TRIPOD, "5b", "dates of the data", "", "", False),
    (TRIPOD, "6a", "setting and centres", "", "", False),
    (TRIPOD, "6b", "eligibility of participants", "exclusions with their reasons and numbers", "flow diagram", False),
    (TRIPOD, "6c", "treatments received", "", "", False),
    (TRIPOD, "7", "data preparation, also across groups", "{preparation}", "methods: Imaging", False),
    (TRIPOD, "8a", "outcome and how it was determined", "{outcome}", "methods: Data", False),
    (TRIPOD, "8b", "qualification of outcome assessors", "", "", False),
    (TRIPOD, "8c", "blinding of outcome assessment", "", "", False),
    (TRIPOD, "9a", "choice of predictors", "the two exams: {inputs}", "methods: Networks", False),
    (TRIPOD, "9b", "definition of predictors", "difference maps", "methods: Imaging", True),
    (TRIPOD, "10", "sample size, and why", "{tested}", "flow diagram", False),
    (TRIPOD, "11", "missing data", "pairs without a map or label are left out and counted", "flow diagram", True),
    (TRIPOD, "12a", "how the data were used", "{folds}", "methods: Splits", True),
    (TRIPOD, "12b", "how predictors are handled", "{preparation}", "methods: Imaging", True),
    (TRIPOD, "12c", "type of model, all steps of building it", "{arms}", "methods: Networks, Choice", True),
    (
        TRIPOD,
        "12d",
        "differences between clusters",
        "metrics by interval, and by what else is known of exams",
        "subgroups.tsv",
        True,
    ),
    (TRIPOD, "12e", "measures of performance", "{measures}", "metrics.tsv", True),
    (
        TRIPOD,
        "12f",
        "updating of the model after the evaluation",
        "none at home; external: even_prior, transductive",
        "scores.tsv",
        True,
    ),
    (TRIPOD, "12g", "how predictions are calculated", "{prediction}", "methods: Statistics", True),
    (TRIPOD, "13", "class imbalance", "losses {losses}", "methods: Networks", True),
    (TRIPOD, "14", "fairness", "subgroups by scanner and language only", "subgroups.tsv", False),
    (TRIPOD, "15", "output of the model", "probability of unstable; threshold by Youden", "methods: Statistics", True),
    (TRIPOD, "16", "training and evaluation data compared", "", "", False),
    (TRIPOD, "17", "ethical approval", "", "", False),
    (TRIPOD, "18a-e", "funding, conflicts, protocol, registration, data", "", "", False),
    (TRIPOD, "18f", "code", "commit and checksums", "provenance.json", False),
    (TRIPOD, "19", "patient and public involvement", "", "", False),
    (TRIPOD, "20a", "flow of participants", "drawn with all reasons", "flow diagram", True),
    (TRIPOD, "20b", "characteristics of participants", "", "", False),
    (TRIPOD, "21", "participants and outcomes in each analysis", "{tested}", "counts.tsv, metrics.tsv", True),
    (TRIPOD, "22", "the model in full", "weights as safetensors, with checksums", "provenance.json", True),
    (TRIPOD, "23a", "performance with intervals", "{result}", "summary.tsv", True),
    (TRIPOD, "23b", "heterogeneity of performance", "by fold and by subgroup", "metrics.tsv, subgroups.tsv", True),
    (TRIPOD, "24", "results of updating", "external: even_prior, transductive", "scores.tsv", True),
    (TRIPOD, "25", "interpretation", "", "", False),
    (TRIPOD, "26", "limitations", "those that follow from the method", "overview: Limits", False),
    (TRIPOD, "27a-c", "usability in care", "pairs that fail the checks are refused with a reason", "maps.tsv", False),
    (CLAIM, "1-4", "title, abstract, background, aims", "", "", False),
    (CLAIM, "5", "prospective or retrospective", "", "", False),
    (CLAIM, "6", "goal of the study", "", "", False),
    (CLAIM, "7", "data sources", "cohorts {cohorts}", "overview", False),
    (CLAIM, "8", "eligibility", "exclusions with their reasons and numbers", "flow diagram", False),
    (CLAIM, "9", "preprocessing", "{preparation}", "methods: Imaging", True),
    (CLAIM, "10-11", "subsets of the data, definitions of data elements", "", "", False),
    (CLAIM, "12", "de-identification", "tables hold pseudonyms; raw paths stay outside", "", False),
    (CLAIM, "13", "missing data", "left out and counted", "flow diagram", True),
    (CLAIM, "14", "definition of the reference standard", "{outcome}", "methods: Data", False),
    (CLAIM, "15", "why this reference standard", "", "", False),
    (CLAIM, "16", "source of annotations, qualification of readers", "", "", False),
    (CLAIM, "17", "tools of annotation", "", "", False),
    (CLAIM, "18", "variability of readers", "{agreement}", "agreement.tsv", False),
    (CLAIM, "19", "intended sample size", "", "", False),
    (CLAIM, "20-21", "partitions, and at which level they are disjoint", "{folds}", "methods: Splits", True),
    (CLAIM, "22", "description of the model", "{arms}", "methods: Networks", True),
    (CLAIM, "23", "software", "with versions", "methods: Software, provenance.json", True),
    (CLAIM, "24", "initialisation of the model", "random by seed, or a recipe's encoder", "methods: Choice", True),
    (CLAIM, "25", "training", "optimiser, batches, epochs, augmentation, search", "methods: Networks, Choice", True),
    (CLAIM, "26", "choice of the final model", "highest mean AUC on inner validation patients", "trials.tsv", True),
    (CLAIM, "27", "ensembles", "{prediction}", "methods: Statistics", True),
    (CLAIM, "28", "metrics of performance", "{measures}", "metrics.tsv", True),
    (CLAIM, "29", "significance and uncertainty", "draws of whole patients; {tests}", "methods: Statistics", True),
    (CLAIM, "30", "robustness", "by fold and by subgroup", "metrics.tsv, subgroups.tsv", False),
    (CLAIM, "31", "explainability", "saliency by occlusion", "evaluation: examples", False),
    (CLAIM, "32", "external test", "{external}", "summary.tsv", True),
    (CLAIM, "33", "flow of participants", "drawn with all reasons", "flow diagram", True),
    (CLAIM, "34", "demographic and clinical characteristics", "", "", False),
    (CLAIM, "35-36", "performance with its precision", "{result}", "summary.tsv", True),
    (CLAIM, "37", "failure analysis", "the most confident wrong pairs, shown", "evaluation: examples", False),
    (CLAIM, "38-39", "limitations, implications", "those that follow from the method", "overview: Limits", False),
    (CLAIM, "40-42", "registration, protocol, funding", "", "", False),
)


def fill(facts):
    """Fills the checklists in.

    Args:
        facts: result of `describe.gather`.

    Returns:
        pandas.DataFrame with `COLUMNS`; status is answered, answered in part, or for the authors to fill in.
    """
    import pandas as pd

    said = words(facts)
    rows = []
    for guideline, item, topic, answer, where, whole in ITEMS:
        status = AUTHORS if not answer else ANSWERED if whole else PARTLY
        rows.append((guideline, item, topic, status, answer.format(**said), where))
    return pd.DataFrame(rows, columns=COLUMNS)


def words(facts):
    """Returns what the answers are made of, by name."""
    settings, summary = facts["settings"], facts["summary"]
    own = summary[summary["arm"] == facts["primary"]]
    external = [name for name in facts["numbers"] if facts["cohorts"][name]["role"] == "external"]
    tested = [
        f"{size['tested']} maps of {size['tested_patients']} patients, {size['unstable']} unstable, in {name}"
        for name, size in facts["numbers"].items()
    ]
    given = [name for name in facts["numbers"] if facts["cohorts"][name]["layout"] == MAPS]
    pipeline = "one pipeline for all exams" if len(given) < len(facts["numbers"]) else ""
    elsewhere = f"the maps of {', '.join(given)} were made elsewhere" if given else ""
    areas = [f"{row.cohort}: AUC {row.auc}" for row in own.itertuples() if isinstance(row.auc, str) and row.auc]
    return {
        "cohorts": ", ".join(
            f"{name} ({'simulated' if facts['cohorts'][name]['simulated'] else facts['cohorts'][name]['layout']})"
            for name in facts["numbers"]
        ),
        "preparation": "; ".join(text for text in (pipeline, elsewhere) if text),
        "outcome": "stable or unstable (progression or response), by the majority of the readers",
        "inputs": ", ".join(dict.fromkeys(row["representation"] for row in facts["arms"].values())),
        "tested": "; ".join(tested),
        "folds": f"{settings['splits']['repeats']} x {settings['splits']['folds']} outer folds, each with "
        f"{settings['splits']['inner']} inner, disjoint by patient",
        "arms": ", ".join(f"{name} ({row['encoder']})" for name, row in facts["arms"].items()),
        "losses": ", ".join(dict.fromkeys(row["loss"] for row in facts["arms"].values())),
        "measures": "AUC, AP, sensitivity, specificity, predictive values, calibration, net benefit",
        "prediction": "mean calibrated probability of the models",
        "tests": "paired permutation with one coin a patient, Holm",
        "result": f"{facts['primary']}, {'; '.join(areas) or 'no AUC could be computed'}",
        "agreement": "kappa of the readers"
        if facts["cohorts"][next(iter(facts["numbers"]))]["weak"] != "given"
        else "not computed here",
        "external": f"on {', '.join(external)}" if external else "none was run",
    }
