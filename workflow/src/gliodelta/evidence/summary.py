"""What the study says: each arm's AUC on the test population, and by how much it differs from the baseline's."""

import numpy as np

from gliodelta import io, plots
from gliodelta.statistics.metrics import auc

# Name of the trivial comparator: one number a map, and nothing learnt.
COMPARATOR = "mean-difference"
MEASURES = ("mean", "se", "low", "high")
_COLOURS = [plots.COLOURS[name] for name in ("blue", "red", "green", "purple", "orange", "sky", "yellow")]
_MARKERS = "osD^vPX"


def summarise(trials, test, baseline, table, figure):
    """Writes the table and the figure of the study.

    Args:
        trials: tables of `trials.run_trials`; an arm that uses no weak label stands at one level of noise.
        test: table of the test population (`population.simulate_population`).
        baseline: name of the arm that the others are compared with.
        table: table to write, result of `compare`.
        figure: PNG to write.
    """
    import pandas as pd

    population = io.read_table(test)
    every = pd.concat([io.read_table(path) for path in trials], ignore_index=True)
    found = compare(every[every["test_auc"].notna()], baseline)
    y, size = (population[name].to_numpy() for name in ("y", "mean_difference"))
    trivial = float(auc(y, size, np.ones((1, len(y))))[0])
    last = {"arm": COMPARATOR, "replicates": 0, "auc_mean": trivial}
    io.write_table(pd.concat([found, pd.DataFrame([last])], ignore_index=True), table)
    _draw(found, baseline, trivial, figure)


def compare(chosen, baseline):
    """Compares the arms with the baseline over the replicates.

    The intervals are Student's, over replicates that differ in their patients, labels and seeds. All replicates are
    tested on one population, so that they leave out how another test population would vary the result.

    Args:
        chosen: pandas.DataFrame with replicate, noise, labels, arm and test_auc, one row each.
        baseline: name of the arm to compare with.

    Returns:
        pandas.DataFrame with noise, labels, arm, replicates, auc_* and difference_* (arm minus baseline of the same
        replicate), * being mean, se (its standard error), low and high (its 95 % interval). Arms that stand at one
        level of noise, as the baseline, are repeated at all.
    """
    import pandas as pd

    chosen = _at_every_noise(chosen)
    key = ["replicate", "noise", "labels"]
    rival = chosen.loc[chosen["arm"] == baseline].set_index(key)["test_auc"]
    rows = []
    for (labels, noise, arm), group in chosen.groupby(["labels", "noise", "arm"], sort=False):
        group = group.set_index(key)["test_auc"]
        differences = group - rival.reindex(group.index)
        row = {"noise": noise, "labels": labels, "arm": arm, "replicates": len(group)}
        for name, values in (("auc", group), ("difference", differences)):
            row |= {f"{name}_{measure}": value for measure, value in zip(MEASURES, interval(values), strict=True)}
        rows.append(row)
    return pd.DataFrame(rows).sort_values(["labels", "noise"], kind="stable", ignore_index=True)


def interval(values, level=0.95):
    """Returns the mean of independent values, its standard error, and its interval by Student's t (NaN for one)."""
    from scipy.stats import t

    values = np.asarray(values, float)
    mean, count = values.mean(), len(values)
    if count < 2:
        return mean, np.nan, np.nan, np.nan
    error = values.std(ddof=1) / np.sqrt(count)
    reach = t.ppf((1 + level) / 2, count - 1) * error
    return mean, error, mean - reach, mean + reach


def _at_every_noise(chosen):
    import pandas as pd

    levels = sorted(chosen["noise"].unique())
    parts = []
    for _, rows in chosen.groupby("arm", sort=False):
        alone = rows["noise"].nunique() == 1
        parts += [rows.assign(noise=level) for level in levels] if alone else [rows]
    return pd.concat(parts, ignore_index=True)


def _draw(table, baseline, trivial, path):
    counts = sorted(table["labels"].unique())
    figure, axes = plots.new(60 * len(counts), 90, columns=len(counts), sharey=True, squeeze=False)
    for axis, count in zip(axes[0], counts, strict=True):
        panel = table[table["labels"] == count]
        own = panel[panel["arm"] == baseline].iloc[0]
        band = own["auc_mean"] - own["auc_se"], own["auc_mean"] + own["auc_se"]
        axis.axhspan(*band, color="#dddddd", linewidth=0)
        axis.axhline(own["auc_mean"], color=plots.COLOURS["black"], label=f"{baseline} (no weak label)")
        axis.axhline(trivial, color="#777777", linestyle=(0, (1, 1)), label="mean |difference|, nothing learnt")
        others = panel[panel["arm"] != baseline]
        levels = sorted(others["noise"].unique())
        # Side by side, so that the bars do not hide each other.
        shifts = np.linspace(-1.2, 1.2, max(others["arm"].nunique(), 1))
        looks = zip(others.groupby("arm", sort=False), shifts, _COLOURS, _MARKERS, strict=False)
        for (arm, rows), shift, colour, marker in looks:
            axis.errorbar(
                rows["noise"] + shift, rows["auc_mean"], rows["auc_se"],
                color=colour, marker=marker, markersize=4, capsize=2, linewidth=1, label=arm,
            )  # fmt: skip
        axis.set(title=f"{count} human labels", xlabel="wrong weak labels (%)", xticks=levels)
    axes[0, 0].set_ylabel("AUC on the test population")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    plots.save(figure, path)
