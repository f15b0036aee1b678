"""The quality picture of a pair: both exams, a checkerboard and the difference, in three planes, brain only."""

from gliodelta import plots

# The grey window: outside the 1st and 99th percentile of the brain lie vessels and noise.
WINDOW = (1, 99)
# Colours saturate at 3 standard deviations of brain intensity, which the change between grey matter and fluid reaches.
LARGEST = 3.0
# Squares small enough to cut the ventricles' rim several times, large enough to see tissue in each.
SQUARE_MM = 20.0
# The planes cross where the difference, smoothed by this much, is largest: a lesion's size, so that noise and rims
# cancel out.
COHERENT_MM = 5.0
# They cross deeper than this, so that each of them shows a good part of the brain.
DEPTH_MM = 15.0
# Picture size (mm, dots an inch) and numbers of greys and of colours: below 80 kB, so that a sheet can hold fifty.
SIZE_MM, DPI = (160, 106), 100
GREYS, STEPS = 40, 33
MAP = "RdBu_r"
PLANES = {"axial": 2, "coronal": 1, "sagittal": 0}
COLUMNS = ("current", "prior, registered", "checkerboard", "current − prior")


def draw(pair, mask, affine, title, path):
    """Draws what a person needs to judge a registered pair at a glance.

    The three planes cross where the exams differ most over the size of a lesion. The patient's right is at the left of
    the picture, as radiologists look at it; the line is the rim of the common brain mask.

    Args:
        pair: float array (X, Y, Z, 2) = (prior, current) in z units, 0 outside `mask`.
        mask: bool (X, Y, Z), the common brain.
        affine: 4x4, voxels to world mm (RAS+), in any orientation.
        title: pseudonymous id.
        path: PNG to write.
    """
    import numpy as np

    volumes, mask, spacing = _upright(pair, mask, affine)
    window = np.percentile(volumes[..., 1][mask], WINDOW)
    point = _largest_change(volumes[..., 1] - volumes[..., 0], mask, spacing)
    heights = [mask.shape[axis] * spacing[axis] for axis in (1, 2, 2)]
    figure, axes = plots.new(*SIZE_MM, 3, 4, gridspec_kw={"height_ratios": heights})
    for row, (plane, axis) in zip(axes, PLANES.items(), strict=True):
        prior, current = (volumes[..., exam].take(point[axis], axis) for exam in (0, 1))
        rim, pixel = mask.take(point[axis], axis), np.delete(spacing, axis)
        board = np.where(_squares(rim.shape, pixel), current, prior)
        for place, panel in zip(row, (current, prior, board), strict=False):
            _show(place, panel, rim, pixel, cmap="gray", vmin=window[0], vmax=window[1])
        shown = _show(row[3], current - prior, rim, pixel, cmap=MAP, vmin=-LARGEST, vmax=LARGEST)
        row[0].set_ylabel(plane)
    _annotate(figure, axes, shown, title)
    plots.save(figure, path, dpi=DPI, palette=palette())


def _upright(pair, mask, affine):
    """Turns the volumes so that the axes run to the patient's left, front and top; returns them and the voxel size."""
    import nibabel as nib
    import numpy as np

    found = nib.orientations.io_orientation(affine)
    turn = nib.orientations.ornt_transform(found, nib.orientations.axcodes2ornt("LAS"))
    spacing = np.empty(3)
    spacing[found[:, 0].astype(int)] = np.linalg.norm(affine[:3, :3], axis=0)
    return nib.apply_orientation(pair, turn), nib.apply_orientation(mask, turn), spacing


def _largest_change(difference, mask, spacing):
    import numpy as np
    from scipy import ndimage

    smooth = np.abs(ndimage.gaussian_filter(difference, COHERENT_MM / spacing, truncate=2))
    around = ndimage.uniform_filter(mask.astype(np.float32), 1 + 2 * np.round(DEPTH_MM / spacing).astype(int))
    deep = around >= min(0.99, around.max())
    return np.unravel_index(np.argmax(np.where(deep, smooth, -1)), mask.shape)


def palette():
    """Returns the colours that the pictures are made of, uint8 (N, 3)."""
    import matplotlib
    import numpy as np

    grey = matplotlib.colormaps["gray"](np.linspace(0, 1, GREYS))
    change = matplotlib.colormaps[MAP](np.linspace(0, 1, STEPS))
    rim = matplotlib.colors.to_rgba(plots.COLOURS["yellow"])
    return np.rint(255 * np.vstack([grey, change, rim])[:, :3]).astype(np.uint8)


def _squares(shape, pixel):
    import numpy as np

    rows, columns = (np.arange(length) * size // SQUARE_MM for length, size in zip(shape, pixel, strict=True))
    return (rows[:, None] + columns) % 2 == 0


def _show(place, panel, rim, pixel, **colours):
    import numpy as np

    size = np.array(panel.shape) * pixel
    brain = np.where(rim, panel, np.nan)
    shown = place.imshow(brain.T, origin="lower", extent=(0, size[0], 0, size[1]), **colours)
    centres = [(np.arange(length) + 0.5) * step for length, step in zip(rim.shape, pixel, strict=True)]
    place.contour(*centres, rim.T, levels=[0.5], colors=[plots.COLOURS["yellow"]], linewidths=0.6, antialiased=False)
    place.set(xticks=[], yticks=[])
    place.spines[:].set_visible(False)
    place.set_facecolor("black")
    return shown


def _annotate(figure, axes, shown, title):
    figure.set_facecolor("black")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    figure.suptitle(title, color="white", fontsize=9)
    for place, name in zip(axes[0], COLUMNS, strict=True):
        place.set_title(name, color="white", loc="center", fontsize=8)
    for place in axes[:, 0]:
        place.yaxis.label.set_color("white")
    for place in axes[:2, 0]:
        place.text(0.02, 0.5, "R", color="white", transform=place.transAxes, ha="right", va="center", fontsize=7)
    bar = figure.colorbar(shown, ax=axes[:, 3], shrink=0.6, aspect=30)
    bar.set_label("difference (standard deviations of brain intensity)", color="white", fontsize=7)
    bar.ax.tick_params(colors="white", labelsize=7)
    bar.outline.set_visible(False)
