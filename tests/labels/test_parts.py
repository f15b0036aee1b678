"""What every part of the stack keeps to, a new file of the folder included."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from gliodelta import plugins
from gliodelta.labels.parts._terms import vectoriser
from gliodelta.labels.stack import PARTS
from gliodelta.labels.vote import COUNTS

SAID = {0: "lesion inchangee et stable", 1: "majoration nette de la lesion"}
FILLER = ["aspect", "du", "parenchyme", "cerebral", "sans", "autre", "anomalie", "visible"]


def reports(seed, patients=24):
    """Two reports a patient, one of each label; a tenth of the votes and of the sentences say the opposite."""
    draw = np.random.default_rng(seed)
    rows = []
    for patient in range(patients):
        for label in (0, 1):
            voted, told = (label ^ (draw.random() < 0.1) for _ in range(2))
            kind = ("stable", "progression")[voted]
            counts = {**dict.fromkeys(COUNTS, 0), f"conclusion_t2_{kind}": 1}
            words = f"{SAID[told]} {' '.join(draw.permutation(FILLER)[:5])} 12 mm"
            rows.append({"subject": f"p{patient}", "label": kind, "text": words, "y": label, **counts})
    return pd.DataFrame(rows)


@pytest.fixture(params=plugins.names(PARTS))
def fit(request):
    return plugins.load(PARTS, request.param).fit


def test_change_in_new_patients_is_told_from_none(fit):
    known, new = reports(1), reports(2)
    log_odds = fit(known, known["y"], 3)(new)
    assert log_odds.shape == (len(new),) and np.isfinite(log_odds).all()
    # A tenth of the reports mislead each part: no ranking of the others reaches less than .85 by chance.
    assert roc_auc_score(new["y"], log_odds) > 0.85


def test_a_seed_gives_one_answer_and_neither_argument_is_changed(fit):
    known, before = reports(1), reports(1)
    first, second = (fit(known, known["y"], 3)(known) for _ in range(2))
    assert np.array_equal(first, second) and known.equals(before)


def test_a_word_of_four_patients_moves_nothing(fit):
    known = reports(1)
    rare = known["subject"].isin(["p0", "p1", "p2", "p3"]) & (known["y"] == 1)
    known.loc[rare, "text"] += " dupont"
    log_odds, new = fit(known, known["y"], 3), reports(2)
    assert np.array_equal(log_odds(new), log_odds(new.assign(text="dupont " + new["text"])))


def test_where_no_word_is_common_log_odds_are_still_numbers(fit):
    known = reports(1)
    known["text"] = [f"mot{chr(97 + row // 26)}{chr(97 + row % 26)}" for row in range(len(known))]
    assert np.isfinite(fit(known, known["y"], 3)(known)).all()


def test_terms_are_letters_that_five_patients_share():
    rows = pd.DataFrame(
        {"subject": list("aaaaabcde"), "text": ["martin lésion 12.03.2019 ____ x9"] * 5 + ["lésion 17"] * 4}
    )
    rows.loc[5:7, "text"] += " martin"
    assert vectoriser(rows, longest=2).get_feature_names_out().tolist() == ["lésion"]
    rows.loc[8, "text"] += " martin"
    # In one order or the other, by three patients at most.
    assert vectoriser(rows, longest=2).get_feature_names_out().tolist() == ["lésion", "martin"]
    assert vectoriser(rows[:5], longest=2) is None
