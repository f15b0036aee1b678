"""Honest pairs of exams and pairs with a planted failure, carried through the stage: what the limits are set on.

    PYTHONPATH=workflow/src python tests/imaging/planted.py 100     # 100 patients, 600 pairs, about 40 CPU minutes

prints, for patients with odd numbers (on whom the limits were set) and with even ones (who check them), the share of
pairs that the configured limits flag, by kind, and how the numbers are spread. Every seed is a patient with one honest
pair, and one pair for each kind of failure, made of the same exams. Honest pairs hold all that must not be flagged:
60 ml of growth or response, a resection cavity, other scanners, bias, noise and slice thickness, a soft deformation.
"""

import dataclasses
import sys

import cases
import numpy as np

from gliodelta import plugins
from gliodelta.imaging import difference, pair, quality, template
from gliodelta.imaging.register import MOST_STRETCH_PERCENT
from gliodelta.imaging.screen import LIMITS, exceeded
from gliodelta.imaging.transforms import apply, motion
from gliodelta.schema import validate
from gliodelta.simulation.seeds import stream
from gliodelta.status import Excluded

# The defaults that users get.
SETTINGS = validate({"cohorts": []}, "config", "defaults")["imaging"]
HONEST = "honest"
# Volume of the tumour in (prior, current) in ml, and whether a surgeon was there between the two.
COURSES = {
    "stable": {"lesion_ml": (20, 20)},
    "growth": {"lesion_ml": (5, 65)},
    "response": {"lesion_ml": (60, 10)},
    "resection": {"lesion_ml": (60, 0), "resected": True},
}


def scene(seed, **changes):
    """Draws the exams of an honest pair; `changes` are arguments of `cases.pair`. The same seed is the same patient."""
    draw = stream(seed, "scene")
    options = {
        **list(COURSES.values())[seed % len(COURSES)],
        "lesion_at": tuple(np.array(cases.DEEP) * (draw.choice([-1, 1]), 1, 1)),
        "spacing": (2.0, 2.0, float(draw.choice([3, 4, 5]))),
        "prior_spacing": (2.0, 2.0, float(draw.choice([3, 4, 5, 6]))),
        "bias": str(draw.choice(["none", "mild", "strong", "coil"])),
        "noise": float(draw.uniform(0.01, 0.04)),
        "gamma": float(draw.uniform(0.8, 1.25)),
        "residual_mm": float(draw.uniform(0, 1)),
    }
    made = cases.pair.__wrapped__(seed, **options | changes)
    return made.prior, made.current


def engine(kind):
    """The plug-in of the configured engine."""
    return plugins.load(f"gliodelta.imaging.{kind}", SETTINGS[kind])


def prepare(exam):
    """Runs the steps of one exam."""
    extract, correct = engine("brain_extraction").extract, engine("bias_correction").correct
    mask = extract(exam.image, exam.affine, template.align(exam.image, exam.affine))
    return pair.Exam(correct(exam.image, exam.affine, mask), mask, exam.affine)


def register(prior, current):
    """Registers two prepared exams; returns the 4x4 matrix.

    Raises:
        Excluded: it distorts the head as no registration does that passes the step's own checks.
    """
    exams = [part for parts in zip(current[:3], prior[:3], strict=True) for part in parts]
    image, moving, mask, moving_mask, affine, moving_affine = exams
    matrix = engine("registration").register(image, moving, affine, moving_affine, mask, moving_mask)
    if motion(matrix, np.zeros(3))["stretch_percent"] > MOST_STRETCH_PERCENT:
        raise Excluded("the registration fails")
    return matrix


def measured(prior, current, matrix=None):
    """The numbers of two prepared exams, as the pair's qc.json holds them; registers them unless `matrix` is given.

    Raises:
        Excluded: they have no brain in common.
    """
    matrix = register(prior, current) if matrix is None else matrix
    ghosts = {
        f"ghosting_{name}": quality.ghosting(*exam[:3]) for name, exam in (("prior", prior), ("current", current))
    }
    prior, current = pair.unite(prior, current, matrix, SETTINGS["space"])
    scores, common = difference.normalised(prior, current, SETTINGS)
    similarity = float(np.corrcoef(scores[common].T)[0, 1])
    numbers = quality.measure(scores, common, (prior.mask, current.mask), current.affine)
    return {"similarity_after": similarity, **numbers, **ghosts}


def ghosted(exam, draw):
    """The exam with copies of itself along the phase axis, as flow or periodic motion makes them.

    Every line of k-space is weighted by ``1 + 2 a cos(2 pi line / n)``, which adds two copies of the share a of the
    signal, moved by 1/n of the field of view.
    """
    axis, copies, share = draw.integers(2), draw.uniform(2, 6), draw.uniform(0.1, 0.4)
    lines = np.fft.fftfreq(exam.image.shape[axis], 1 / exam.image.shape[axis])
    weights = 1 + 2 * share * np.cos(2 * np.pi * lines / copies + draw.uniform(0, 2 * np.pi))
    shape = np.where(np.arange(3) == axis, -1, 1)
    spectrum = np.fft.fft(exam.image, axis=axis) * weights.reshape(shape)
    return dataclasses.replace(exam, image=np.abs(np.fft.ifft(spectrum, axis=axis)).astype(np.float32))


def cropped(exam, draw):
    """The exam without 30 to 60 mm of the brain at its foot, its vertex or a side."""
    axis, high = [(2, False), (2, True), (0, False), (0, True), (1, True), (1, False)][draw.integers(6)]
    inside = np.argwhere(exam.brain.any(axis=tuple({0, 1, 2} - {axis})))
    lost = round(draw.uniform(30, 60) / np.linalg.norm(exam.affine[:3, axis]))
    low, end = (0, int(inside.max()) + 1 - lost) if high else (int(inside.min()) + lost, exam.image.shape[axis])
    affine = exam.affine.copy()
    affine[:3, 3] += low * affine[:3, axis]
    image, brain = (array.take(range(low, end), axis) for array in (exam.image, exam.brain))
    return dataclasses.replace(exam, image=image, brain=brain, affine=affine)


def missed(matrix, draw, middle):
    """A transform that misses: by 3 to 40 mm, drawn on a logarithmic scale, and half as many degrees."""
    size = float(np.exp(draw.uniform(np.log(3), np.log(40))))
    turn = cases._affine(draw, size / 2, 0, 0)
    direction = draw.standard_normal(3)
    turn[:3, 3] = middle - turn[:3, :3] @ middle + size * direction / np.linalg.norm(direction)
    return matrix @ turn


def numbers(seed, stranger, prepare=prepare, **changes):
    """Measures the pairs of one patient.

    Args:
        seed: the patient; decides everything.
        stranger: another patient's prepared prior exam.
        prepare: function of a `cases.Exam` that returns a `pair.Exam`.
        changes: arguments of `scene`.

    Returns:
        dict of kind (`HONEST` or a failure) to the numbers of a pair, None where a step excluded it; and the patient's
        prepared prior exam.
    """
    draw = stream(seed, "planted")
    exams = dict(zip(("prior", "current"), scene(seed, **changes), strict=True))
    ready = {name: prepare(exam) for name, exam in exams.items()}
    matrix = register(**ready)
    middle = apply(ready["current"].affine, np.argwhere(ready["current"].mask).mean(axis=0))

    def disturbed(plant):
        name = str(draw.choice(["prior", "current"]))
        return ready | {name: prepare(plant(exams[name], draw))}

    found = {
        HONEST: lambda: measured(**ready, matrix=matrix),
        "failed registration": lambda: measured(**ready, matrix=missed(matrix, draw, middle)),
        "wrong patient": lambda: measured(stranger, ready["current"]),
        "ghosting": lambda: measured(**disturbed(ghosted)),
        "cropped field of view": lambda: measured(**disturbed(cropped)),
        "FLAIR for T2": lambda: measured(prepare(scene(seed, contrast="FLAIR", **changes)[0]), ready["current"]),
    }
    return {kind: attempt(make) for kind, make in found.items()}, ready["prior"]


def attempt(make):
    """What `make` returns, None when a step excludes the exam or pair."""
    try:
        return make()
    except (Excluded, np.linalg.LinAlgError):
        return None


def flagged(numbers, limits):
    """Whether a pair is excluded: by a step, or by a limit."""
    return numbers is None or bool(exceeded(numbers, limits))


def report(count):
    """Measures the patients 1 to `count` and prints the tables."""
    import pandas as pd

    rows, (_, stranger) = [], (None, prepare(scene(0)[0]))
    for seed in range(1, count + 1):
        found, stranger = numbers(seed, stranger)
        half = "set" if seed % 2 else "check"
        for kind, row in found.items():
            rows.append({"half": half, "kind": kind, "flagged": flagged(row, SETTINGS["limits"]), **(row or {})})
    show(pd.DataFrame(rows))


def show(rows):
    """Prints the shares flagged and the spread of the numbers; `rows` has half, kind, flagged and the numbers."""
    print(rows.groupby(["half", "kind"])["flagged"].agg(["size", "mean"]).round(3).to_string())
    for name, (side, _) in LIMITS.items():
        columns = [column for column in (name, f"{name}_prior", f"{name}_current") if column in rows]
        if columns:
            values = rows[columns].min(axis=1) if side == "below" else rows[columns].max(axis=1)
            spread = values[rows["half"] == "set"].groupby(rows["kind"]).describe(percentiles=[0.05, 0.5, 0.95])
            print(f"\n{name}, {side} {SETTINGS['limits'][name]} is flagged\n{spread.round(3).to_string()}")


if __name__ == "__main__":
    report(int(sys.argv[1]))
