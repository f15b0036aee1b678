"""Figures can be laid side by side and told apart: the same axes for every arm, colours for every reader, dashes."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from gliodelta.evaluation import figures, panels
from gliodelta.statistics.bootstrap import draw_patients

# How colours look without one kind of cone, in linear RGB (Machado et al. 2009, doi:10.1109/TVCG.2009.113, severity 1).
BLINDNESS = {
    "none": np.eye(3),
    "no red cones": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "no green cones": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "no blue cones": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
# From linear sRGB to XYZ, whose white is (.9505, 1, 1.089).
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(linear):
    """CIE 1976 L*a*b* of colours in linear sRGB."""
    x, y, z = np.cbrt(np.clip(linear, 1e-4, 1) @ XYZ.T / [0.9505, 1, 1.089]).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


@pytest.mark.parametrize("kind", BLINDNESS)
def test_colours_of_arms_differ_for_every_reader(kind):
    colours = np.array([[int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in figures._COLOURS])
    seen = lab(colours**2.2 @ np.array(BLINDNESS[kind]).T)
    # Differences from 2.3 on are noticed side by side (Mahy et al. 1994); thin lines apart need more.
    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > 10


def test_lines_of_arms_differ_without_any_colour():
    kinds = {"first": "primary"} | dict.fromkeys(["second", "third", "fourth", "fifth"], "arm")
    kinds |= dict.fromkeys(["mean", "p95", "histogram", "days"], "comparator")
    styles = figures._styles(kinds)
    assert len({(str(style["linestyle"]), style["color"] == figures._GREY) for style in styles.values()}) == len(kinds)
    assert max(styles, key=lambda arm: styles[arm]["linewidth"]) == "first"


def sample(prevalence, spread, size=40):
    """A sample of maps, two a patient, as `predictions.average_repeats` gives it."""
    draw = np.random.default_rng(size)
    y = (draw.random(size) < prevalence).astype(float)
    probability = 1 / (1 + np.exp(-spread * (y - 0.5 + draw.normal(size=size))))
    rows = {"subject": [f"p{place // 2}" for place in range(size)], "y_true": y, "called": probability > 0.5}
    return pd.DataFrame({**rows, "judged": probability, "probability": probability})


def test_axes_are_the_same_whatever_the_arm(monkeypatch):
    drawn = []
    monkeypatch.setattr(panels.plots, "save", lambda figure, path: drawn.append(figure))
    for rows in (sample(0.2, 0.1), sample(0.8, 9)):
        panels.draw_arm("arm", "cohort", rows, draw_patients(rows["subject"], 20, 1), 5, "", None)
    first, second = ([(axes.get_xlim(), axes.get_ylim()) for axes in figure.axes] for figure in drawn)
    assert first == second and len(first) == 4


def test_what_is_to_be_known_of_probabilities_stands_below_the_panels(monkeypatch):
    drawn = []
    monkeypatch.setattr(panels.plots, "save", lambda figure, path: drawn.append(figure))
    rows = sample(0.5, 1)
    panels.draw_arm("arm", "cohort", rows, draw_patients(rows["subject"], 20, 1), 5, "2 of 6 uncalibrated", None)
    assert drawn[0].get_supxlabel() == "2 of 6 uncalibrated"
