"""Pictures of pairs with what a network looked at: one axial slice a pair, two columns of pairs a page."""

import numpy as np

from gliodelta import plots

PANELS = ("prior", "current", "difference", "saliency")
PIXEL_MM = 1.0
# Grey window: outside the 1st and 99th percentile of the brain lie vessels and noise.
_WINDOW = (1, 99)
# The difference's colours saturate at 3 standard deviations of brain intensity, as in the pictures of the maps.
_LARGEST = 3
# Weaker saliency than this share of the slice's largest leaves the exam visible.
_FAINT = 0.1
# Both are safe for colour-blind readers (ColorBrewer, Brewer 2003): red and blue for the exams, orange and purple for
# the network.
_DIFFERENCE, _SALIENCY = "RdBu_r", "PuOr_r"
_GAP, _TEXT, _HEAD = 4, 46, 44
_WIDTH_MM = 185
# Width of a panel where there is no pair to show.
_EMPTY = 144
_TITLES = {"most": "most confident", "least": "least confident"}
_LABELS = ("stable", "unstable")


def draw_examples(groups, seen, path):
    """Draws the page of the pairs called rightly, or of those called wrongly.

    Each pair is shown in the axial slice that changed most within the box of the strongest saliency, which is framed:
    prior, current, current - prior, and the saliency on the current exam, orange where the change speaks for unstable,
    purple where against, each slice by its own largest value. The patient's right is at the left.

    Args:
        groups: dict of most and least (confident) to rows of `examples.choose` with `without`.
        seen: dict of ``{subject}/{prior}/{current}`` to a dict with saliency, box, pair and spacing_mm.
        path: PNG to write.
    """
    columns = {name: _column(rows, seen) for name, rows in groups.items()}
    height, width = (max(column[0].shape[axis] for column in columns.values()) for axis in (0, 1))
    columns = {name: (_padded(image, height, width), marks) for name, (image, marks) in columns.items()}
    scale = (_WIDTH_MM - 6) / 2 / width
    figure, axes = plots.new(_WIDTH_MM, height * scale + 12, columns=2, squeeze=False)
    for place, (name, (image, marks)) in zip(axes[0], columns.items(), strict=True):
        place.imshow(image, interpolation="antialiased")
        place.set_axis_off()
        place.text(0, 12, f"{_TITLES[name]} ({len(groups[name])})", va="center", fontweight="bold")
        for x, y, text in marks["texts"]:
            place.text(x, y, text, fontsize=7, va="center_baseline", linespacing=1.1)
        for x, y, box_width, box_height in marks["boxes"]:
            place.add_patch(_frame(x, y, box_width, box_height))
    note = (
        "Saliency: orange speaks for unstable, purple against. Difference: red is brighter in the current exam, blue "
        "darker.\nThe patient's right is at the left."
    )
    figure.supxlabel(note, fontsize=6)
    plots.save(figure, path)


def _frame(x, y, width, height):
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, height, fill=False, edgecolor=plots.COLOURS["green"], linewidth=0.8)


def _column(rows, seen):
    """The pairs of a group below each other: uint8 image, and the texts and boxes to draw on it, in its pixels."""
    marks, parts, top = {"texts": [], "boxes": []}, [], _HEAD
    for row in rows.itertuples():
        found = seen[f"{row.subject}/{row.prior}/{row.current}"]
        image, box = _row(found)
        marks["texts"].append((0, top + _TEXT / 2, _words(row)))
        marks["boxes"].append((box[0], box[1] + top + _TEXT, *box[2:]))
        parts.append(np.vstack([np.full((_TEXT, image.shape[1], 3), 255, np.uint8), image]))
        top += len(parts[-1])
    if not parts:
        marks["texts"].append((0, _HEAD - 12, "no such pair"))
        return np.full((_HEAD, _EMPTY * len(PANELS), 3), 255, np.uint8), marks
    width = max(part.shape[1] for part in parts)
    marks["texts"] += [(width * place / len(PANELS), _HEAD - 10, name) for place, name in enumerate(PANELS)]
    head = np.full((_HEAD, width, 3), 255, np.uint8)
    return np.vstack([head, *(_padded(part, len(part), width) for part in parts)]), marks


def _words(row):
    called = "called " + _LABELS[row.called]
    return (
        f"{row.subject} {row.prior}→{row.current}: {_LABELS[int(row.y_true)]}, {called}\n"
        f"p {row.probability:.3f} (cut {row.threshold:.3f}); {row.without:.3f} without change in the frame"
    )


def _row(found):
    """The panels of a pair side by side, and the box on the last of them as x, y, width, height."""
    saliency, pair, spacing = found["saliency"], found["pair"], found["spacing_mm"]
    slab = _slab(pair, found["box"])
    inside = pair.any(axis=0)
    prior, current = pair[..., slab]
    window = np.percentile(pair[1][inside], _WINDOW) if inside.any() else (0, 1)
    greys = [np.clip((exam - window[0]) / max(np.ptp(window), 1e-6), 0, 1) for exam in (prior, current)]
    shade = [_pixels(np.where(inside[..., slab], grey, 0), spacing) for grey in greys]
    brain = _pixels(inside[..., slab].astype(float), spacing) > 0.5
    change = _pixels(current - prior, spacing) / _LARGEST
    strength = _pixels(saliency[..., slab], spacing) / max(np.abs(saliency[..., slab]).max(), 1e-12)
    panels = [_coloured(image, "gray") for image in shade]
    panels.append(np.where(brain[..., None], _coloured((change + 1) / 2, _DIFFERENCE), 0))
    visible = np.clip((np.abs(strength) - _FAINT) / (1 - _FAINT), 0, 1)[..., None] ** 0.5
    colour = _coloured((strength + 1) / 2, _SALIENCY)
    panels.append(np.where(brain[..., None], visible * colour + (1 - visible) * panels[1], 0))
    gap = np.full((len(brain), _GAP, 3), 255)
    image = np.hstack([part for panel in panels for part in (panel, gap)]).astype(np.uint8)
    return image, _box(found["box"], saliency.shape, spacing, 3 * (brain.shape[1] + _GAP))


def _slab(pair, box):
    """The axial slice within a box in which the exams differ most."""
    change = np.abs(pair[1] - pair[0])[box]
    return box[2].start + int(change.sum(axis=(0, 1)).argmax())


def _box(box, shape, spacing, left):
    """A box of voxels as x, y, width and height in the pixels of a picture whose last panel starts at `left`."""
    wide, high = (spacing[axis] / PIXEL_MM for axis in (0, 1))
    x, y = (shape[0] - box[0].stop) * wide, (shape[1] - box[1].stop) * high
    return left + x, y, (box[0].stop - box[0].start) * wide, (box[1].stop - box[1].start) * high


def _pixels(plane, spacing):
    """An axial slice [X, Y] (to the patient's right and front) as rows of pixels, the front above, the right left."""
    from scipy import ndimage

    sizes = np.array(spacing[:2]) / PIXEL_MM
    return ndimage.zoom(plane.astype(np.float32), sizes, order=1, mode="nearest", grid_mode=True)[::-1, ::-1].T


def _coloured(values, name):
    """Colours, 0 to 255, of numbers from 0 to 1, which are cut there."""
    import matplotlib

    return 255 * matplotlib.colormaps[name](np.clip(values, 0, 1))[..., :3]


def _padded(image, height, width):
    white = np.full((height, width, 3), 255, np.uint8)
    white[: image.shape[0], : image.shape[1]] = image
    return white
