"""The stack against parts whose worth is known."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from gliodelta.labels import stack

PATIENTS = 60


def column(name):
    """A part that reads its log odds from a column and learns nothing."""
    return SimpleNamespace(fit=lambda rows, y, seed: lambda new: new[name].to_numpy())


def memory():
    """A part that knows by heart whom it has seen, and nothing of others."""

    def fit(rows, y, seed):
        seen = dict(zip(rows["subject"], 16.0 * y - 8, strict=True))
        return lambda new: np.array([seen.get(subject, 0.0) for subject in new["subject"]])

    return SimpleNamespace(fit=fit)


PARTS = {name: column(name) for name in ("good", "second", "noise", "opposite", "loud")} | {"memory": memory()}


@pytest.fixture(autouse=True)
def _parts(monkeypatch):
    monkeypatch.setattr(stack.plugins, "load", lambda package, name: PARTS[name])


def draw(seed, patients=PATIENTS, noise=1.5):
    """One report a patient; `good` and `second` err apart, `loud` is `good` at three times its odds."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(patients) % 2)
    good, second = (2 * y - 1 + noise * rng.standard_normal((2, patients))) * 2 / noise**2
    return pd.DataFrame({
        "subject": [f"p{number}" for number in range(patients)],
        "y": y.astype(float),
        "good": good, "second": second, "loud": 3 * good, "opposite": -good,
        "noise": 2 * rng.standard_normal(patients),
    })  # fmt: skip


def log_loss(rows, p_unstable):
    return -np.mean(np.log(np.where(rows["y"] == 1, p_unstable, 1 - p_unstable)))


def test_parts_that_err_apart_are_better_together():
    new = draw(99, 4000)
    losses = []
    for seed in range(3):
        rows = draw(seed)
        found = stack.fit(rows, rows["y"], ["good", "second"], seed)(new)
        losses.append([log_loss(new, found[name]) for name in ("p_unstable", "good", "second")])
    mean = np.mean(losses, axis=0)
    assert mean[0] < min(mean[1:]) - 0.03


@pytest.mark.parametrize("others", [["noise"], ["opposite"], ["loud"], ["memory"], ["noise", "opposite", "memory"]])
def test_the_stack_is_not_worse_than_its_best_part(others):
    new = draw(99, 4000)
    losses = []
    for seed in range(3):
        rows = draw(seed)
        found = stack.fit(rows, rows["y"], [*others, "good"], seed)(new)
        losses.append([log_loss(new, found[name]) for name in ("p_unstable", "good")])
    mean = np.mean(losses, axis=0)
    # One observation in 60 is the most that choosing among parts by 60 labels may cost.
    assert mean[0] <= mean[1] + 1 / PATIENTS


def test_no_part_counts_against_itself():
    rows = draw(1)
    model = stack.fit(rows, rows["y"], ["good", "opposite"], 1)
    assert np.allclose(model(rows)["p_unstable"], model(rows.assign(opposite=50.0))["p_unstable"])
    assert np.ptp(model(rows)["opposite"]) < 0.1


def test_baselines_have_probabilities_and_no_vote():
    rows = draw(1)
    alone = stack.fit(rows, rows["y"], ["noise"], 1)
    model = stack.fit(rows, rows["y"], ["noise"], 1, baselines=["good"])
    assert model.chosen == ("noise",)
    assert np.allclose(model(rows)["p_unstable"], alone(rows)["p_unstable"], atol=1e-4)
    assert log_loss(rows, model(rows)["good"]) < log_loss(rows, model(rows)["noise"]) - 0.1


def test_overconfident_odds_are_scaled_back():
    rows, new = draw(1, 400), draw(99, 4000)
    model = stack.fit(rows, rows["y"], ["loud"], 1)
    # `good` are the true log odds: both classes are normal with one spread.
    assert np.abs(model(new)["p_unstable"] - expit(new["good"])).mean() < 0.05


def test_flawless_readings_of_few_reports_claim_no_certainty():
    rows = draw(1, patients=10)
    rows["good"] = 16 * rows["y"] - 8
    assert stack.fit(rows, rows["y"], ["good"], 1)(rows)["p_unstable"].between(0.1, 0.9).all()


def test_reports_that_cannot_tell_lower_the_confidence():
    rows = draw(1)
    doubtful = rows.assign(y=rows["y"].where(rows.index % 3 > 0, stack.OPEN))
    sure, unsure = (stack.fit(table, table["y"], ["good"], 1)(rows)["p_unstable"] for table in (rows, doubtful))
    assert np.abs(unsure - 0.5).mean() < np.abs(sure - 0.5).mean() - 0.05


def test_out_of_fold_probabilities_know_nobody():
    rows = draw(1)
    model = stack.fit(rows, rows["y"], ["memory"], 1)
    assert np.abs(model.crossed["p_unstable"] - 0.5).max() < 0.1


@pytest.mark.parametrize("unstable", [0, 3])
def test_too_few_patients_of_a_class_fit_nothing(unstable):
    rows = draw(1)
    rows["y"] = (rows.index < unstable).astype(float)
    assert stack.fit(rows, rows["y"], ["good"], 1) is None
