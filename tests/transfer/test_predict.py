"""Predictions come in the order asked for."""

import numpy as np
from toy import CARD, make_rows, write_cache

from gliodelta.training.models import build_model
from gliodelta.transfer.predict import predict


def test_rows_are_scored_in_their_order_with_or_without_labels(tmp_path):
    rows, model = make_rows(5), build_model(CARD)
    cache = write_cache(rows, tmp_path / "cache.safetensors")
    table = predict(model, rows, cache, CARD)
    assert list(table.columns) == ["subject", "prior", "current", "y_true", "score"]
    assert table["y_true"].tolist() == rows["y"].tolist()
    unlabelled = predict(model, rows.drop(columns="y").iloc[::-1], cache, CARD)
    assert unlabelled["y_true"].isna().all()
    np.testing.assert_allclose(unlabelled["score"][::-1], table["score"], rtol=1e-5)
    assert predict(model, rows.iloc[:0], cache, CARD).empty
