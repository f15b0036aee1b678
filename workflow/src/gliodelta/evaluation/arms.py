"""Every arm and every comparator on every cohort: what it is worth, how sure that is, and who beats whom."""

from pathlib import Path

from gliodelta import io
from gliodelta.evaluation import counts, figures, panels
from gliodelta.evaluation.comparisons import ARM, COMPARATOR, PRIMARY, compare
from gliodelta.evaluation.predictions import average_repeats, combine, gather
from gliodelta.evaluation.subgroups import describe_pairs, score_subgroups
from gliodelta.evaluation.summary import measure, overview, samples
from gliodelta.sheets import read_sheet
from gliodelta.statistics.bootstrap import draw_patients


def evaluate_arms(*, settings, outputs, **study):
    """Scores all arms and comparators on the development cohort (cross-validated) and on the external cohorts.

    Args:
        settings: section `evaluation` of the configuration.
        outputs: dict of what to write: see `write`.
        study: see `judge_study`.

    Raises:
        InvalidInput: predictions are missing, doubled, no numbers or of patients of another split.
    """
    tables, kinds = judge_study(**study, settings=settings)
    write(tables, kinds, settings, outputs)


def judge_study(predictions, lineages, external, comparators, folds, arms_sheet, cohorts, facts, settings):
    """Makes all tables of a study.

    Args:
        predictions, external, comparators, folds: as for `predictions.gather`.
        lineages: lineage.json of every arm and split.
        arms_sheet: path of arms.tsv; it declares the primary arm.
        cohorts: names of the labelled cohorts, the development cohort first.
        facts: dict of what is known of the pairs: `maps` and `labels`, the tables of each of the cohorts, `exams` and
            `votes`, as for `subgroups.describe_pairs`.
        settings: section `evaluation` of the configuration.

    Returns:
        (result of `judge_arms`, result of `rank_arms`).

    Raises:
        InvalidInput: see `evaluate_arms`.
    """
    import pandas as pd

    development = cohorts[0]
    lineages = [io.read_json(path) for path in lineages]
    table = gather(predictions, external, comparators, development, folds, lineages)
    kinds = rank_arms(arms_sheet, table)
    groups = describe_pairs(cohorts, facts["maps"], facts["exams"], facts["votes"], settings)
    left_out = [
        counts.count_unlabelled(table, kinds),
        counts.count_unpredicted(table, kinds),
        counts.count_untrained(lineages, kinds, development),
        counts.count_uncalibrated(lineages, kinds, cohorts),
        counts.count_excluded(cohorts, facts["maps"], facts["labels"]),
    ]
    return judge_arms(combine(table), kinds, groups, pd.concat(left_out), settings), kinds


def rank_arms(arms_sheet, table):
    """Returns dict of arm to primary, arm or comparator, in this order; what arms.tsv does not name is a comparator."""
    rows = sorted(read_sheet(arms_sheet, "arms"), key=lambda row: row["primary"] != "yes")
    kinds = {row["arm"]: PRIMARY if row["primary"] == "yes" else ARM for row in rows}
    return kinds | {arm: COMPARATOR for arm in dict.fromkeys(table["arm"]) if arm not in kinds}


def judge_arms(folds, kinds, groups, left_out, settings):
    """Makes all tables.

    Args:
        folds: result of `predictions.combine`.
        kinds: dict of arm to primary, arm or comparator.
        groups: result of `subgroups.describe_pairs`.
        left_out: rows of `gliodelta.evaluation.counts`.
        settings: section `evaluation` of the configuration.

    Returns:
        dict of pandas.DataFrame: summary, metrics, comparisons, subgroups and pairs.
    """
    import pandas as pd

    pairs = average_repeats(folds)
    metrics = measure(folds, pairs, kinds, settings)
    return {
        "summary": overview(metrics, left_out),
        "metrics": pd.concat([metrics, left_out], ignore_index=True),
        "comparisons": compare(pairs, kinds, settings),
        "subgroups": score_subgroups(pairs, groups, kinds, settings),
        "pairs": pairs,
    }


def write(tables, kinds, settings, outputs):
    """Writes tables and pictures.

    Args:
        tables: result of `judge_arms`.
        kinds: dict of arm to primary, arm or comparator.
        settings: section `evaluation` of the configuration.
        outputs: dict of paths: the keys of `tables` (TSV), `roc`, `precision_recall` and `auc` (PNG, all arms), and
            `arms`, a folder for ``{cohort}_{arm}_{curves,subgroups}.png``.
    """
    pairs, metrics = tables["pairs"], tables["metrics"]
    for name, table in tables.items():
        # Four decimals are far finer than any interval here. Rounded p-values would say 0, and scores are not ours.
        kept = table.columns if name == "pairs" else [column for column in table if f"{column}_".startswith("p_")]
        io.write_table(table.round(dict.fromkeys(table.columns.difference(kept), 4)), outputs[name])
    figures.draw_roc(pairs, kinds, outputs["roc"])
    figures.draw_precision_recall(pairs, kinds, outputs["precision_recall"])
    figures.draw_auc(metrics, kinds, outputs["auc"])
    folder = Path(outputs["arms"])
    folder.mkdir(parents=True, exist_ok=True)
    notes = metrics[metrics["metric"] == counts.BARE].set_index(["cohort", "arm"])["note"].to_dict()
    for cohort, arm, sample in samples(pairs, kinds):
        if kinds[arm] != COMPARATOR:
            weights = draw_patients(sample["subject"], settings["bootstraps"], settings["seed"])
            note, path = notes.get((cohort, arm), ""), folder / f"{cohort}_{arm}_curves.png"
            panels.draw_arm(arm, cohort, sample, weights, settings["bins"], note, path)
    for (cohort, arm), part in tables["subgroups"].groupby(["cohort", "arm"]):
        panels.draw_forest(part, folder / f"{cohort}_{arm}_subgroups.png")
