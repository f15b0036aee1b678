"""A picture of a simulated cohort: how every tumour changes, and a few of them as T2 shows them."""

import itertools
from pathlib import Path

from gliodelta import io, plots

COLOURS = {"progression": "red", "response": "blue", "stable": "black"}


def show_population(folders, picture):
    """Draws tumour volumes over time, and the views of one patient for each course.

    Args:
        folders: folders of the simulated patients.
        picture: PNG to write.
    """
    truths = {Path(folder): io.read_json(Path(folder) / "truth" / "truth.json") for folder in sorted(folders)}
    shown = [folder for course in COLOURS if (folder := _first(truths, course))]
    columns = max(len(truth["exams"]) for truth in truths.values())
    figure, axes = plots.new(
        height_mm=60 + 50 * len(shown),
        rows=1 + len(shown),
        columns=columns,
        squeeze=False,
        height_ratios=[1.2] + [1] * len(shown),
    )
    grid = axes[0, 0].get_gridspec()
    for axis in axes[0]:
        axis.remove()
    _draw_volumes(figure.add_subplot(grid[0, :]), truths.values())
    for row, folder in zip(axes[1:], shown, strict=True):
        _draw_views(row, folder, truths[folder])
    plots.save(figure, picture)


def _first(truths, course):
    """The first patient whose pairs all have the course; else the first with such a pair."""
    some = [folder for folder, truth in truths.items() if course in truth["pairs"].values()]
    pure = [folder for folder in some if set(truths[folder]["pairs"].values()) == {course}]
    return next(iter(pure + some), None)


def _draw_volumes(axis, truths):
    for truth in truths:
        sessions = sorted(truth["exams"])
        volumes = [truth["exams"][session]["volume_ml"] for session in sessions]
        for place, pair in enumerate(itertools.pairwise(sessions)):
            course = truth["pairs"]["{}to{}".format(*pair)]
            colour = plots.COLOURS[COLOURS[course]]
            axis.plot([int(day) for day in pair], volumes[place : place + 2], "o-", color=colour, markersize=3, lw=1)
    for course, colour in COLOURS.items():
        axis.plot([], [], "o-", color=plots.COLOURS[colour], markersize=3, lw=1, label=course)
    axis.set(
        xlabel="days since the first exam",
        ylabel="tumour on T2 (ml)",
        title="true course of every patient",
        ylim=(0, None),
    )
    axis.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(COLOURS))


def _draw_views(row, folder, truth):
    from matplotlib.image import imread

    for axis in row:
        axis.set_axis_off()
    for axis, session in zip(row, sorted(truth["exams"]), strict=False):
        axis.imshow(imread(folder / "truth" / f"exam-{session}_view.png"))
        axis.set_title(
            f"{folder.name.removeprefix('sub-')}, day {int(session)}: {truth['exams'][session]['volume_ml']:.0f} ml"
        )
