"""Predictions come in the order asked for; temperatures are the ones that were put in."""

import numpy as np
import pytest
from toy import CARD, make_rows, write_cache

from gliodelta.training.models import build_model
from gliodelta.transfer.predict import TEMPERATURES, fit_temperature, predict, probability


def test_rows_are_scored_in_their_order_with_or_without_labels(tmp_path):
    rows, model = make_rows(5), build_model(CARD)
    cache = write_cache(rows, tmp_path / "cache.safetensors")
    table = predict(model, rows, cache, "absolute-difference")
    assert list(table.columns) == ["subject", "prior", "current", "y_true", "score"]
    assert table["y_true"].tolist() == rows["y"].tolist()
    unlabelled = predict(model, rows.drop(columns="y").iloc[::-1], cache, "absolute-difference")
    assert unlabelled["y_true"].isna().all()
    np.testing.assert_allclose(unlabelled["score"][::-1], table["score"], rtol=1e-5)
    assert predict(model, rows.iloc[:0], cache, "absolute-difference").empty


@pytest.mark.parametrize("temperature", [0.4, 1.0, 4.0])
def test_the_temperature_of_a_calibrated_sample_is_found(temperature):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=20_000)
    y = rng.random(20_000) < probability(logits, 1)
    assert fit_temperature(y, logits * temperature) == pytest.approx(temperature, rel=0.05)


def test_temperatures_stay_in_their_bounds():
    separated, reversed_ = fit_temperature([0, 1], [-1.0, 1.0]), fit_temperature([1, 0], [-1.0, 1.0])
    assert separated == pytest.approx(TEMPERATURES[0], rel=1e-3)
    assert reversed_ == pytest.approx(TEMPERATURES[1], rel=1e-3)
    assert fit_temperature([1, 1], [0.3, 0.4]) == 1


def test_a_temperature_keeps_the_order_and_the_middle():
    assert probability(np.array([-2.0, 0, 2]), 2).tolist() == pytest.approx([1 / (1 + np.e), 0.5, np.e / (1 + np.e)])
