"""The quality picture of a pair: both exams, a checkerboard and the difference, in three planes, brain only.

Drawn by NumPy and Pillow: every pair has one, and Matplotlib would take as long as the rest of its map.
"""

import functools

from gliodelta import plots
from gliodelta.imaging.resample import average

# The grey window: outside the 1st and 99th percentile of the brain lie vessels and noise.
WINDOW = (1, 99)
# Colours saturate at 3 standard deviations of brain intensity, which the change between grey matter and fluid reaches.
LARGEST = 3
# Squares small enough to cut the ventricles' rim several times, large enough to see tissue in each.
SQUARE_MM = 20
# The planes cross where the difference, smoothed by this much, is largest: a lesion's size, so that noise and rims
# cancel out.
COHERENT_MM = 5.0
# They cross deeper than this, so that each of them shows a good part of the brain.
DEPTH_MM = 15.0
# A pixel is a millimetre in every picture, so that brains compare and a sheet of fifty stays below 5 MB. Room for a
# large brain, left to right, back to front, foot to head; larger ones are shrunk.
ROOM_MM = (160, 200, 160)
# Pixels around the panels: for the title and the columns' names, for the planes' names, for the colour bar.
TOP, LEFT, RIGHT = 42, 30, 66
TEXT, SMALL = 13, 11
# Length of the marks at the panels' rims, width of the colour bar.
TICK, BAR = 5, 10
# Greys and colours of the pictures; few, so that they take few bytes.
GREYS, STEPS = 32, 25
# Red and blue of ColorBrewer (Brewer 2003, A transition in improving maps), from -LARGEST to LARGEST.
RED_BLUE = ("#053061", "#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7")
RED_BLUE += ("#fddbc7", "#f4a582", "#d6604d", "#b2182b", "#67001f")
PLANES = {"axial": 2, "coronal": 1, "sagittal": 0}
# What lies at the left of each plane: the patient's right, or the back.
SIDES = {"axial": "R", "coronal": "R", "sagittal": "P"}
UNITS = "difference (standard deviations of brain intensity)"
COLUMNS = ("current", "prior, registered", "checkerboard", "current − prior")


def draw(pair, mask, affine, title, path):
    """Draws what a person needs to judge a registered pair at a glance.

    The three planes cross where the exams differ most over the size of a lesion; ticks at the rims of the panels show
    where. The patient's right is at the left of the picture, as radiologists look at it, and the back at the left of
    sagittal planes; the yellow line is the rim of the common brain mask. A pixel is a millimetre.

    Args:
        pair: float array (X, Y, Z, 2) = (prior, current) in z units, 0 outside `mask`.
        mask: bool (X, Y, Z), the common brain.
        affine: 4x4, voxels to world mm (RAS+), in any orientation.
        title: pseudonymous id.
        path: PNG to write.
    """
    import numpy as np

    volumes, mask, spacing = _upright(pair, mask, affine)
    prior, current = volumes[..., 0], volumes[..., 1]
    window = np.percentile(current[mask], WINDOW)
    point = _largest_change(current - prior, mask, spacing)
    places = np.nonzero(mask)
    middle = np.array([(place.min() + place.max()) / 2 for place in places])
    extent = np.array([np.ptp(place) + 1 for place in places]) * spacing
    step = spacing * min(1, *(ROOM_MM / extent))
    rows = {}
    for plane, axis in PLANES.items():
        slices = (image.take(point[axis], axis) for image in (current, prior, mask))
        view = [np.delete(numbers, axis) for numbers in (ROOM_MM, step, middle)]
        ticks = (np.delete((point - middle) * step, axis) + view[0] / 2).astype(int)
        rows[plane] = [_ticked(panel, ticks) for panel in _panels(*(_pixels(image, *view) for image in slices), window)]
    plots.save_picture(_compose(rows, title), path, palette())


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
    """The voxel deep in the brain around which the exams differ most; looked for at half of `COHERENT_MM`."""
    import numpy as np
    from scipy import ndimage

    affine = np.diag([*spacing, 1])
    difference, coarse = average(difference, affine, COHERENT_MM / 2)
    mask, _ = average(mask, affine, COHERENT_MM / 2)
    sizes = np.diag(coarse)[:3]
    smooth = np.abs(ndimage.gaussian_filter(difference, COHERENT_MM / sizes, truncate=2))
    around = ndimage.uniform_filter(mask, 1 + 2 * np.round(DEPTH_MM / sizes).astype(int))
    deep = around >= min(0.99, around.max())
    place = np.unravel_index(np.argmax(np.where(deep, smooth, -1)), mask.shape)
    return np.rint((place * sizes + coarse[:3, 3]) / spacing).astype(int)


def _pixels(image, room, step, middle):
    """A slice as rows of pixels, the highest first; `step` is the size in pixels of its voxels."""
    import numpy as np
    from scipy import ndimage

    sides = zip(room, step, middle, strict=True)
    places = [(np.arange(length) - (length - 1) / 2) / size + centre for length, size, centre in sides]
    return ndimage.map_coordinates(image.astype(np.float32), np.meshgrid(*places, indexing="ij"), order=1).T[::-1]


def _panels(current, prior, inside, window):
    """The four panels of a plane, uint8 [height, width, 3]."""
    import numpy as np
    from scipy import ndimage

    inside = inside > 0.5
    rows, columns = np.indices(inside.shape)
    board = np.where((rows // SQUARE_MM + columns // SQUARE_MM) % 2 == 0, current, prior)
    greys = [np.clip((image - window[0]) / max(window[1] - window[0], 1e-6), 0, 1) for image in (current, prior, board)]
    panels = [np.repeat((255 * grey).astype(np.uint8)[..., None], 3, axis=-1) for grey in greys]
    panels.append(_colours((current - prior) / LARGEST))
    rim = inside & ~ndimage.binary_erosion(inside)
    for panel in panels:
        panel[~inside] = 0
        panel[rim] = _rgb(plots.COLOURS["yellow"])
    return panels


def _ticked(panel, ticks):
    """Marks at the rims where the other two planes cross; `ticks` counts from the left and from below."""
    column, row = ticks[0], len(panel) - 1 - ticks[1]
    for mark in (panel[:TICK, column], panel[-TICK:, column], panel[row, :TICK], panel[row, -TICK:]):
        mark[:] = 255
    return panel


def _rgb(colour):
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


def _colours(values):
    """Colours of numbers from -1 to 1, uint8 [..., 3]."""
    import numpy as np

    anchors = np.linspace(-1, 1, len(RED_BLUE))
    channels = np.array([_rgb(colour) for colour in RED_BLUE]).T
    return np.stack([np.interp(values, anchors, channel) for channel in channels], axis=-1).astype(np.uint8)


def palette():
    """Returns the colours that the pictures are made of, uint8 (N, 3)."""
    import numpy as np

    grey = np.repeat(np.linspace(0, 255, GREYS).astype(np.uint8)[:, None], 3, axis=1)
    rim = np.array([_rgb(plots.COLOURS["yellow"])], np.uint8)
    return np.vstack([grey, _colours(np.linspace(-1, 1, STEPS)), rim])


def _compose(rows, title):
    """Puts the panels of all planes on one picture, with their names, the title and the colour bar."""
    from PIL import Image, ImageDraw

    width = max(ROOM_MM)
    height = sum(len(panels[0]) for panels in rows.values())
    picture = Image.new("RGB", (LEFT + len(COLUMNS) * width + RIGHT, TOP + height))
    brush = ImageDraw.Draw(picture)
    top = TOP
    for plane, panels in rows.items():
        middle = top + len(panels[0]) // 2
        for column, panel in enumerate(panels):
            left = LEFT + column * width + (width - panel.shape[1]) // 2
            picture.paste(Image.fromarray(panel), (left, top))
        _write_upwards(picture, plane, (8, middle))
        brush.text((LEFT - 8, middle), SIDES[plane], "white", _font(SMALL), "mm")
        top += len(panels[0])
    brush.text((picture.width // 2, 12), title, "white", _font(TEXT), "mm")
    for column, name in enumerate(COLUMNS):
        brush.text((LEFT + (column + 0.5) * width, 32), name, "white", _font(SMALL), "mm")
    _draw_bar(picture, brush, picture.width - RIGHT + 4, TOP + height // 4, height // 2)
    return picture


def _draw_bar(picture, brush, left, top, height):
    import numpy as np
    from PIL import Image

    colours = _colours(np.linspace(1, -1, height))
    picture.paste(Image.fromarray(np.repeat(colours[:, None], BAR, axis=1)), (left, top))
    for value in range(-LARGEST, LARGEST + 1):
        place = top + (LARGEST - value) / (2 * LARGEST) * (height - 1)
        brush.text(
            (left + BAR + 4, place), f"{value:+d}".replace("-", "−") if value else "0", "white", _font(SMALL), "lm"
        )
    _write_upwards(picture, UNITS, (left + BAR + 36, top + height // 2))


def _write_upwards(picture, text, middle):
    from PIL import Image, ImageDraw

    label = Image.new("RGB", _font(SMALL).getbbox(text)[2:])
    ImageDraw.Draw(label).text((0, 0), text, "white", _font(SMALL))
    label = label.rotate(90, expand=True)
    picture.paste(label, (middle[0] - label.width // 2, middle[1] - label.height // 2))


@functools.cache
def _font(size):
    """DejaVu Sans, which Matplotlib's wheel brings; found without importing Matplotlib, which takes a second."""
    import importlib.util
    from pathlib import Path

    from PIL import ImageFont

    folder = Path(importlib.util.find_spec("matplotlib").origin).parent
    return ImageFont.truetype(folder / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf", size)
