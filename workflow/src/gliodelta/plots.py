"""How all figures look and are written: one style, colours that colour-blind readers can tell apart, equal bytes."""

from gliodelta import io

# Okabe & Ito (2008), "Color Universal Design"; the order in which series take them.
COLOURS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "red": "#D55E00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
    "black": "#000000",
}
# Resolution of saved pictures: sharp on a screen at the report's width, and small enough to be carried in it.
DPI = 150
_MM_PER_INCH = 25.4


def new(width_mm=160, height_mm=100, rows=1, columns=1, **subplots):
    """Returns a new figure in the house style and its axes, both apart from pyplot: nothing is left open.

    Args:
        width_mm, height_mm: size; 160 mm is a column of the report.
        rows, columns: number of axes; one axes object is returned for 1 x 1, else an array of them.
        subplots: further arguments of `matplotlib.figure.Figure.subplots`.
    """
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.use("Agg")
    matplotlib.rcParams.update(_style(matplotlib))
    figure = Figure(figsize=(width_mm / _MM_PER_INCH, height_mm / _MM_PER_INCH), layout="constrained")
    return figure, figure.subplots(rows, columns, **subplots)


def _style(matplotlib):
    return {
        "font.size": 8,
        "axes.titlesize": 9,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": matplotlib.cycler(color=list(COLOURS.values())),
        "legend.frameon": False,
        "lines.linewidth": 1.5,
    }


def save(figure, path, dpi=DPI, palette=None):
    """Writes `figure` as PNG, then empties it. It holds no time or program version: equal figures are equal files.

    Args:
        figure: what `new` returned.
        path: file to write.
        dpi: dots an inch.
        palette: uint8 array (up to 256, 3) of the only colours to use; a picture of images then takes a third of the
            bytes.
    """
    with io.atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=dpi, metadata={"Software": None}, pil_kwargs={"optimize": True})
    figure.clear()
    if palette is not None:
        from PIL import Image

        save_picture(Image.open(path), path, palette)


def save_picture(picture, path, palette):
    """Writes a `PIL.Image.Image` as PNG in the colours of `palette` only, each colour as the nearest of them.

    Args:
        picture: of any mode.
        path: file to write.
        palette: uint8 array (up to 256, 3).
    """
    from PIL import Image

    colours = Image.new("P", (1, 1))
    colours.putpalette(palette.tobytes())
    reduced = picture.convert("RGB").quantize(palette=colours, dither=Image.Dither.NONE)
    with io.atomic(path) as temporary:
        reduced.save(temporary, format="png", optimize=True)
