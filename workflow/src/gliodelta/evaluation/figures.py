"""Figures of the evaluation: curves a cohort, and one overview of all arms with their intervals."""

from itertools import cycle

import numpy as np

from gliodelta import plots

# Arms are told apart by colour and by dashes, so that a grey print can be read too.
_COLOURS = [plots.COLOURS[name] for name in ("blue", "red", "green", "purple", "orange", "sky", "black")]
_LINES = ["-", (0, (6, 1)), (0, (3, 0.8)), (0, (8, 1, 1, 1)), (0, (3, 0.8, 1, 0.8))]
_DASHES = [(0, (1, 1)), (0, (4, 1.5)), (0, (4, 1.5, 1, 1.5)), (0, (7, 2))]
_GREY = "#777777"
_MARKERS = {"primary": "D", "arm": "o", "comparator": "s"}
_PANEL_MM = 78
# Name: y, colour and line style.
_LABELS = {"stable": (0, plots.COLOURS["blue"], "--"), "unstable": (1, plots.COLOURS["red"], "-")}
_FEATURES = {
    "feature_mean": "mean |difference|",
    "feature_p95": "95th percentile\nof |difference|",
    "days": "interval in days",
}


def draw_roc(pairs, kinds, path):
    """Draws a panel a cohort with the ROC curve of each arm and comparator, pooled over the test folds.

    Args:
        pairs: result of `predictions.average_repeats`.
        kinds: dict of arm to primary, arm or comparator, in the order of the legend.
        path: PNG to write.
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    def curve(y, score):
        false_positive, true_positive, _ = roc_curve(y, score)
        return false_positive, true_positive, roc_auc_score(y, score)

    figure, panels = _curves(pairs, kinds, curve, "AUC")
    for panel in panels:
        panel.plot([0, 1], [0, 1], color="#cccccc", linewidth=0.8, zorder=0)
        panel.set(xlabel="1 − specificity", ylabel="sensitivity")
    plots.save(figure, path)


def draw_precision_recall(pairs, kinds, path):
    """Draws a panel a cohort with the precision-recall curve of each arm and comparator; chance is the prevalence.

    Args:
        pairs, kinds, path: as for `draw_roc`.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    def curve(y, score):
        precision, recall, _ = precision_recall_curve(y, score)
        return recall, precision, average_precision_score(y, score)

    figure, panels = _curves(pairs, kinds, curve, "AP", drawstyle="steps-post")
    for panel, (_, part) in zip(panels, pairs.groupby("cohort", sort=False), strict=True):
        panel.axhline(part["y_true"].mean(), color="#cccccc", linewidth=0.8, zorder=0)
        panel.set(xlabel="recall", ylabel="precision")
    plots.save(figure, path)


def _curves(pairs, kinds, curve, area, **line):
    """One square panel a cohort, with a legend below that gives each curve's area."""
    cohorts = list(pairs.groupby("cohort", sort=False))
    height = _PANEL_MM + 6 + 4.2 * len(kinds)
    figure, panels = plots.new(_PANEL_MM * len(cohorts), height, columns=len(cohorts), squeeze=False)
    for panel, (cohort, part) in zip(panels[0], cohorts, strict=True):
        panel.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
        labelled = part.drop_duplicates(["subject", "prior", "current"])
        panel.set_title(f"{cohort}: {in_words(len(labelled), labelled['subject'].nunique())}")
        if labelled["y_true"].nunique() < 2:
            panel.text(0.5, 0.5, "one class only", ha="center")
            continue
        for arm, style in _styles(kinds).items():
            own = part[part["arm"] == arm]
            if len(own):
                x, y, value = curve(own["y_true"], own["probability"])
                panel.plot(x, y, label=f"{arm}  {area} {value:.2f}", **style, **line)
        panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), handlelength=3.2)
    return figure, panels[0]


def in_words(maps, patients):
    """Returns "24 maps of 12 patients"; the patients are left out where they are unknown or as many as the maps."""
    return f"{maps} maps" if np.isnan(float(patients)) or patients == maps else f"{maps} maps of {patients} patients"


def _styles(kinds):
    """Line style of each arm: colours and long dashes for arms, the first one solid; thin grey dashes for comparators.

    The primary arm is the first and widest.
    """
    arms = [arm for arm, kind in kinds.items() if kind != "comparator"]
    trivial = [arm for arm, kind in kinds.items() if kind == "comparator"]
    styles = {}
    for arm, colour, line in zip(arms, cycle(_COLOURS), cycle(_LINES)):
        width = 2.4 if kinds[arm] == "primary" else 1.5
        styles[arm] = {"color": colour, "linestyle": line, "linewidth": width, "zorder": 3}
    for arm, dashes in zip(trivial, cycle(_DASHES)):
        styles[arm] = {"color": _GREY, "linewidth": 1, "zorder": 2, "linestyle": dashes}
    return styles


def draw_auc(metrics, kinds, path):
    """Draws the pooled AUC of all arms and comparators with its interval, a panel a cohort; circles are single folds.

    Args:
        metrics: result of `summary.measure`.
        kinds: dict of arm to primary, arm or comparator, from top to bottom.
        path: PNG to write.
    """
    rows = {arm: -place for place, arm in enumerate(kinds)}
    scored = metrics[metrics["metric"].eq("auc").groupby(metrics["cohort"]).transform("any")]
    styles, cohorts = _styles(kinds), list(scored.groupby("cohort", sort=False))
    figure, panels = plots.new(
        52 + 70 * len(cohorts), 24 + 8 * len(kinds), columns=len(cohorts), squeeze=False, sharey=True, sharex=True
    )
    for panel, (cohort, part) in zip(panels[0], cohorts, strict=True):
        pooled = part[part["metric"] == "auc"]
        folds = part[part["metric"].str.fullmatch(r"auc-repeat-\d+-fold-\d+")]
        panel.axvline(0.5, color="#cccccc", linewidth=0.8, zorder=0)
        circles = {"markersize": 3, "markerfacecolor": "none", "color": "#999999", "clip_on": False, "in_layout": False}
        panel.plot(folds["value"], folds["arm"].map(rows) - 0.28, "o", **circles)
        for arm, value, low, high in pooled[["arm", "value", "low", "high"]].itertuples(index=False):
            _draw_interval(panel, rows[arm], value, low, high, _MARKERS[kinds[arm]], styles[arm]["color"])
        panel.set_title(f"{cohort}: {in_words(*pooled[['n_maps', 'n_patients']].iloc[0])}")
        panel.set(xlim=(0, 1), xlabel="AUC", ylim=(0.4 - len(kinds), 0.6))
    names = [f"{arm} (primary)" if kind == "primary" else arm for arm, kind in kinds.items()]
    panels[0][0].set_yticks(list(rows.values()), names)
    for tick, kind in zip(panels[0][0].get_yticklabels(), kinds.values(), strict=True):
        tick.set_fontweight("bold" if kind == "primary" else "normal")
    plots.save(figure, path)


def _draw_interval(panel, row, value, low, high, marker, colour):
    if np.isnan(value):
        panel.text(0.5, row, " one class only", va="center", color=colour)
        return
    panel.plot([low, high], [row, row], color=colour, linewidth=1.5, solid_capstyle="butt", clip_on=False)
    panel.plot(value, row, marker, color=colour, markersize=6, clip_on=False)
    panel.annotate(f"{value:.2f}", (value, row), xytext=(0, 5), textcoords="offset points", ha="center", color=colour)


def draw_features(pairs, path):
    """Draws the numbers that the comparators see, stable beside unstable pairs, a row a cohort.

    Args:
        pairs: dict of cohort to its labelled pairs (columns of maps.tsv and y_true).
        path: PNG to write.
    """
    size = {"rows": len(pairs), "columns": len(_FEATURES) + 1}
    figure, panels = plots.new(200, 52 * len(pairs), **size, squeeze=False)
    for row, (cohort, table) in zip(panels, pairs.items(), strict=True):
        row[0].set_title(cohort)
        for panel, (column, name) in zip(row, _FEATURES.items(), strict=False):
            for label, colour, _ in _LABELS.values():
                _draw_dots(panel, label, table.loc[table["y_true"] == label, column].to_numpy(float), colour)
            panel.set_xticks([label for label, *_ in _LABELS.values()], list(_LABELS))
            panel.set(ylabel=name, xlim=(-0.6, 1.6), ylim=(0, None))
        bins = [column for column in table if column.startswith("feature_hist")]
        for name, (label, colour, line) in _LABELS.items():
            share = table.loc[table["y_true"] == label, bins].mean()
            style = {"color": colour, "linestyle": line, "linewidth": 1.5, "baseline": None}
            row[-1].stairs(share, range(len(bins) + 1), label=name, **style)
        row[-1].set(xlabel="bin of |difference|", ylabel="share of the brain", yscale="log")
        row[-1].legend()
    plots.save(figure, path)


def _draw_dots(panel, place, values, colour):
    """Draws values as dots side by side in the order of the data, with a bar at their median."""
    # Fixed offsets, not random ones: the same data give the same picture.
    offsets = np.resize([0, 0.12, -0.12, 0.24, -0.24], len(values))
    panel.plot(place + offsets, values, "o", markersize=3, alpha=0.6, markeredgewidth=0, color=colour)
    if len(values):
        panel.hlines(np.median(values), place - 0.35, place + 0.35, color=colour)


def draw_simulation(items, units, path):
    """Draws a panel a measure in which every exam and pair of the simulated cohorts is a dot; shares are bars.

    Args:
        items: cohort, measure, where and value (NaN when there is none), one row an exam or pair.
        units: dict of measure to unit, in the order of the panels.
        path: PNG to write.
    """
    names = {place: cohort for place, cohort in enumerate(dict.fromkeys(items["cohort"]))}
    columns = (len(units) + 1) // 2
    figure, panels = plots.new(65 * columns, 110, rows=2, columns=columns, squeeze=False)
    for panel, (measure, unit) in zip(panels.flat, units.items(), strict=False):
        own = items[(items["measure"] == measure) & items["value"].notna()]
        for place, (cohort, colour) in enumerate(zip(names.values(), _COLOURS, strict=False)):
            values = own.loc[own["cohort"] == cohort, "value"].to_numpy(float)
            if unit == "share":
                _draw_share(panel, place, values, colour)
            else:
                _draw_dots(panel, place, values, colour)
        panel.set_title(measure.replace("-", " "))
        panel.set(ylabel=unit, xlim=(-0.6, len(names) - 0.4), ylim=(0, None if unit == "mm" else 1.08))
        panel.set_xticks(list(names), list(names.values()))
    plots.save(figure, path)


def _draw_share(panel, place, values, colour):
    if len(values):
        bars = panel.bar(place, values.mean(), 0.5, color=colour, alpha=0.6)
        panel.bar_label(bars, [f"{int(values.sum())} of {len(values)}"])
