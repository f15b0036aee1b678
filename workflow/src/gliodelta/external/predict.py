"""The test on another cohort: every pair given to every model of an arm, and to their ensembles."""

from gliodelta import io, plugins
from gliodelta.external.ensembles import ENSEMBLES, PRIMARY, combine, score_ensembles
from gliodelta.external.figures import draw_members
from gliodelta.external.shift import logit
from gliodelta.labels.human import consensus
from gliodelta.lineage import check_cards, check_lineage
from gliodelta.schema import InvalidInput
from gliodelta.splits import VALIDATION
from gliodelta.tables import PAIR, PREDICTIONS, SPLIT
from gliodelta.training.data import load_maps
from gliodelta.training.models import load_model, read_card
from gliodelta.training.scoring import outputs_of
from gliodelta.transfer.calibration import UNCALIBRATED, probability


def predict_external(models, lineages, manifests, arm, split, maps, labels_sheet, caches, settings, outputs, threads=1):
    """Predicts every included pair of a cohort with every model of an arm, and with their ensembles.

    The primary ensemble, the mean of the members' calibrated probabilities, was declared beforehand: it alone is
    predictions.tsv. Models whose lineage says that they are untrained are no members.

    Args:
        models: model.safetensors of every split.
        lineages: lineage.json of the same splits, in the same order, with `status`, `grid` and `calibration`.
        manifests: lineage.json of the manifests of the same splits, in the same order.
        arm: name of the arm.
        split: what the column `split` says: external | inference.
        maps: maps.tsv of the cohort.
        labels_sheet: labels.tsv of the cohort, or None where nobody has labelled it.
        caches: dict of each grid that the arm may train on to the cohort's file of sampled maps.
        settings: dict with `bootstraps` and `seed` of the intervals.
        outputs: dict of the files to write: `predictions` (table of `tables.PREDICTIONS`, one row an included pair,
            none without members; repeat, fold and inner are 0, score is the logit of the primary ensemble's
            probability, y_true is n/a where there is no label), `members` (the same columns, one row a model and pair),
            `ensembles` (one row a pair of maps.tsv, the excluded ones with their reason: y_true, include, reason,
            members, the columns of `ensembles.ENSEMBLES`), `scores` (result of `ensembles.score_ensembles`) and
            `figure` (PNG: the primary ensemble's probabilities by label, with the range of its members).
        threads: CPU threads.

    Raises:
        InvalidInput: a model belongs to another arm, or was trained with other patients left out than its manifest.
    """
    trained = gather_members(models, lineages, manifests, arm)
    print(f"{len(trained)} of {len(models)} models are members; the others were left untrained")
    score_cohort(trained, arm, split, maps, labels_sheet, caches, settings, outputs, threads)


def score_cohort(trained, arm, split, maps, labels_sheet, caches, settings, outputs, threads=1):
    """Scores a cohort with models that are known to belong together.

    Args:
        trained: list of (model.safetensors, dict), one a member; the dict has repeat, fold, inner, `grid`,
            `calibration` and `home`, the share of unstable pairs that its probabilities take for granted.
        arm, split, maps, labels_sheet, caches, settings, outputs, threads: as for `predict_external`.
    """
    import pandas as pd
    import torch

    torch.set_num_threads(threads)
    listed = _pairs(maps, labels_sheet)
    rows = listed[listed["include"] == "yes"].reset_index(drop=True) if trained else listed.iloc[:0]
    members = _members(trained, rows, caches) if len(rows) else []
    combined = combine(members) if members else {"share": None, **{name: [] for name in ENSEMBLES}}
    columns = {"score": logit(combined[PRIMARY]), "probability": combined[PRIMARY], "repeat": 0, "fold": 0, "inner": 0}
    predictions = _finished(rows, columns, split, arm)
    table = pd.concat([_finished(rows, member, split, arm) for member in members] or [predictions], ignore_index=True)
    found = rows[PAIR].assign(members=len(members), **{name: combined[name] for name in ENSEMBLES})
    ensembles = listed.merge(found, on=PAIR, how="left")
    io.write_table(predictions, outputs["predictions"])
    io.write_table(table, outputs["members"])
    io.write_table(ensembles.drop(columns="days"), outputs["ensembles"])
    io.write_table(score_ensembles(ensembles, combined["share"], settings).round(4), outputs["scores"])
    draw_members(predictions, table, outputs["figure"])


def _pairs(maps, labels_sheet):
    """All pairs of the cohort, sorted, with `y_true` (1 unstable, 0 stable, missing without a majority of readers)."""
    table = io.read_table(maps)[[*PAIR, "days", "include", "reason"]].sort_values(PAIR, ignore_index=True)
    if not labels_sheet:
        return table.assign(y_true=float("nan")).astype({"y_true": "Int64"})
    return table.merge(consensus(labels_sheet)[[*PAIR, "y"]].rename(columns={"y": "y_true"}), on=PAIR, how="left")


def gather_members(models, lineages, manifests, arm):
    """Returns the trained ones of an arm's models, as `score_cohort` takes them.

    Args:
        models, lineages, manifests, arm: as for `predict_external`.

    Raises:
        InvalidInput: a model belongs to another arm, or was trained with other patients left out than its manifest.
    """
    members = []
    for file, own, manifest in zip(models, lineages, manifests, strict=True):
        lineage, origin = io.read_json(own), io.read_json(manifest)
        if lineage["arm"] != arm:
            raise InvalidInput(f"a model of arm {lineage['arm']} was offered to the ensemble of arm {arm}; retrain it")
        check_lineage(origin, [lineage])
        if lineage["status"] == "trained":
            check_cards(origin, [read_card(file)])
            members.append((file, {**lineage, "home": _prior_of(origin, lineage["calibration"])}))
    return members


def _prior_of(manifest, calibration):
    """Returns the share of unstable pairs that a model's probabilities take for granted.

    Calibrated ones have the share of the validation pairs, on which alone the intercept was fitted; each class counts
    half a pair more, so that it is never 0 or 1. Scores that nothing calibrates are log odds at even odds, for in the
    losses both classes count alike.
    """
    if calibration == UNCALIBRATED:
        return 0.5
    return (manifest["unstable"][VALIDATION] + 0.5) / (manifest["pairs"][VALIDATION] + 1)


def _members(trained, rows, caches):
    members = []
    for file, lineage in trained:
        network, card = load_model(file)
        maps = load_maps(rows[[*PAIR, "days"]], caches[lineage["grid"]])
        outputs = outputs_of(network, maps, card["representation"])
        score = plugins.load(plugins.LOSSES, card["loss"]).score(outputs).double().numpy()
        members.append({
            "score": score,
            "probability": probability(score, lineage["calibration"]),
            # As published, the larger output wins; a single output is the log odds against 0.
            "vote": (outputs[:, -1] > (outputs[:, 0] if outputs.shape[1] > 1 else 0)).numpy(),
            **{key: lineage[key] for key in ("home", *SPLIT)},
        })  # fmt: skip
    return members


def _finished(rows, columns, split, arm):
    kept = {key: value for key, value in columns.items() if key in PREDICTIONS}
    return rows[[*PAIR, "y_true"]].assign(**kept, split=split, arm=arm)[PREDICTIONS]
