"""One picture an arm and cohort: ROC and precision-recall curves, reliability and decision curve, each with its band.

Axes are the same on all of them, so that pictures of two arms or cohorts can be laid side by side.
"""

import numpy as np

from gliodelta import plots
from gliodelta.evaluation.figures import in_words
from gliodelta.evaluation.summary import with_interval
from gliodelta.statistics.bootstrap import band
from gliodelta.statistics.calibration import bin_of, reliability_curve
from gliodelta.statistics.curves import GRID, precision_curves, roc_curves
from gliodelta.statistics.decision import THRESHOLDS, net_benefit, net_benefit_of_all
from gliodelta.statistics.metrics import auc, average_precision, sensitivity, specificity

_LINE = {"color": plots.COLOURS["blue"], "linewidth": 1.8}
_BAND = {"color": plots.COLOURS["sky"], "alpha": 0.35, "linewidth": 0}
_CHANCE = {"color": "#999999", "linewidth": 1, "linestyle": (0, (4, 2)), "zorder": 1}
# Curves of few maps run anywhere, also under the legend.
_LEGEND = {"frameon": True, "framealpha": 0.8, "edgecolor": "none"}
# Room for a cohort in which four of five maps are unstable; a lower end shows what harms.
_BENEFIT = (-0.2, 0.8)


def draw_arm(arm, cohort, sample, weights, bins, note, path):
    """Draws the four panels of an arm on a cohort.

    Args:
        arm, cohort: names, for the title.
        sample: its rows of `predictions.average_repeats`.
        weights: [1 + draws, pairs], the first row ones (`bootstrap.draw_patients`).
        bins: of the reliability diagram.
        note: what to say of the probabilities below the panels; may be empty.
        path: PNG to write.
    """
    figure, panels = plots.new(160, 158, rows=2, columns=2)
    size = f"{in_words(len(sample), sample['subject'].nunique())}, {int(sample['y_true'].sum())} unstable"
    figure.suptitle(f"{arm} on {cohort}: {size}", x=0.01, ha="left", fontsize=9, fontweight="bold")
    figure.supxlabel(note, x=0.01, ha="left", fontsize=7)
    y, judged, probability = (sample[name].to_numpy(float) for name in ("y_true", "judged", "probability"))
    both, known = len(np.unique(y)) == 2, not np.isnan(probability).any()
    _draw(panels[0, 0], _roc, both, "one class only", y, judged, sample["called"].to_numpy(float), weights)
    _draw(panels[0, 1], _precision_recall, both, "one class only", y, judged, weights)
    _draw(panels[1, 0], _reliability, known, "scores are no probabilities", y, probability, weights, bins)
    _draw(panels[1, 1], _decision, known, "scores are no probabilities", y, probability, weights)
    for panel in (panels[0, 0], panels[0, 1], panels[1, 0]):
        panel.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    panels[1, 1].set(xlim=(0, 1), ylim=_BENEFIT, box_aspect=1)
    plots.save(figure, path)


def _draw(panel, drawer, possible, otherwise, *data):
    if possible:
        drawer(panel, *data)
    else:
        panel.text(0.5, 0.5, otherwise, ha="center", transform=panel.transAxes)


def _with_band(panel, x, curves, label, **line):
    """A curve, row 0 of `curves`, with the band of the other rows."""
    low, high = band(curves[1:])
    panel.fill_between(x, low, high, label="95 % band", step=line.pop("step", None), **_BAND)
    panel.plot(x, curves[0], label=label, **_LINE, **line)


def _roc(panel, y, score, called, weights):
    _with_band(panel, GRID, roc_curves(y, score, weights), f"AUC {auc(y, score, weights[:1])[0]:.2f}")
    panel.plot([0, 1], [0, 1], label="chance", **_CHANCE)
    alarms, hits = 1 - specificity(y, called, weights[:1]), sensitivity(y, called, weights[:1])
    panel.plot(alarms, hits, "D", color="black", markersize=5, label="at the threshold", clip_on=False, zorder=4)
    panel.set(title="ROC", xlabel="1 − specificity", ylabel="sensitivity")
    panel.legend(loc="lower right", **_LEGEND)


def _precision_recall(panel, y, score, weights):
    label = f"AP {average_precision(y, score, weights[:1])[0]:.2f}"
    _with_band(panel, GRID, precision_curves(y, score, weights), label)
    panel.axhline(y.mean(), label=f"chance {y.mean():.2f}", **_CHANCE)
    panel.set(title="Precision and recall", xlabel="recall (sensitivity)", ylabel="precision (PPV)")
    panel.legend(loc="lower left", **_LEGEND)


def _reliability(panel, y, probability, weights, bins):
    foretold, observed = reliability_curve(y, probability, weights, bins)
    low, high = band(observed[1:])
    panel.plot([0, 1], [0, 1], **_CHANCE)
    panel.vlines(foretold[0], low, high, color=plots.COLOURS["blue"], linewidth=1.2, zorder=2)
    panel.plot(foretold[0], observed[0], "o-", markersize=5, **_LINE)
    numbers = np.bincount(bin_of(probability, bins), minlength=bins)
    for x, share, number in zip(foretold[0], observed[0], numbers, strict=True):
        if number:
            panel.annotate(f"{number}", (x, min(share, 0.93)), xytext=(5, 3), textcoords="offset points")
    panel.set(title="Reliability (maps in each bin)", xlabel="probability of change", ylabel="share unstable")


def _decision(panel, y, probability, weights):
    _with_band(panel, THRESHOLDS, net_benefit(y, probability, weights), "the model")
    everyone = net_benefit_of_all(y.mean())
    panel.plot(THRESHOLDS, everyone, label="act on all", color=plots.COLOURS["red"], linewidth=1.2, linestyle="--")
    panel.axhline(0, label="act on none", color=plots.COLOURS["black"], linewidth=1.2, linestyle=":")
    panel.set(title="Decision curve", xlabel="threshold probability", ylabel="net benefit")
    panel.legend(loc="upper right", **_LEGEND)


def draw_forest(table, path):
    """Draws the AUC of each subgroup of an arm on a cohort, with its interval; the line is the AUC of all maps.

    Args:
        table: the arm's rows of `subgroups.score_subgroups` on the cohort, the first one of all maps.
        path: PNG to write.
    """
    rows = _forest_rows(table)
    figure, panel = plots.new(160, 26 + 5.6 * len(rows))
    whole = table.iloc[0]
    panel.axvline(0.5, color="#cccccc", linewidth=0.8, zorder=0)
    panel.axvline(whole["auc"], **_CHANCE)
    for place, (name, row) in enumerate(rows):
        if row is None:
            panel.text(-0.02, place, name, ha="right", va="center", fontweight="bold")
            continue
        panel.text(-0.02, place, name, ha="right", va="center")
        panel.text(1.02, place, _in_words(row), va="center")
        if not np.isnan(row["auc"]):
            colour, marker = ("black", "D") if place == 0 else (plots.COLOURS["blue"], "o")
            panel.plot([row["auc_low"], row["auc_high"]], [place, place], color=colour, solid_capstyle="butt")
            panel.plot(row["auc"], place, marker, color=colour, markersize=5, clip_on=False)
    panel.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.8), xlabel="AUC", yticks=[])
    panel.spines["left"].set_visible(False)
    panel.text(1.02, -0.9, "AUC [95 %]; maps of patients" if whole["n_patients"] > 0 else "AUC [95 %]; maps")
    panel.set_title(f"{whole['arm']} on {whole['cohort']}, by subgroup", fontweight="bold")
    plots.save(figure, path)


def _forest_rows(table):
    """Rows of the picture: (name, row of the table, None for a heading)."""
    whole = table.iloc[0]
    rows = [(whole["level"], whole)]
    for subgroup, part in table.iloc[1:].groupby("subgroup", sort=False):
        rows += [(subgroup, None), *((row["level"], row) for _, row in part.iterrows())]
    return rows


def _in_words(row):
    size = f"{row['n_maps']} of {row['n_patients']}" if row["n_patients"] > 0 else row["n_maps"]
    if np.isnan(row["auc"]):
        return f"one class only; {size}"
    return f"{with_interval(row['auc'], row['auc_low'], row['auc_high'], digits=2)}; {size}"
