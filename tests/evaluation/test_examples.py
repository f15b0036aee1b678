"""The pages show the pairs on which an arm was most and least confident, and what its models said of them."""

import numpy as np
import pandas as pd
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import load_file
from scipy.special import expit, logit

from gliodelta import io
from gliodelta.evaluation.examples import SHOWN, choose, show_examples
from gliodelta.evaluation.gallery import draw_examples
from gliodelta.evaluation.saliency import densest, occlusion, score_of
from gliodelta.training.data import load_maps
from gliodelta.training.models import build_model, load_model, save_model
from gliodelta.transfer.calibration import probability
from gliodelta.transfer.predict import predict

# Validation rows whose best cut (Youden's) is the probability .5.
CUT = pd.DataFrame({"subject": "v1", "prior": "0", "current": ["1", "2"], "split": "validation", "y_true": [0, 1]})
CUT = CUT.assign(score=[-1.0, 0.0], probability=[expit(-1.0), 0.5])
SPLIT = {"repeat": 1, "fold": 1, "inner": 1, "arm": "arm"}


def predictions(scores, labels):
    tested = pd.DataFrame({"subject": [f"p{place:03d}" for place in range(len(scores))], "prior": "0", "current": "9"})
    tested = tested.assign(split="test", y_true=labels, score=scores, probability=expit(np.array(scores, float)))
    return pd.concat([CUT, tested], ignore_index=True).assign(**SPLIT)


def test_confidence_is_the_distance_from_the_cut():
    """Of four right and one wrong, the farther half is the most confident one, farthest first."""
    chosen = choose(predictions([2.0, -3.0, 0.5, -0.1, 1.0], [1, 0, 1, 0, 0])).set_index("subject")
    right = chosen[chosen["right"] == 1]
    assert right[right["confident"] == "most"].index.tolist() == ["p001", "p000"]
    assert right[right["confident"] == "least"].index.tolist() == ["p003", "p002"]
    wrong = chosen[chosen["right"] == 0]
    assert wrong.index.tolist() == ["p004"]
    assert wrong["called"].tolist() == [1]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.integers(0, 1)), min_size=1, max_size=60))
def test_no_pair_is_shown_twice_and_no_group_is_too_long(drawn):
    table = predictions(*zip(*drawn, strict=True))
    chosen = choose(table)
    assert not chosen["subject"].duplicated().any()
    sizes = chosen.groupby(["right", "confident"]).size()
    assert sizes.max() <= SHOWN
    # What is left out lies between those shown.
    distance = (table.set_index("subject")["score"]).abs()
    for _, rows in chosen.groupby("right"):
        ends = {name: distance[part["subject"]] for name, part in rows.groupby("confident")}
        if "least" in ends:
            assert ends["most"].min() >= ends["least"].max() - 1e-6
    assert len(chosen) >= min(len(drawn), SHOWN)


def test_nothing_predicted_shows_nothing(tmp_path):
    assert choose(predictions([], []).iloc[:0]).empty
    rows = choose(predictions([], []))
    draw_examples({"most": rows, "least": rows}, {}, tmp_path / "none.png")
    assert Image.open(tmp_path / "none.png").width > 500


@pytest.fixture
def arm(tmp_path):
    """One fold with two models, the second one untrained, and its test pairs."""
    lists, cache, _ = toy.write_split(tmp_path)
    tested, files = io.read_table(lists["test"]), {"models": [], "lineages": [], "predictions": []}
    model = build_model(toy.CARD, seed=1)
    scores = predict(model, tested, cache, toy.CARD)["score"]
    # An untaught network hardly tells pairs apart; so stretched, its log odds vary by 1 around 0.
    calibration = {"slope": float(1 / scores.std()), "intercept": float(-scores.mean() / scores.std())}
    for inner, status in ((1, "trained"), (2, "untrained")):
        folder = tmp_path / f"inner-{inner}"
        save_model(model, toy.CARD, folder / "model.safetensors")
        lineage = {**SPLIT, "inner": inner, "status": status, "grid": "tiny", "calibration": calibration}
        io.write_json(lineage, folder / "lineage.json")
        table = predict(model, tested, cache, toy.CARD).assign(split="test", **{**SPLIT, "inner": inner})
        table["probability"] = probability(table["score"], calibration)
        table = pd.concat([CUT.assign(**{**SPLIT, "inner": inner}), table], ignore_index=True)
        io.write_table(table if status == "trained" else table.iloc[:0], folder / "predictions.tsv")
        for kind, name in (("models", "model.safetensors"), ("lineages", "lineage.json")):
            files[kind].append(folder / name)
        files["predictions"].append(folder / "predictions.tsv")
    return files, [lists["test"]] * 2, {"tiny": cache}


def test_an_arm_without_a_trained_model_gets_empty_pages(arm, tmp_path):
    files, tests, caches = arm
    untrained = {kind: paths[1:] for kind, paths in files.items()}
    outputs = {name: tmp_path / "out" / name for name in ("right", "wrong", "pairs", "saliency")}
    show_examples(**untrained, tests=tests[1:], caches=caches, outputs=outputs)
    assert io.read_table(outputs["pairs"]).empty
    assert load_file(outputs["saliency"]) == {}


def test_an_arm_is_shown_with_its_own_models(arm, tmp_path):
    files, tests, caches = arm
    names = {"right": "right.png", "wrong": "wrong.png", "pairs": "pairs.tsv", "saliency": "saliency.safetensors"}
    outputs = {kind: tmp_path / "out" / name for kind, name in names.items()}
    show_examples(**files, tests=tests, caches=caches, outputs=outputs)
    shown, maps = io.read_table(outputs["pairs"]), load_file(outputs["saliency"])
    assert len(shown) == len(io.read_table(tests[0])) == len(maps)
    assert all(saliency.shape == toy.SHAPE for saliency in maps.values())
    assert all(Image.open(outputs[name]).format == "PNG" for name in ("right", "wrong"))
    (model, card), calibration = load_model(files["models"][0]), io.read_json(files["lineages"][0])["calibration"]
    tested = load_maps(shown.merge(io.read_table(tests[0])), caches["tiny"])
    for row, pair, days in zip(shown.itertuples(), tested.pairs, tested.days, strict=True):
        score = score_of([(model.eval(), card, calibration)], days)
        frame = densest(occlusion(score, pair.float(), card["grid"]["spacing_mm"]))
        assert row.without == pytest.approx(expit(frame.scores[0]), abs=1e-5)
        # What the frame adds to the log odds is what they lose without it; stretched so, single precision shows.
        assert logit(row.probability) - logit(row.without) == pytest.approx(frame.effect, abs=0.02)
    assert (np.abs(shown["without"] - shown["probability"]) > 1e-3).any()
