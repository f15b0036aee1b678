"""The readable tables of `gliodelta.evaluation.score` on a terminal."""

import numpy as np

# Heading: the metric.
SHORT = {
    "AUC, pooled [95 %]": "auc",
    "AUC, mean of folds ± sd": "auc-fold-mean",
    "AUC, raw scores": "auc-raw-score",
    "AUC, ranks in folds": "auc-fold-ranks",
    "AUPR, trapezoid": "aupr-trapezoid",
    "AP": "ap",
    "accuracy": "accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "PPV": "ppv",
    "NPV": "npv",
    "F1": "f1",
    "Brier": "brier",
    "ECE": "calibration-error",
}
# Heading: the p-value.
TESTS = {
    "p, paired": "p",
    "p, Holm": "p_holm",
    "p, DeLong clustered": "p_delong_clustered",
    "p, DeLong": "p_delong",
    "p, published unpaired": "p_published_unpaired",
}


def summary(rows, metrics):
    """Lines of a table a cohort, one line an arm; of the intervals only that of the pooled AUC.

    Args:
        rows: result of `summary.overview`.
        metrics: result of `summary.measure`.
    """
    values = {
        key: part.drop_duplicates("metric").set_index("metric")["value"]
        for key, part in metrics.groupby(["cohort", "arm"])
    }
    lines = []
    for cohort, part in rows.groupby("cohort", sort=False):
        first = part.iloc[0]
        patients = "" if part["n_patients"].isna().any() else f" of {first['n_patients']} patients"
        lines += [f"{cohort}: {first['n_maps']} maps{patients}, {first['n_unstable']} unstable", ""]
        cells = [_cells(row, values[cohort, row["arm"]]) for _, row in part.iterrows()]
        # A column that no arm fills would only take room.
        heads = [head for head in cells[0] if any(row[head] for row in cells)]
        lines += [*_aligned([heads, *([row[head] for head in heads] for row in cells)]), ""]
        lines += [f"{row['arm']}: {row['note']}" for _, row in part.iterrows() if row["note"]]
    return lines


def _cells(row, values):
    cells = {head: _number(values.get(name, np.nan)) for head, name in SHORT.items()}
    if cells["AUC, raw scores"] == cells["AUC, pooled [95 %]"]:
        cells["AUC, raw scores"] = ""
    return {
        "arm": row["arm"],
        **cells,
        "AUC, pooled [95 %]": row["auc"],
        "AUC, mean of folds ± sd": row["auc-fold-mean"],
    }


def _number(value):
    return "" if np.isnan(value) else f"{value:.3f}"


def _chance(p_value):
    return "" if np.isnan(p_value) else "<.0001" if p_value < 1e-4 else f"{p_value:.4f}"


def comparisons(rows):
    """Lines of the table of `comparisons.compare`; none for a single arm."""
    table = [
        {
            **{name: str(row[name]) for name in ("cohort", "arm", "against")},
            "AUC difference [95 %]": f"{row['difference']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]",
            **{head: _chance(row[name]) for head, name in TESTS.items()},
            "family": row["family"],
        }
        for _, row in rows.iterrows()
    ]
    return _aligned([list(table[0]), *(list(row.values()) for row in table)]) if table else []


def _aligned(rows):
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]
