"""Predictions are refused when incomplete and averaged inner models first, repeats second."""

import numpy as np
import pandas as pd
import pytest

from gliodelta import io
from gliodelta.evaluation import predictions
from gliodelta.schema import InvalidInput


def rows(cohort="home", arm="net", split="test", repeat=1, fold=1, inner=1, **probabilities):
    """Rows of a model; `probabilities` gives each subject's probability, subjects called u... are unstable."""
    return pd.DataFrame(
        {
            "cohort": cohort,
            "subject": list(probabilities),
            "prior": "0",
            "current": "90",
            "split": split,
            "y_true": [float(subject.startswith("u")) for subject in probabilities],
            "score": [np.log(value / (1 - value)) for value in probabilities.values()],
            "probability": list(probabilities.values()),
            "repeat": repeat,
            "fold": fold,
            "inner": inner,
            "arm": arm,
        }
    )


def table(*parts):
    return pd.concat(parts, ignore_index=True)


def test_a_complete_table_passes():
    predictions.check(table(rows(u1=0.8, s1=0.3), rows(arm="other", u1=0.5, s1=0.5)))


def test_a_missing_column_is_named(tmp_path):
    io.write_table(rows(u1=0.5).drop(columns=["probability", "fold"]), tmp_path / "p.tsv")
    with pytest.raises(InvalidInput, match="lacks the columns probability, fold"):
        predictions.gather([tmp_path / "p.tsv"], [], tmp_path / "p.tsv", "home", tmp_path / "folds.tsv", [])


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("score", np.nan, "no finite number"),
        ("score", np.inf, "no finite number"),
        ("probability", 1.2, "probability outside 0 to 1"),
        ("y_true", np.nan, "y_true other than 0 and 1"),
        ("y_true", 2, "y_true other than 0 and 1"),
    ],
)
def test_what_is_no_prediction_is_refused(column, value, text):
    bad = rows(u1=0.8, s1=0.3)
    bad.loc[1, column] = value
    with pytest.raises(InvalidInput, match=f"1 row, first of arm net, cohort home, repeat 1, .*{text}"):
        predictions.check(bad)


def test_a_doubled_pair_is_refused():
    with pytest.raises(InvalidInput, match="stands there twice"):
        predictions.check(table(rows(u1=0.8), rows(u1=0.7)))


def test_a_pair_with_two_labels_is_refused():
    other = rows(arm="other", u1=0.5).assign(y_true=0.0)
    with pytest.raises(InvalidInput, match="another y_true"):
        predictions.check(table(rows(u1=0.8), other))


def test_an_arm_without_a_fold_is_refused():
    complete = table(rows(u1=0.8, s1=0.3), rows(fold=2, u2=0.8))
    with pytest.raises(InvalidInput, match=r"arm other, cohort home: 1 predictions .* repeat 1 fold 2 inner 1"):
        predictions.check(table(complete, rows(arm="other", u1=0.5, s1=0.5)))


def test_unlabelled_pairs_of_an_external_cohort_are_no_fault():
    external = {"cohort": "away", "split": "external", "repeat": 0, "fold": 0, "inner": 0}
    unlabelled = rows(**external, u1=0.8, s1=0.2)
    unlabelled.loc[0, "y_true"] = np.nan
    predictions.check(table(unlabelled, rows(**external, arm="other", s1=0.5)))


def test_inner_models_are_averaged_ranked_within_the_fold_and_called_by_validation():
    validation = table(rows(split="validation", uv=0.45, sv=0.2), rows(split="validation", inner=2, uw=0.5, sw=0.4))
    models = table(rows(u1=0.8, s1=0.3), rows(inner=2, u1=0.6, s1=0.1), validation)
    folds = predictions.combine(models).set_index("subject")
    assert folds["probability"].to_dict() == pytest.approx({"u1": 0.7, "s1": 0.2})
    assert folds["rank"].to_dict() == {"u1": 0.75, "s1": 0.25}
    # The best threshold on validation is .45: above it are both unstable pairs and no stable one.
    assert folds["called"].to_dict() == {"u1": 1, "s1": 0}


def test_without_validation_predictions_nothing_is_called():
    assert predictions.combine(rows(u1=0.8, s1=0.3))["called"].isna().all()


def test_an_external_threshold_comes_from_the_validation_of_all_folds():
    validation = table(rows(split="validation", uv=0.9, sv=0.6), rows(split="validation", fold=2, uw=0.9, sw=0.8))
    external = rows(cohort="away", split="external", repeat=0, fold=0, inner=0, u1=0.85, s1=0.95)
    called = predictions.combine(table(validation, external)).set_index("subject")["called"]
    assert called.to_dict() == {"u1": 0, "s1": 1}


def test_repeats_are_averaged_after_the_inner_models():
    models = table(rows(u1=0.8), rows(inner=2, u1=0.6), rows(repeat=2, fold=3, u1=0.1))
    pairs = predictions.average_repeats(predictions.combine(models))
    assert len(pairs) == 1
    assert pairs["probability"].iloc[0] == pytest.approx((0.7 + 0.1) / 2)
