"""A made-up study: maps whose mean difference follows the label, and two networks' predictions."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gliodelta import io
from gliodelta.evaluation import comparators

ARMS = "arm\tencoder\trepresentation\tgrid\tstrategies\tlearning_rates\tweight_decays\tprimary\n"
ARM = "{}\tvgg\tabsolute-difference\tcoarse\tscratch\t1e-3\t0\t{}\n"


class Made:
    """A study in a folder: sheets, maps, folds and comparators; `predict` adds a network's predictions."""

    def __init__(self, folder, patients=12, strangers=4):
        self.folder = folder
        self.pairs = {"home": self._cohort("home", patients), "away": self._cohort("away", strangers)}
        self.folds = self._folds(sorted(set(self.pairs["home"]["subject"])))
        self.arms = folder / "arms.tsv"
        self.arms.write_text(ARMS + ARM.format("baseline", "no") + ARM.format("transfer", "yes"))
        self.comparators = folder / "comparators.tsv"
        splits = self.folds[["repeat", "fold", "inner"]].drop_duplicates().to_dict("records")
        model = {"status": "trained", "reason": "", "calibration": {"slope": 2.0, "intercept": -0.5}}
        self.lineages = [{**split, **model, "arm": arm} for arm in ("baseline", "transfer") for split in splits]

    def _cohort(self, name, patients):
        """Two pairs a patient; every other patient's second pair is unstable."""
        draw = np.random.default_rng(len(name) + patients)
        table = pd.DataFrame(
            [
                {"subject": f"{name}{number:02d}", "prior": "0", "current": str(days), "days": days, "include": "yes"}
                for number in range(patients)
                for days in (90, 180)
            ]
        ).assign(reason="")
        table["y"] = ((table["days"] == 180) & (table.index // 2 % 2 == 0)).astype(int)
        table["feature_mean"] = 0.5 + 0.4 * table["y"] + 0.1 * draw.normal(size=len(table))
        table["feature_p95"] = 2 * table["feature_mean"]
        for number in range(16):
            table[f"feature_hist{number:02d}"] = draw.random(len(table))
        io.write_table(table.drop(columns="y"), self.folder / f"{name}_maps.tsv")
        labels = table[["subject", "prior", "current"]].assign(reader="r1")
        labels["label"] = table["y"].map({0: "stable", 1: "progression"})
        io.write_table(labels, self.folder / f"{name}_labels.tsv")
        self._exams(name, table)
        return table

    def _exams(self, name, pairs):
        """Three exams a patient, every third patient's last on another scanner, and French reports of half of them."""
        exams = [
            {"subject": subject, "session": session, "status": "included"}
            | {"manufacturer": "GE MEDICAL SYSTEMS" if place % 3 == 2 and session == "180" else "SIEMENS"}
            | {"field_strength_t": 1.5 if place % 2 else 3}
            for place, subject in enumerate(dict.fromkeys(pairs["subject"]))
            for session in ("0", "90", "180")
        ]
        io.write_table(pd.DataFrame(exams), self.folder / name / "exams.tsv")
        even = pairs["subject"].str[-1].astype(int) % 2 == 0
        votes = pairs.assign(language=even.map({True: "fr", False: "en"}))
        io.write_table(votes[["subject", "prior", "current", "language"]], self.folder / f"{name}_votes.tsv")

    def facts(self):
        """What is known of the pairs, as `evaluate_arms` takes it."""
        tables = {kind: [self.folder / f"{name}_{kind}.tsv" for name in self.pairs] for kind in ("maps", "labels")}
        exams = [self.folder / name / "exams.tsv" for name in self.pairs]
        return {**tables, "exams": exams, "votes": self.folder / "home_votes.tsv"}

    def _folds(self, subjects):
        """Three outer folds, each with two inner splits."""
        rows = [
            {"repeat": 1, "fold": fold, "inner": inner, "subject": subject}
            | {
                "part": "test"
                if place // 2 % 3 == fold - 1
                else "validation"
                if place % 4 // 2 == inner - 1
                else "train"
            }
            for fold in (1, 2, 3)
            for inner in (1, 2)
            for place, subject in enumerate(subjects)
        ]
        io.write_table(pd.DataFrame(rows), self.folder / "folds.tsv")
        return pd.DataFrame(rows)

    def fit(self):
        """Returns the comparators' predictions."""
        files = {name: (self.folder / f"{name}_maps.tsv", self.folder / f"{name}_labels.tsv") for name in self.pairs}
        pairs = {name: comparators.read_pairs(*own) for name, own in files.items()}
        return comparators.predict_all(self.folds, pairs)

    def predict(self, arm, strength):
        """Writes a network's predictions and returns the files: of every split, and of the other cohort."""
        draw = np.random.default_rng(len(arm))
        files = []
        for (repeat, fold, inner), part in self.folds.groupby(["repeat", "fold", "inner"]):
            rows = self.pairs["home"].merge(part[part["part"] != "train"]).rename(columns={"part": "split"})
            files.append(self.folder / arm / f"{repeat}-{fold}-{inner}.tsv")
            self._write(rows, arm, strength, draw, files[-1])
        external = self.folder / "external" / "away" / arm / "predictions.tsv"
        rows = self.pairs["away"].assign(split="external", repeat=0, fold=0, inner=0)
        self._write(rows, arm, strength, draw, external)
        return SimpleNamespace(splits=files, external=external)

    def _write(self, rows, arm, strength, draw, path):
        score = strength * (rows["y"] - 0.5) + draw.normal(size=len(rows))
        table = rows.assign(arm=arm, y_true=rows["y"], score=score, probability=1 / (1 + np.exp(-score)))
        columns = [
            "subject",
            "prior",
            "current",
            "split",
            "y_true",
            "score",
            "probability",
            "repeat",
            "fold",
            "inner",
            "arm",
        ]
        io.write_table(table[columns], path)


@pytest.fixture
def made(tmp_path):
    """A made-up study in a fresh folder."""
    return Made(tmp_path)


@pytest.fixture(scope="session")
def fitted(tmp_path_factory):
    """The comparators' predictions in the unchanged made-up study."""
    return Made(tmp_path_factory.mktemp("fitted")).fit()


@pytest.fixture
def files(made, fitted):
    """The predictions of a weak baseline and of a strong transfer; the comparators lie in the study's folder."""
    io.write_table(fitted, made.comparators)
    return [made.predict("baseline", 0.5), made.predict("transfer", 5)]
