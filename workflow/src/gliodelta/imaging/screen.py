"""Which pairs go on, and why the others do not: a row for every pair of the cohort, their quality, their pictures."""

from pathlib import Path

from gliodelta import io, plots, status
from gliodelta.fingerprint import digest
from gliodelta.imaging import qc
from gliodelta.imaging.difference import FEATURES
from gliodelta.imaging.register import precedes
from gliodelta.sheets import day_of_session, find, pair_id, read_cohort

# Columns of maps.tsv that come from a pair's qc.json, and what the figure calls them.
QC = {
    "similarity_before": "before registration",
    "similarity_after": "after registration",
    "coverage": "share of the brain\nin both exams",
    "brain_ml": "brain volume (ml)",
    "sd_difference": "deviation of the\ndifference (z)",
}
COLUMNS = ["subject", "prior", "current", "days", "include", "reason", *(f"qc_{name}" for name in QC), *FEATURES]
# The report holds this many pictures; half of them are the least similar pairs, the rest a sample that stays the same.
TILES, WORST = 50, 25
TILE_COLUMNS = 4


def screen_maps(cohort_file, qc_files, min_similarity, surgery_days, table, figure, gallery):
    """Decides which pairs of a cohort go on.

    A pair is excluded, in this order, when a person excluded it in pairs.tsv, when prior does not precede current, when
    an exam is `surgery_days` days or fewer after a surgery in events.tsv, when a step before excluded it, or when its
    similarity is too low.

    Args:
        cohort_file: the cohort's YAML.
        qc_files: qc.json of every pair of the cohort; their pictures lie beside them.
        min_similarity: smallest correlation of the registered exams inside the brain, -1 to 1.
        surgery_days: days after surgery in which an exam is not used (28 in the published study).
        table: TSV to write: subject prior current days include (yes/no) reason qc_* feature_*.
        figure: PNG to write, distributions of the quality numbers.
        gallery: PNG to write, pictures of the least similar pairs and of a fixed sample, at most 50.
    """
    import pandas as pd

    cohort = read_cohort(cohort_file)
    files = {Path(file).name: Path(file) for file in qc_files}
    rows, pictures = [], []
    for pair in cohort["pairs"]:
        file = files[f"sub-{pair['subject']}_pair-{pair_id(pair)}_qc.json"]
        report = io.read_json(file)
        reason = _reason(pair, cohort, report, min_similarity, surgery_days)
        rows.append(_row(pair, report, reason))
        if report["status"] == status.INCLUDED:
            name = f"{pair['subject']}/{pair_id(pair)}"
            pictures.append((report["similarity_after"], digest(name), file.with_suffix(".png")))
    rows = pd.DataFrame(rows, columns=COLUMNS)
    io.write_table(rows, table)
    _draw_distributions(rows, min_similarity, figure)
    _draw_gallery([picture for *_, picture in choose(pictures)], gallery)


def _reason(pair, cohort, report, min_similarity, surgery_days):
    if pair.get("exclude"):
        return pair["exclude"]
    if not precedes(pair_id(pair)):
        return "prior must precede current"
    surgeries = find(cohort, "events", subject=pair["subject"], event="surgery")
    for exam in ("prior", "current"):
        if any(0 <= days_between(surgery["session"], pair[exam]) <= surgery_days for surgery in surgeries):
            return f"{exam} exam within {surgery_days} days after surgery"
    if report["status"] == status.EXCLUDED:
        return report["reason"]
    if report["similarity_after"] < min_similarity:
        return f"similarity after registration is below {min_similarity:g}"
    return ""


def days_between(earlier, later):
    """Returns the days from session `earlier` to session `later`; sessions are days, or dates written yyyymmdd."""
    return day_of_session(later) - day_of_session(earlier)


def _row(pair, report, reason):
    row = {name: pair[name] for name in ("subject", "prior", "current")}
    row["days"] = days_between(pair["prior"], pair["current"])
    row |= {"include": "no" if reason else "yes", "reason": reason}
    row |= {f"qc_{name}": report.get(name) for name in QC}
    return row | {name: report.get(name) for name in FEATURES}


def choose(pictures):
    """Chooses the pictures of the gallery: the least similar pairs first, then others in an order that does not change.

    Args:
        pictures: list of (similarity, digest of the pair, anything).

    Returns:
        At most `TILES` of them.
    """
    ranked = sorted(pictures, key=lambda picture: picture[:2])
    return ranked[:WORST] + sorted(ranked[WORST:], key=lambda picture: picture[1])[: TILES - WORST]


def _draw_distributions(rows, min_similarity, path):
    import numpy as np

    # Both correlations in one panel and in the same bins.
    bins = np.linspace(-1, 1, 41)
    figure, axes = plots.new(170, 50, 1, 4, gridspec_kw={"width_ratios": [2, 1, 1, 1]})
    for name, colour in (("similarity_before", "sky"), ("similarity_after", "blue")):
        axes[0].hist(_measured(rows, name), bins, color=plots.COLOURS[colour], alpha=0.8, label=QC[name])
    axes[0].axvline(min_similarity, color=plots.COLOURS["red"], linestyle="--", label="limit")
    axes[0].set(ylabel="pairs", xlabel="correlation inside the brain", xlim=(-0.5, 1))
    axes[0].legend(loc="upper left", fontsize=6)
    for place, name in zip(axes[1:], ("coverage", "brain_ml", "sd_difference"), strict=True):
        place.hist(_measured(rows, name), bins=15, color=plots.COLOURS["blue"])
        place.set(xlabel=QC[name])
    plots.save(figure, path)


def _measured(rows, name):
    return rows[f"qc_{name}"].dropna().astype(float)


def _draw_gallery(files, path):
    from PIL import Image

    tiles = [Image.open(file).convert("RGB") for file in files] or [Image.new("RGB", (1, 1))]
    width, height = tiles[0].size
    sheet = Image.new("RGB", (width * min(len(tiles), TILE_COLUMNS), height * -(-len(tiles) // TILE_COLUMNS)))
    for index, tile in enumerate(tiles):
        sheet.paste(tile, (index % TILE_COLUMNS * width, index // TILE_COLUMNS * height))
    plots.save_picture(sheet, path, qc.palette())
