"""The quality of a whole cohort at a glance: which pairs stand out, and pictures of them."""

from gliodelta import plots
from gliodelta.imaging import qc

# Numbers of maps.tsv (qc_*, or qc_*_prior and qc_*_current), what the figure calls them, and on which side they are
# worse: lower (-1), higher (1) or both (0).
MEASURES = {
    "similarity_after": ("correlation, registered", -1),
    "structure": ("agreement of fine structure", -1),
    "coverage": ("share of the brain in both", -1),
    "mask_ratio": ("ratio of brain volumes", -1),
    "residual_mm": ("residual motion (mm)", 1),
    "sd_difference": ("sd of the difference (z)", 0),
    "drift": ("slow difference (z)", 1),
    "sharpness": ("sharpness ratio", 0),
    "ghosting": ("ghosts (share of signal)", 1),
    "fluid_contrast": ("contrast of fluid", -1),
    "saturated": ("share of saturated voxels", 1),
    "symmetry": ("same when swapped", -1),
}
# "Modified z-scores above 3.5" (Iglewicz & Hoaglin 1993, How to detect and handle outliers); in fewer pairs than this
# nobody stands out.
OUTLYING, FEWEST = 3.5, 8
# Outliers named in a panel; maps.tsv names all.
NAMED = 3
TILE_COLUMNS = 4


def outlyingness(rows):
    """Measures how far each pair stands out in its cohort.

    Args:
        rows: DataFrame with the columns of maps.tsv.

    Returns:
        DataFrame of the same index, one column for each of `MEASURES`: robust z-scores, positive where worse than the
        median; missing where the number is, or where the cohort has fewer than `FEWEST`.
    """
    import numpy as np
    import pandas as pd

    scores = {}
    for name, (_, side) in MEASURES.items():
        values = _worse(rows, name, side)
        deviation = values - values.median()
        # Where more than half of the values are equal, their mean deviation has to do.
        spread = 1.4826 * deviation.abs().median() or 1.2533 * deviation.abs().mean()
        score = deviation / spread if spread and values.count() >= FEWEST else values * np.nan
        scores[name] = score * side if side else score.abs()
    return pd.DataFrame(scores, index=rows.index)


def _worse(rows, name, side):
    """The pairs' numbers; of the two exams' the worse."""
    columns = [column for column in (f"qc_{name}", f"qc_{name}_prior", f"qc_{name}_current") if column in rows]
    values = rows[columns].astype(float)
    return values.min(axis=1) if side < 0 else values.max(axis=1)


def draw_distributions(rows, scores, limits, path):
    """Draws how the quality numbers are spread over the pairs, with their limits and the names of the outliers.

    Args:
        rows: DataFrame with the columns of maps.tsv.
        scores: from `outlyingness`.
        limits: dict of some keys of `MEASURES` to numbers.
        path: PNG to write.
    """
    figure, axes = plots.new(200, 130, 3, 4)
    for place, (name, (label, side)) in zip(axes.flat, MEASURES.items(), strict=True):
        values = _worse(rows, name, side)
        place.hist(values.dropna(), bins=20, color=plots.COLOURS["blue"])
        place.set_xlabel(label)
        if name in limits and values.notna().any():
            place.axvline(limits[name], color=plots.COLOURS["red"], linestyle="--")
        _name_outliers(place, rows, values, scores[name])
    for place in axes[:, 0]:
        place.set_ylabel("pairs")
    plots.save(figure, path)


def _name_outliers(place, rows, values, scores):
    outliers = scores[scores > OUTLYING].sort_values(ascending=False).index
    names = ["{subject} {prior}to{current}".format(**rows.loc[index]) for index in outliers[:NAMED]]
    names += ["…"] if len(outliers) > NAMED else []
    place.set_title(", ".join(names), fontsize=5, color=plots.COLOURS["red"])
    marks = {"color": plots.COLOURS["red"], "markersize": 4, "clip_on": False, "transform": place.get_xaxis_transform()}
    (marked,) = place.plot(values[outliers], [-0.02] * len(outliers), "^", **marks)
    marked.set_in_layout(False)


def choose(pictures, most):
    """Chooses the pictures of the gallery: the worst pairs first, then others in an order that does not change.

    Args:
        pictures: list of (rank, digest of the pair, anything); the lowest rank is the worst.
        most: how many to choose; half of them are the worst pairs.

    Returns:
        At most so many of them.
    """
    worst = most // 2
    ranked = sorted(pictures, key=lambda picture: picture[:2])
    return ranked[:worst] + sorted(ranked[worst:], key=lambda picture: picture[1])[: most - worst]


def draw_gallery(files, path):
    """Puts pictures of pairs on one sheet, in their order, row by row.

    Args:
        files: PNGs of one size, from `gliodelta.imaging.qc.draw`.
        path: PNG to write.
    """
    from PIL import Image

    tiles = [Image.open(file).convert("RGB") for file in files] or [Image.new("RGB", (1, 1))]
    width, height = tiles[0].size
    sheet = Image.new("RGB", (width * min(len(tiles), TILE_COLUMNS), height * -(-len(tiles) // TILE_COLUMNS)))
    for index, tile in enumerate(tiles):
        sheet.paste(tile, (index % TILE_COLUMNS * width, index // TILE_COLUMNS * height))
    plots.save_picture(sheet, path, qc.palette())
