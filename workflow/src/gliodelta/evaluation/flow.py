"""The flow diagram of a study, as STARD and CONSORT ask for: what came in, what was left out, what was tested."""

import textwrap
from typing import NamedTuple

from gliodelta import plots
from gliodelta.labels.human import consensus
from gliodelta.status import INCLUDED
from gliodelta.tables import PAIR, count_reasons, general_reasons

# Beyond these, reasons are summed up: a cohort's must fit beside its boxes.
MOST_REASONS = 5
OTHER = "other reasons"
# Boxes in mm. A letter of 8 points is 1.5 mm wide in the mean and its line 3.6 mm high.
_MAIN, _SIDE, _GAP, _EDGE = 50, 66, 6, 2
_LETTER, _LINE = 1.5, 3.6
_COLUMN = _MAIN + _GAP + _SIDE + 2 * _EDGE
_ACROSS = 2


class Step(NamedTuple):
    """A box: its text, and phrases such as "2 pairs of 1 patient: no human label" of what does not reach the next."""

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
    judged = judged.merge(tested[PAIR].assign(tested=True), on=PAIR, how="left")
    untested = judged[judged["tested"].isna()]
    reasons = untested["reason"].fillna("no human label").where(untested["y"].isna(), "not predicted by every arm")
    unlabelled, unstable = judged["y"].isna().sum(), int(tested["y_true"].sum())
    out = maps[maps["include"] != "yes"]
    steps = [
        Step(_of(maps, "pairs of exams"), _left_out(out, out["reason"], "pair")),
        Step(_of(used, "difference maps"), _left_out(untested, reasons, "map")),
        Step(f"Tested: {_of(tested, 'maps with a human label')}; {unstable} unstable", []),
    ]
    numbers = {
        "pairs": len(maps), "maps": len(used), "map_patients": used["subject"].nunique(),
        "labelled": int(len(judged) - unlabelled), "tested": len(tested),
        "tested_patients": tested["subject"].nunique(), "unstable": unstable,
    }  # fmt: skip
    numbers |= dict.fromkeys(("exams", "usable_exams", "exam_patients"))
    if exams is not None:
        out = exams[exams["status"] != INCLUDED]
        steps.insert(0, Step(_of(exams, "exams"), _left_out(out, out["reason"], "exam")))
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
    numbers = {why: [one["weak_left_out"][why] for one in lineages] for why in lineages[0]["weak_left_out"]}
    reasons = [f"{counted(span(found), 'weak label')} {why}" for why, found in numbers.items() if any(found)]
    weak, unstable = (span(one[key]["weak"] for one in lineages) for key in ("pairs", "unstable"))
    return Chain(
        "Weak labels, for training only",
        [
            Step(f"{span(totals)} pairs with a weak label", reasons),
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
    """Returns "1 patient" or "2 patients"; `number` may be text."""
    return f"{number} {what}{'s' * (f'{number}' != '1')}"


def _left_out(rows, reasons, what):
    """Says for each reason how many of the rows, of how many patients, were left out for it; the commonest first."""
    general = general_reasons(reasons)
    commonest = [reason for reason, _ in count_reasons(general)[:MOST_REASONS]]
    named = [reason if reason in commonest else OTHER for reason in general]
    counts = rows.assign(reason=named).groupby("reason")["subject"].agg(["size", "nunique"])
    counts = counts.reindex([reason for reason in [*commonest, OTHER] if reason in counts.index])
    return [
        f"{counted(number, what)} of {counted(patients, 'patient')}: {reason}"
        for reason, number, patients in counts.itertuples()
    ]


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
    texts = ["Left out:"] * bool(step.left_out) + step.left_out
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
