"""The picture of labels against readers: four panels."""

import numpy as np

from gliodelta import plots
from gliodelta.labels.reliability import CONFIDENCES, confidence, coverage_curve, wilson
from gliodelta.statistics.calibration import bin_of


def draw(methods, readings, picture, note=""):
    """Draws reliability, accuracy against coverage, accuracy at the cuts, and truth against reports.

    Args:
        methods: dict of name to a DataFrame with y, called and perhaps p_unstable; rows without `called` are left out.
            The first one with probabilities, the stack, is drawn on top.
        readings: (truth, by report): two Series of words, one value a pair.
        picture: PNG to write.
        note: a line for the first title.
    """
    known = {name: pairs.dropna(subset="called") for name, pairs in methods.items()}
    scored = {name: pairs for name, pairs in known.items() if "p_unstable" in pairs and len(pairs)}
    figure, ((first, second), (third, fourth)) = plots.new(height_mm=150, rows=2, columns=2)
    _reliability(first, scored, note)
    _coverage(second, scored)
    _cuts(third, scored)
    _confusion(fourth, *readings)
    plots.save(figure, picture)


def _reliability(axes, scored, note):
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    for order, (name, pairs) in enumerate(scored.items()):
        binned = pairs.groupby(bin_of(pairs["p_unstable"]))[["p_unstable", "y"]].agg(["mean", "size"])
        axes.plot(
            binned["p_unstable", "mean"], binned["y", "mean"], marker="o", markersize=3, label=name, zorder=9 - order
        )
        # Numbers of pairs for the first method only, the stack; those of all would hide the lines.
        for _, row in binned.iterrows() if not order else ():
            place = (row["p_unstable", "mean"], row["y", "mean"])
            axes.annotate(f"{row['y', 'size']:.0f}", place, xytext=(5, -8), textcoords="offset points")
    axes.set(
        xlim=(-0.02, 1.02), ylim=(-0.05, 1.05), title="\n".join(filter(None, ["Reliability (pairs in each bin)", note]))
    )
    axes.set(xlabel="probability of change from the report", ylabel="share that readers call changed")
    if scored:
        axes.legend()


def _coverage(axes, scored):
    for order, (name, pairs) in enumerate(scored.items()):
        right = pairs["called"] == pairs["y"]
        axes.plot(*coverage_curve(right, confidence(pairs["p_unstable"])), label=name, zorder=9 - order)
    axes.set(xlim=(0, 1.02), ylim=(0.45, 1.02), title="Accuracy of the most confident labels")
    axes.set(xlabel="share of the labels kept", ylabel="accuracy of those")


def _cuts(axes, scored):
    width = 0.8 / max(len(scored), 1)
    for order, (name, pairs) in enumerate(scored.items()):
        right, sure = (pairs["called"] == pairs["y"]).to_numpy(), confidence(pairs["p_unstable"]).to_numpy()
        found = np.array([wilson(right[sure >= least].sum(), (sure >= least).sum()) for least in (0, *CONFIDENCES)])
        places = np.arange(len(found)) + (order + 0.5) * width - 0.4
        # Rounding may put an interval's end a hair inside its share.
        ends = np.maximum([found[:, 0] - found[:, 1], found[:, 2] - found[:, 0]], 0)
        axes.errorbar(places, found[:, 0], ends, fmt="o", markersize=4, label=name)
    for place, least in enumerate(CONFIDENCES, start=1):
        axes.plot([place - 0.45, place + 0.45], [least, least], color="0.7", linewidth=0.8)
    axes.set_xticks(range(len(CONFIDENCES) + 1), ["all", *(f"≥ {least}" for least in CONFIDENCES)])
    axes.set(
        xlabel="confidence", ylim=(0.45, 1.02), ylabel="accuracy", title="Accuracy at the cuts (95 % Wilson intervals)"
    )


def _confusion(axes, truth, reported):
    import pandas as pd

    table = pd.crosstab(truth, reported)
    if table.empty:
        return
    axes.imshow(table, cmap="Blues", aspect="auto")
    for (row, column), count in np.ndenumerate(table.to_numpy()):
        dark = 2 * count > table.max(axis=None)
        axes.text(column, row, count, ha="center", va="center", color="white" if dark else "black")
    # Five words of up to eleven letters share the width.
    axes.set_xticks(range(table.shape[1]), table.columns, fontsize=6)
    axes.set_yticks(range(table.shape[0]), table.index)
    axes.set(xlabel="report", ylabel="readers", title="Readers and reports")
