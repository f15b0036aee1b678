"""Pictures of a study: its trials by strategy, and Optuna's own plots of its journal."""

from itertools import cycle

from gliodelta import io, plots
from gliodelta.tuning.space import PARAMETERS

# Inches and dots an inch of Optuna's plots; a slice is half as wide, so that two plots are as wide as four slices.
OPTUNA_SIZE, OPTUNA_DPI = (7.2, 3.6), 70


def draw_settings(table, best, path):
    """Draws the trials of a study by strategy: a dot is a mean validation AUC, its bar the range of the inner splits.

    Args:
        table: the tried rows of trials.tsv (pandas.DataFrame).
        best: the chosen setting, whose trials are ringed.
        path: PNG to write.
    """
    import numpy as np

    strategies = sorted(set(table["strategy"]))
    recipes = sorted(set(table["recipe"]))
    colours = dict(zip(recipes, cycle(plots.COLOURS.values()), strict=False))
    chosen = (table[list(PARAMETERS)] == [best[name] for name in PARAMETERS]).all(axis=1)
    figure, axes = plots.new(height_mm=25 + 12 * len(strategies))
    for row, strategy in enumerate(strategies):
        group = table[table["strategy"] == strategy].sort_values("auc_mean")
        heights = row + np.linspace(-0.25, 0.25, len(group)) if len(group) > 1 else np.array([row])
        for height, (number, trial) in zip(heights, group.iterrows(), strict=True):
            inner = trial.filter(like="auc_inner").astype(float)
            axes.plot([inner.min(), inner.max()], [height, height], color="0.8", zorder=1)
            axes.scatter(trial["auc_mean"], height, s=18, color=colours[trial["recipe"]], zorder=2)
            if chosen[number]:
                axes.scatter(trial["auc_mean"], height, s=70, facecolors="none", edgecolors="black", zorder=3)
    for recipe in recipes:
        axes.scatter([], [], s=18, color=colours[recipe], label=recipe or "no recipe")
    axes.scatter([], [], s=70, facecolors="none", edgecolors="black", label="chosen")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    axes.axvline(0.5, color="0.6", linestyle=":", linewidth=1)
    axes.set(
        title=f"{len(table)} trials of {len(table[list(PARAMETERS)].drop_duplicates())} settings",
        xlabel="validation AUC, mean of the inner splits",
        yticks=range(len(strategies)),
        yticklabels=strategies,
    )
    plots.save(figure, path)


def draw_optuna(study, journal, path):
    """Draws Optuna's history and parameter importances of a frozen journal, and below them its slices.

    Importances need complete trials whose values differ, and slices one complete trial; what cannot be drawn is left
    out. Optuna's trial is one setting with one seed.

    Args:
        study: content of study.json.
        journal: the frozen journal.
        path: PNG to write.
    """
    import warnings

    import matplotlib

    matplotlib.use("Agg")
    import optuna
    from matplotlib import pyplot

    backend = optuna.storages.journal.JournalFileBackend(str(journal))
    opened = optuna.load_study(study_name=study["id"], storage=optuna.storages.JournalStorage(backend))
    values = [trial.value for trial in opened.get_trials(states=(optuna.trial.TrialState.COMPLETE,))]
    draw = optuna.visualization.matplotlib
    above = [draw.plot_optimization_history] + [draw.plot_param_importances] * (len(set(values)) > 1)
    below = [draw.plot_slice] * bool(values)
    # Optuna changes pyplot's style for good, and says at each call that these plots are experimental.
    with pyplot.rc_context({"figure.figsize": OPTUNA_SIZE}), warnings.catch_warnings(action="ignore"):
        rows = [
            [_image(plot(opened, target_name="validation AUC"), pyplot) for plot in plots_of_row]
            for plots_of_row in (above, below)
        ]
    _save_rows([row for row in rows if row], path)


def _image(axes, pyplot):
    """Returns the figure of what an Optuna plot returned, as a picture; the figure is closed."""
    from io import BytesIO

    import numpy as np
    from PIL import Image

    figure, buffer = np.ravel(axes)[0].figure, BytesIO()
    # Tight: long names of parameters stand outside of the axes.
    figure.savefig(buffer, format="png", dpi=OPTUNA_DPI, bbox_inches="tight")
    pyplot.close(figure)
    return Image.open(buffer).convert("RGB")


def _save_rows(rows, path):
    from PIL import Image

    heights = [max(image.height for image in row) for row in rows]
    page = Image.new("RGB", (max(sum(image.width for image in row) for row in rows), sum(heights)), "white")
    top = 0
    for row, height in zip(rows, heights, strict=True):
        left = 0
        for image in row:
            page.paste(image, (left, top))
            left += image.width
        top += height
    with io.atomic(path) as temporary:
        # 64 colours hold a scatter plot's, in half the bytes.
        page.quantize(64).save(temporary, format="png", optimize=True)
