"""Pairs to look at: where an arm was most and least confident, right and wrong, and what it looked at."""

import numpy as np

from gliodelta import io
from gliodelta.evaluation.gallery import draw_examples
from gliodelta.evaluation.predictions import TEST, VALIDATION, combine
from gliodelta.evaluation.saliency import densest, occlusion, saliency_map, score_of
from gliodelta.tables import PAIR

# Pairs of each of the four groups; a page then holds two columns of ten rows, which A4 shows at 2 mm a line of text.
SHOWN = 10
# Columns of the table of what is shown.
COLUMNS = [*PAIR, "y_true", "probability", "threshold", "called", "fold", "right", "confident", "without", "grid"]
GROUPS = ("most", "least")
# Without validation rows there is no threshold to choose.
_THRESHOLD = 0.5


def show_examples(models, lineages, predictions, tests, caches, outputs, threads=1):
    """Shows the test pairs of an arm's first repeat on which it was most and least confident.

    Each pair is judged by the inner models of the outer fold that it is tested in, whose saliency and probabilities are
    averaged.

    Args:
        models: model.safetensors of every split of one repeat.
        lineages, predictions, tests: lineage.json, predictions.tsv and the manifests' test.tsv of the same splits, in
            the same order.
        caches: dict of each grid that the arm may train on to its file of sampled maps.
        outputs: dict of the files to write: `right` and `wrong` (PNG: the pairs called rightly and wrongly), `pairs`
            (table of `COLUMNS`, one row a pair shown; without is the probability with the box of the strongest
            saliency occluded) and `saliency` (safetensors, float32 [X, Y, Z] of `saliency.saliency_map` under each key
            ``{subject}/{prior}/{current}``).
        threads: CPU threads.
    """
    import pandas as pd
    import torch
    from safetensors.numpy import save_file

    torch.set_num_threads(threads)
    files = list(zip(models, lineages, tests, strict=True))
    trained = [(model, io.read_json(lineage), test) for model, lineage, test in files]
    trained = [member for member in trained if member[1]["status"] == "trained"]
    parts = [io.read_table(file) for file in predictions]
    # A table without rows, of an untrained model, would turn numbers into objects.
    chosen = choose(pd.concat([part for part in parts if len(part)] or parts, ignore_index=True))
    seen = {}
    for fold, rows in chosen.groupby("fold"):
        seen |= _look_in_fold([member for member in trained if member[1]["fold"] == fold], rows, caches)
    keys = _keys(chosen)
    chosen = chosen.assign(without=[seen[key]["without"] for key in keys], grid=[seen[key]["grid"] for key in keys])
    io.write_table(chosen[COLUMNS], outputs["pairs"])
    with io.atomic(outputs["saliency"]) as temporary:
        save_file({key: seen[key]["saliency"] for key in keys}, temporary)
    for name, right in (("right", 1), ("wrong", 0)):
        rows = chosen[chosen["right"] == right]
        draw_examples({group: rows[rows["confident"] == group] for group in GROUPS}, seen, outputs[name])


def choose(table):
    """Chooses the pairs of an arm to show.

    Args:
        table: predictions of one arm and repeat (columns of `tables.PREDICTIONS`).

    Returns:
        pandas.DataFrame, one row a pair, with subject, prior, current, y_true, fold, probability (mean of the fold's
        models), threshold (chosen on validation), called (0 | 1), right (0 | 1) and confident (most | least): of the
        pairs called rightly, and of those called wrongly, up to `SHOWN` whose log odds lie farthest from the
        threshold's, the farthest first, and up to as many others that lie nearest, the nearest first.
    """
    import pandas as pd

    table = table[table["split"].isin([VALIDATION, TEST])].assign(cohort="")
    if not len(table):
        return pd.DataFrame(columns=[*COLUMNS[:10]])
    pairs = combine(table, _THRESHOLD)
    pairs["called"] = pairs["called"].astype(int)
    pairs["right"] = (pairs["called"] == pairs["y_true"]).astype(int)
    distance = (_log_odds(pairs["probability"]) - _log_odds(pairs["threshold"])).abs()
    pairs = pairs.assign(distance=distance).sort_values(["distance", *PAIR], ascending=[False, True, True, True])
    parts = []
    for right in (1, 0):
        rows = pairs[pairs["right"] == right]
        # Of a few pairs, the more confident half.
        most = min(SHOWN, -(-len(rows) // 2))
        least = rows.iloc[most:][::-1].iloc[:SHOWN]
        parts += [rows.iloc[:most].assign(confident="most"), least.assign(confident="least")]
    return pd.concat(parts, ignore_index=True)[COLUMNS[:10]]


def _log_odds(probability):
    from scipy.special import logit

    return logit(np.clip(probability, 1e-6, 1 - 1e-6))


def _keys(rows):
    return ["/".join(key) for key in rows[PAIR].itertuples(index=False)]


def _look_in_fold(members, rows, caches):
    """Looks at the pairs `rows` of a fold with its models; returns `seen` of `gallery.draw_examples`."""
    from scipy.special import expit

    from gliodelta.training.data import load_maps
    from gliodelta.training.models import load_model
    from gliodelta.training.scoring import present_device

    device = present_device()
    networks = [(*load_model(file), lineage["calibration"]) for file, lineage, _ in members]
    for model, _, _ in networks:
        model.to(device).eval()
    grid, spacing = members[0][1]["grid"], networks[0][1]["grid"]["spacing_mm"]
    tested = io.read_table(members[0][2])
    maps = load_maps(rows[PAIR].merge(tested, on=PAIR), caches[grid])
    found = {}
    for key, pair, days in zip(_keys(maps.rows), maps.pairs, maps.days, strict=True):
        boxes = occlusion(score_of(networks, days), pair.to(device).float(), spacing)
        pair, frame = pair.float().numpy(), densest(boxes)
        found[key] = {
            "pair": pair,
            "grid": grid,
            "spacing_mm": spacing,
            "saliency": saliency_map(boxes, pair.any(axis=0)),
            "box": frame.place,
            "without": float(expit(frame.scores).mean()),
        }
    return found
