"""The flow diagram of a study, as STARD and CONSORT ask for: what came in, what was left out, what was tested."""

import textwrap
from typing import NamedTuple

from gliodelta import plots
from gliodelta.labels.human import consensus
from gliodelta.status import INCLUDED
from gliodelta.tables import PAIR, count_reasons

# Beyond these, reasons are summed up: a cohort's must fit beside its boxes.
MOST_REASONS = 5
# Boxes in mm. A letter of 8 points is 1.5 mm wide in the mean and its line 3.6 mm high.
_MAIN, _SIDE, _GAP, _EDGE = 50, 66, 6, 2
_LETTER, _LINE = 1.5, 3.6
_COLUMN = _MAIN + _GAP + _SIDE + 2 * _EDGE
_ACROSS = 2


class Step(NamedTuple):
    """A box: its text, and (reason, number) of what does not reach the next box."""

    text: str
    left_out: list


class Chain(NamedTuple):
    """A column of boxes, from top to bottom; the last one is what counts."""

    title: str
    steps: list


def count_cohort(name, exams, maps, labels, tested):
    """Counts what became of a labelled cohort.

    Args:
        name: of the cohort, for the title.
        exams: table of its exams (subject, status, reason), or None where only difference maps were given.
        maps: table of its pairs (subject, prior, current, include, reason).
        labels: path of its human labels.
        tested: the pairs that the evaluation scored (subject, prior, current, y_true).

    Returns:
        (`Chain`, dict of numbers: exams, usable_exams, exam_patients, pairs, maps, map_patients, labelled, tested,
        tested_patients, unstable; those of exams are None where there are none). In every step but that of exams, what
        is left out and what reaches the next add up.
    """
    used = maps[maps["include"] == "yes"]
    judged = used[PAIR].merge(consensus(labels)[[*PAIR, "y", "reason"]], on=PAIR, how="left")
    unlabelled = judged.loc[judged["y"].isna(), "reason"].fillna("no human label")
    lost = len(judged) - len(unlabelled) - len(tested)
    left_out = _few(count_reasons(unlabelled)) + [("no prediction of every arm", lost)] * (lost > 0)
    unstable = int(tested["y_true"].sum())
    steps = [
        Step(_of(maps, "pairs of exams"), _few(count_reasons(maps.loc[maps["include"] != "yes", "reason"]))),
        Step(_of(used, "difference maps"), left_out),
        Step(f"Tested: {_of(tested, 'maps with a human label')}; {unstable} unstable", []),
    ]
    numbers = {
        "pairs": len(maps), "maps": len(used), "map_patients": used["subject"].nunique(),
        "labelled": len(judged) - len(unlabelled), "tested": len(tested),
        "tested_patients": tested["subject"].nunique(), "unstable": unstable,
    }  # fmt: skip
    numbers |= dict.fromkeys(("exams", "usable_exams", "exam_patients"))
    if exams is not None:
        out = exams[exams["status"] != INCLUDED]
        steps.insert(0, Step(_of(exams, "exams"), _few(count_reasons(out["reason"]))))
        numbers |= {"exams": len(exams), "usable_exams": len(exams) - len(out)}
        numbers["exam_patients"] = exams["subject"].nunique()
    return Chain(name, steps), numbers


def count_weak(lineages):
    """Counts the weak labels that models may train on.

    Args:
        lineages: contents of the lineage.json of all manifests, with `pairs`, `unstable` and `weak_left_out`.

    Returns:
        `Chain`, whose numbers are ranges over the splits; None where no split has a weak label.
    """
    totals = [one["pairs"]["weak"] + sum(one["weak_left_out"].values()) for one in lineages]
    if not any(totals):
        return None
    reasons = {
        reason: span(one["weak_left_out"][reason] for one in lineages) for reason in lineages[0]["weak_left_out"]
    }
    weak, unstable = (span(one[key]["weak"] for one in lineages) for key in ("pairs", "unstable"))
    return Chain(
        "Weak labels, for training only",
        [
            Step(f"{span(totals)} pairs with a weak label", [(why, n) for why, n in reasons.items() if n != "0"]),
            Step(f"Offered to a model: {weak} maps, {unstable} unstable; recipes cut them by confidence", []),
        ],
    )


def span(numbers):
    """Returns "12", or "12 to 15" where the numbers differ."""
    low, *_, high = 2 * sorted(numbers)
    return f"{low}" if low == high else f"{low} to {high}"


def _of(rows, what):
    patients = rows["subject"].nunique()
    return f"{len(rows)} {what}, {counted(patients, 'patient')}"


def counted(number, what):
    """Returns "1 patient" or "2 patients"."""
    return f"{number} {what}{'s' * (number != 1)}"


def _few(reasons):
    others = sum(count for _, count in reasons[MOST_REASONS:])
    return [*reasons[:MOST_REASONS], *([("other reasons", others)] if others else [])]


def draw_flow(chains, path):
    """Draws the chains side by side, in rows of two.

    Args:
        chains: list of `Chain`.
        path: PNG to write.
    """
    rows = [chains[start : start + _ACROSS] for start in range(0, len(chains), _ACROSS)]
    heights = [max(_height(chain) for chain in row) for row in rows]
    width = _COLUMN * max(len(row) for row in rows)
    figure, axes = plots.new(width, sum(heights))
    figure.set_layout_engine("none")
    axes.set(position=(0, 0, 1, 1), xlim=(0, width), ylim=(sum(heights), 0))
    axes.axis("off")
    for number, row in enumerate(rows):
        for column, chain in enumerate(row):
            _draw_chain(axes, chain, column * _COLUMN + _EDGE, sum(heights[:number]))
    plots.save(figure, path)


def _draw_chain(axes, chain, left, top):
    axes.text(left, top + 4, chain.title, fontsize=9, fontweight="bold", va="center")
    top += 8
    for place, step in enumerate(chain.steps):
        last = place == len(chain.steps) - 1
        lines, side = _lines(step)
        high = _box_height(lines)
        colour = plots.COLOURS["blue"] if last else plots.COLOURS["black"]
        _box(axes, left, top, _MAIN, lines, colour, 2 if last else 1)
        if last:
            return
        middle, below = left + _MAIN / 2, top + _pitch(step)
        arrow = {"arrowstyle": "-|>", "color": plots.COLOURS["black"], "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", (middle, below), (middle, top + high), arrowprops=arrow)
        if side:
            centre = (top + high + below) / 2
            axes.annotate("", (left + _MAIN + _GAP, centre), (middle, centre), arrowprops=arrow)
            _box(axes, left + _MAIN + _GAP, centre - _box_height(side) / 2, _SIDE, side, plots.COLOURS["red"], 1)
        top = below


def _box(axes, left, top, width, lines, colour, line):
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((left, top), width, _box_height(lines), fill=False, edgecolor=colour, linewidth=line))
    axes.text(left + _EDGE, top + _EDGE, "\n".join(lines), va="top", linespacing=1.28)


def _lines(step):
    """Lines of the box, and of the one beside it."""
    main = textwrap.wrap(step.text, int((_MAIN - 2 * _EDGE) / _LETTER))
    texts = ["Left out:"] * bool(step.left_out) + [f"{number} {reason}" for reason, number in step.left_out]
    width = int((_SIDE - 2 * _EDGE) / _LETTER)
    return main, [line for text in texts for line in textwrap.wrap(text, width, subsequent_indent="   ")]


def _box_height(lines):
    return len(lines) * _LINE + 2 * _EDGE


def _pitch(step):
    """From the top of a step's box to that of the next: room for what stands between them."""
    lines, side = _lines(step)
    return _box_height(lines) + max(_GAP, (_box_height(side) + _EDGE) if side else 0)


def _height(chain):
    return 8 + sum(_pitch(step) for step in chain.steps) + _GAP
