"""The picture of an ensemble on another cohort."""

from gliodelta import plots
from gliodelta.tables import PAIR


def draw_members(ensemble, members, path):
    """Draws the probabilities of an ensemble by label, each with the range of its members.

    Args:
        ensemble, members: tables of `tables.PREDICTIONS`, of the same pairs.
        path: PNG to write.
    """
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
