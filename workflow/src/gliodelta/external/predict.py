"""The test on another cohort: every pair given to every model of an arm."""

from gliodelta import io, plugins
from gliodelta.lineage import check_cards, check_lineage
from gliodelta.schema import InvalidInput
from gliodelta.splits import VALIDATION
from gliodelta.tables import PAIR, SPLIT
from gliodelta.training.data import load_maps
from gliodelta.training.models import load_model, read_card
from gliodelta.training.scoring import outputs_of
from gliodelta.transfer.calibration import UNCALIBRATED, probability

# `home` is the share of unstable pairs that the probability takes for granted, `vote` what the model alone would call.
MEMBERS = [*PAIR, "split", "score", "probability", "vote", "home", *SPLIT, "arm"]


def predict_external(models, lineages, manifests, arm, split, maps, caches, members, threads=1):
    """Predicts every included pair of a cohort with every trained model of an arm. Labels take no part.

    Args:
        models: model.safetensors of every split.
        lineages: lineage.json of the same splits, in the same order, with `status`, `grid` and `calibration`.
        manifests: lineage.json of the manifests of the same splits, in the same order.
        arm: name of the arm.
        split: what the column `split` says: external | inference.
        maps: maps.tsv of the cohort.
        caches: dict of each grid that the arm may train on to the cohort's file of sampled maps.
        members: TSV to write: `MEMBERS`, one row a trained model and included pair.
        threads: CPU threads.

    Raises:
        InvalidInput: a model belongs to another arm, or was trained with other patients left out than its manifest.
    """
    trained = gather_members(models, lineages, manifests, arm)
    print(f"{len(trained)} of {len(models)} models are members; the others were left untrained")
    predict_cohort(trained, arm, split, maps, caches, members, threads)


def predict_cohort(trained, arm, split, maps, caches, members, threads=1):
    """Predicts a cohort with models that are known to belong together.

    Args:
        trained: list of (model.safetensors, dict), one a member; the dict has repeat, fold, inner, `grid`,
            `calibration` and `home`, the share of unstable pairs that its probabilities take for granted.
        arm, split, maps, caches, members, threads: as for `predict_external`.
    """
    import pandas as pd
    import torch

    torch.set_num_threads(threads)
    table = io.read_table(maps)
    rows = table.loc[table["include"] == "yes", [*PAIR, "days"]].sort_values(PAIR, ignore_index=True)
    parts = [_predict(file, lineage, rows, caches) for file, lineage in trained] if len(rows) else []
    empty = rows[PAIR].iloc[:0].reindex(columns=MEMBERS)
    predicted = pd.concat(parts or [empty], ignore_index=True).assign(split=split, arm=arm)
    io.write_table(predicted[MEMBERS], members)


def gather_members(models, lineages, manifests, arm):
    """Returns the trained ones of an arm's models, as `predict_cohort` takes them.

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


def _predict(file, lineage, rows, caches):
    network, card = load_model(file)
    maps = load_maps(rows, caches[lineage["grid"]])
    outputs = outputs_of(network, maps, card["representation"])
    score = plugins.load(plugins.LOSSES, card["loss"]).score(outputs).double().numpy()
    # As published, the larger output wins; a single output is the log odds against 0.
    vote = (outputs[:, -1] > (outputs[:, 0] if outputs.shape[1] > 1 else 0)).int().numpy()
    found = {"score": score, "probability": probability(score, lineage["calibration"]), "vote": vote}
    return rows[PAIR].assign(**found, **{key: lineage[key] for key in ("home", *SPLIT)})
