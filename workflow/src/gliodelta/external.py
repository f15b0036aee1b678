"""The test on another cohort: all models of an arm as one ensemble."""

from gliodelta import io, plots
from gliodelta.labels.human import consensus
from gliodelta.lineage import check_lineage
from gliodelta.schema import InvalidInput
from gliodelta.tables import PAIR, PREDICTIONS
from gliodelta.training.models import load_model
from gliodelta.transfer.predict import predict, probability

# Nine digits are what tables hold: a probability nearer to 0 or 1 would read as certainty and have no finite logit.
CERTAIN = 1e-9


def predict_external(
    models, lineages, manifests, arm, split, maps, labels_sheet, cache, predictions, members, figure, threads=1
):  # fmt: skip
    """Predicts every included pair of a cohort with every model of an arm, and with their ensemble.

    The ensemble's probability is the mean of the members' calibrated probabilities, declared beforehand: the published
    code has two ensembles, a majority vote and a mean of raw scores, each used in another place (Di Noto et al. 2022,
    arXiv 2210.09698; their public code). Models whose lineage says that they are untrained are no members.

    Args:
        models: model.safetensors of every split.
        lineages: lineage.json of the same splits, in the same order, with `status` and `temperature`.
        manifests: lineage.json of the manifests of the same splits, in the same order.
        arm: name of the arm.
        split: what the column `split` says: external | inference.
        maps: maps.tsv of the cohort.
        labels_sheet: labels.tsv of the cohort, or None where nobody has labelled it.
        cache: sampled maps of the cohort on the arm's grid.
        predictions: table to write (`tables.PREDICTIONS`), one row a pair, none without members; repeat, fold and
            inner are 0, score is the logit of the ensemble's probability, y_true is n/a where there is no label.
        members: table to write with the same columns, one row a model and pair.
        figure: PNG to write: the ensemble's probabilities by label, with the range of its members.
        threads: CPU threads.

    Raises:
        InvalidInput: a model belongs to another arm, or was trained with other patients left out than its manifest.
    """
    import pandas as pd

    rows = _pairs(maps, labels_sheet)
    trained = list(_trained(models, lineages, manifests, arm))
    print(f"{len(trained)} of {len(models)} models are members; the others were left untrained")
    if not trained:
        rows = rows.iloc[:0]
    tables = [_member(*member, rows, cache, threads) for member in trained]
    ensemble = _finished(rows, _ensemble(tables), split, arm)
    table = pd.concat([_finished(rows, table, split, arm) for table in tables] or [ensemble], ignore_index=True)
    io.write_table(ensemble, predictions)
    io.write_table(table, members)
    _draw(ensemble, table, figure)


def _pairs(maps, labels_sheet):
    """The included pairs, sorted, with `y` (1 unstable, 0 stable, NaN without a majority of readers)."""
    table = io.read_table(maps)
    pairs = table.loc[table["include"] == "yes", PAIR].sort_values(PAIR, ignore_index=True)
    if not labels_sheet:
        return pairs.assign(y=float("nan"))
    return pairs.merge(consensus(labels_sheet)[[*PAIR, "y"]], on=PAIR, how="left").astype({"y": "float64"})


def _trained(models, lineages, manifests, arm):
    """Yields the file and lineage of the models that are trained, and refuses those that do not belong here."""
    for model, own, manifest in zip(models, lineages, manifests, strict=True):
        lineage = io.read_json(own)
        if lineage["arm"] != arm:
            raise InvalidInput(f"a model of arm {lineage['arm']} was offered to the ensemble of arm {arm}; retrain it")
        check_lineage(io.read_json(manifest), [lineage])
        if lineage["status"] == "trained":
            yield model, lineage


def _member(model, lineage, rows, cache, threads):
    network, card = load_model(model)
    scores = predict(network, rows, cache, card["representation"], threads)["score"].astype(float)
    return {
        "score": scores,
        "probability": probability(scores, lineage["temperature"]),
        **{key: lineage[key] for key in ("repeat", "fold", "inner")},
    }


def _ensemble(members):
    import numpy as np
    from scipy.special import logit

    mean = np.mean([member["probability"] for member in members], axis=0) if members else np.empty(0)
    return {"score": logit(mean.clip(CERTAIN, 1 - CERTAIN)), "probability": mean, "repeat": 0, "fold": 0, "inner": 0}


def _finished(rows, columns, split, arm):
    table = rows[PAIR].assign(**columns, split=split, arm=arm, y_true=rows["y"].astype("Int64"))
    return table[PREDICTIONS]


def _draw(ensemble, members, path):
    import numpy as np

    groups = {
        "stable": ensemble[ensemble["y_true"] == 0],
        "unstable": ensemble[ensemble["y_true"] == 1],
        "no label": ensemble[ensemble["y_true"].isna()],
    }
    groups = {name: group.sort_values("probability") for name, group in groups.items() if len(group)}
    spread = members.groupby(PAIR)["probability"].agg(["min", "max"])
    figure, axes = plots.new(height_mm=90)
    for column, (group, colour) in enumerate(zip(groups.values(), plots.COLOURS.values(), strict=False)):
        places = column + np.linspace(-0.3, 0.3, len(group)) if len(group) > 1 else np.array([column])
        ranges = spread.loc[list(group[PAIR].itertuples(index=False, name=None))]
        axes.vlines(places, ranges["min"], ranges["max"], color="0.8", zorder=1)
        axes.scatter(places, group["probability"], s=18, color=colour, zorder=2)
    axes.axhline(0.5, color="0.6", linestyle=":", linewidth=1)
    axes.set_xticks(range(len(groups)), [f"{name} ({len(group)})" for name, group in groups.items()])
    axes.set(xlim=(-0.5, max(len(groups), 1) - 0.5), ylim=(0, 1), ylabel="probability of change", xlabel="human label")
    plots.save(figure, path)
