"""The first page of the report: what came in, how it was studied, what came out, and what that does not say."""

from collections import Counter
from pathlib import Path

from gliodelta import io
from gliodelta.evaluation import checklist, flow, methods, page
from gliodelta.evaluation.counts import uncalibrated
from gliodelta.tables import PAIR

SUMMARY, COMPARISONS = "summary", "comparisons"


def describe_study(study, tables, cohorts, facts, manifests, lineages, outputs):
    """Writes the flow diagram, the methods paragraph, the checklist and the page that holds all of them.

    Args:
        study, tables, cohorts, facts, manifests, lineages: see `gather`.
        outputs: dict of what to write: `flow` (PNG), `methods` (text, for copying into a paper), `checklist` (table:
            guideline, item, topic, status, answer, where) and `page` (HTML that needs no other file).
    """
    gathered = gather(study, tables, cohorts, facts, manifests, lineages)
    paragraphs = methods.write_methods(gathered)
    items = checklist.fill(gathered)
    flow.draw_flow(gathered["chains"], outputs["flow"])
    io.write_text(paragraphs, outputs["methods"])
    io.write_table(items, outputs["checklist"])
    io.write_text(page.write_page(gathered, paragraphs, items, outputs["flow"]), outputs["page"])


def gather(study, tables, cohorts, facts, manifests, lineages):
    """Collects what is told of a study.

    Args:
        study: dict with `settings` (the configuration), `arms` and `recipes` (dicts of name to row) and `cohorts`
            (dict of name to `role`, `layout`, `skull_stripped`, `simulated`, `languages` and `weak`, where weak labels
            come from: reports | given | none).
        tables: dict with the results `pairs`, `summary` and `comparisons` of `arms.evaluate_arms`.
        cohorts: names of the labelled cohorts, the development cohort first.
        facts: dict of `maps` and `labels`, the tables of each of the cohorts, and `exams`, ``.../{cohort}/exams.tsv``
            of those of which exams are given.
        manifests: lineage.json of all manifests.
        lineages: lineage.json of every arm and split.

    Returns:
        dict: `study`'s keys; `primary`, the primary arm; `chains` and `numbers` of each cohort (`flow.count_cohort`);
        `manifests` (list of dicts); `models`, (trained, all) of each arm; `uncalibrated`, (uncalibrated, trained) of
        each arm; `chosen`, a Counter of the strategies that each arm's outer folds chose; `summary` and `comparisons`
        (pandas.DataFrame).
    """
    pairs = io.read_table(tables["pairs"])
    primary = next(name for name, row in study["arms"].items() if row["primary"] == "yes")
    tested = pairs[pairs["arm"] == primary]
    exams = {Path(file).parent.name: io.read_table(file) for file in facts["exams"]}
    chains, numbers = [], {}
    for name, maps, labels in zip(cohorts, facts["maps"], facts["labels"], strict=True):
        own = tested.loc[tested["cohort"] == name, [*PAIR, "y_true"]]
        title = f"{name} ({study['cohorts'][name]['role']})"
        chain, numbers[name] = flow.count_cohort(title, exams.get(name), io.read_table(maps), labels, own)
        chains.append(chain)
    manifests = [io.read_json(path) for path in manifests]
    weak = flow.count_weak(manifests)
    return {
        **study,
        "primary": primary,
        "chains": [*chains[:1], *([weak] if weak else []), *chains[1:]],
        "numbers": numbers,
        "manifests": manifests,
        **_models([io.read_json(path) for path in lineages], study["arms"]),
        SUMMARY: io.read_table(tables[SUMMARY]),
        COMPARISONS: io.read_table(tables[COMPARISONS]),
    }


def _models(lineages, arms):
    models, chosen, bare = {}, {}, {}
    for arm in arms:
        own = [one for one in lineages if one["arm"] == arm]
        trained = [one for one in own if one["status"] == "trained"]
        models[arm], bare[arm] = (len(trained), len(own)), uncalibrated(own)
        # The inner models of an outer fold share its setting.
        folds = {(one["repeat"], one["fold"]): one["setting"]["strategy"] for one in trained}
        chosen[arm] = Counter(folds.values())
    return {"models": models, "chosen": chosen, "uncalibrated": bare}
