"""How well the rules read reports: the fictional ones, and single statements of other wordings."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from sklearn.metrics import cohen_kappa_score

from gliodelta.labels import comparison, matcher
from gliodelta.labels.extract import read_record, read_words

DATA = Path(__file__).parent / "data"
SPLITS = ["development", "held-out", "second", "third", "fourth", "fifth", "sixth"]
CLASSES = {"stable": "stable", "progression": "unstable", "response": "unstable", "unknown": "unknown"}


@pytest.fixture(scope="module")
def read():
    """A dict of split to [(report, what the rules say)], without the report's text: no failure may print it."""
    found = {split: [] for split in SPLITS}
    for record in records():
        said = read_record(record.pop("report"), record["exam_date"], record["prior_dates"])
        found[record["split"]].append((record, said))
    return found


def records():
    """Yields the fictional reports; the splits of those in files of their own are the files."""
    for path in sorted(DATA.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield {"split": path.stem, **json.loads(line)}


def accuracy(rows):
    return sum(CLASSES[record["t2"]] == CLASSES[said["label"]] for record, said in rows) / len(rows)


# Measured on 2026-11-22: accuracy and kappa 1.00 on what rules were written on, .932 and .888 on the half that was held
# out. The second and third set are by a later author and were read to mend rules after their first contact, which gave
# .850 and .765, then .950 and .919; so were the fourth, .850 and .757, and the terse fifth, .800 and .693. Of the
# sixth, the rules alone had 57 of 60 right (see data/README.md).
@pytest.mark.parametrize(
    ("split", "least", "least_kappa", "least_plain"),
    [
        ("development", 0.97, 0.95, 0.98),
        ("held-out", 0.90, 0.84, 0.95),
        ("second", 0.95, 0.92, 0.98),
        ("third", 0.95, 0.92, 0.98),
        ("fourth", 0.95, 0.92, 0.98),
        ("fifth", 0.90, 0.84, 0.98),
        ("sixth", 0.93, 0.88, 0.95),
    ],
)
def test_the_label_is_right(read, split, least, least_kappa, least_plain):
    rows = read[split]
    pairs = [(CLASSES[record["t2"]], CLASSES[said["label"]]) for record, said in rows]
    assert accuracy(rows) >= least
    assert cohen_kappa_score(*zip(*pairs, strict=True)) >= least_kappa
    assert accuracy([row for row in rows if row[0]["plain"]]) >= least_plain


def test_no_negated_progression_is_called_unstable(read):
    rows = [
        said["label"]
        # By rules alone; in the sixth set a noun of growth that "is the same" counts, until the stack judges.
        for split in SPLITS[:-1]
        for record, said in read[split]
        # Enhancement that did not progress, beside T2 signal that did, is unstable.
        if "negated-progression" in record["kinds"] and record["t2"] == "stable"
    ]
    assert len(rows) >= 45
    assert not {"progression", "response"} & set(rows), Counter(rows)


def test_the_fast_path_finds_what_matching_every_sentence_anew_does():
    for record in records():
        report = read_words(record["report"])
        rules, sentences = matcher.load(report.language), [sentence.folded for sentence in report.sentences]
        whole = rules.read(sentences, everywhere=True)
        # The second time, readings are kept ones.
        assert rules.read(sentences) == rules.read(sentences) == whole, record["id"]


def test_no_sentence_on_another_exam_lacks_the_signs_of_one():
    patterns = (comparison.COMPARING, comparison._EARLIER, comparison._LATER, comparison._PREVIOUS, comparison._BEFORE)
    said = [sentence.spelt for record in records() for sentence in read_words(record["report"]).sentences]
    telling = [words for words in said if any(pattern.search(words) for pattern in patterns)]
    assert len(telling) > 300
    assert all(not comparison._SIGNS.isdisjoint(word[:6] for word in re.findall(r"\w+", words)) for words in telling)


@pytest.mark.parametrize("split", SPLITS)
def test_the_exam_compared_with_is_right(read, split):
    named = [
        said["prior"] == record["compared_to"]
        for record, said in read[split]
        if record["compared_to"] and "inferred-previous" not in record["kinds"]
    ]
    assert sum(named) >= 0.95 * len(named)


STATEMENTS = """\
fr stable Hypersignal T2 FLAIR péri-cavitaire stable par rapport au précédent.
fr stable Pas d'évolution significative de la plage en hypersignal FLAIR pariétale.
fr unstable Nette extension de l'hypersignal FLAIR, qui intéresse désormais le splénium.
fr unstable L'hypersignal T2 s'est discrètement majoré en périphérie de la cavité.
fr unstable Discrète majoration de l'infiltration tumorale sous-corticale.
fr unstable L'infiltration en hypersignal FLAIR est globalement inchangée, en dehors d'une légère augmentation en regard de l'insula.
fr stable Aspect superposable de l'hypersignal T2 autour de la cavité de résection.
fr stable On ne note pas de modification des anomalies de signal de la substance blanche périlésionnelle.
fr unstable Réduction significative de l'œdème péri-lésionnel.
fr stable L'étendue de l'hypersignal FLAIR n'a pas significativement varié.
fr stable Absence de majoration de l'hypersignal FLAIR. Apparition d'une prise de contraste punctiforme.
fr unstable Majoration en taille et en étendue de la lésion frontale gauche.
fr stable Lésion temporale droite stable en taille et en signal.
fr stable Pas de récidive visible.
fr stable Pas de signe de reprise évolutive.
fr stable Majoration de la prise de contraste. Le reste de l'examen est stable. Hypersignal FLAIR inchangé.
fr stable Augmentation de la taille de la cavité porencéphalique. Anomalies de signal T2 périphériques stables.
fr stable Hypersignaux FLAIR de la substance blanche périventriculaire d'allure vasculaire, discrètement plus nombreux. Lésion tumorale stable.
fr unstable Nouvel hypersignal FLAIR du gyrus cingulaire, non présent sur l'examen précédent.
fr unstable L'anomalie de signal mesure 42 x 30 mm, contre 31 x 22 mm précédemment.
fr stable L'anomalie FLAIR mesure 25 mm (25 mm en 02/2019).
fr unstable Comparativement à l'examen du 12.02.2019, l'hypersignal FLAIR de la berge a légèrement régressé.
fr unstable Évolution favorable avec diminution de l'hypersignal.
fr unstable Les anomalies de signal FLAIR sont un peu moins marquées.
fr stable Pas d'argument IRM pour une récidive tumorale, à recontrôler dans 3 mois.
fr unstable Suspicion de progression tumorale sous forme d'une majoration de l'infiltration du corps calleux.
fr unknown Il est difficile d'affirmer une progression de l'hypersignal compte tenu des artéfacts de mouvement ; comparaison impossible.
fr stable Aucune modification significative depuis l'examen antérieur.
fr unstable L'hypersignal FLAIR de la région insulaire a augmenté depuis février 2019.
fr stable L'hypersignal FLAIR avait augmenté entre 2015 et 2017 ; il est stable depuis.
fr stable Status après progression en 2017. Hypersignal T2 actuellement stable.
fr stable La plage d'hypersignal FLAIR frontale, connue, n'a pas évolué.
fr stable Pas d'extension de l'infiltration FLAIR au corps calleux.
fr unstable Signal FLAIR plus intense et plus étendu de la région temporale interne.
fr unstable Le volume tumoral en T2 a diminué d'environ 20 %.
fr unstable Oedème vasogénique en nette régression.
fr unstable Oedème vasogénique en augmentation.
fr stable Dilatation ventriculaire majorée. Plage FLAIR inchangée.
fr stable Lésion expansive en hypersignal T2 toujours visible, sans changement de taille.
fr stable Absence de nouvelle lésion ; hypersignal FLAIR résiduel non modifié.
fr unstable La tumeur continue de croître.
fr unstable Croissance lente mais continue du gliome.
fr stable Maladie stable.
fr unstable Gliome en progression.
fr unstable Bonne évolution, avec quasi-disparition de l'œdème.
fr unstable Petite extension antérieure de l'hypersignal, nouvelle depuis le dernier contrôle.
fr stable L'hypersignal FLAIR prédomine en frontal, sans franche modification.
fr stable Pas de franche progression de l'hypersignal.
fr stable Probable stabilité de l'hypersignal, à interpréter avec prudence vu les différences techniques.
fr unstable Le signal FLAIR est moins étendu, probablement en lien avec la corticothérapie.
en stable The FLAIR hyperintensity surrounding the resection cavity is stable compared to prior.
en stable No significant interval change in the extent of T2/FLAIR signal abnormality.
en unstable There has been interval progression of nonenhancing T2/FLAIR signal extending across the corpus callosum.
en unstable Slight interval increase in FLAIR signal along the posterior margin of the cavity.
en unstable Interval decrease in surrounding vasogenic edema.
en unstable T2/FLAIR hyperintensity appears slightly more prominent than on the prior study.
en stable Stable postoperative changes without evidence of recurrent disease.
en stable No new or progressive disease.
en stable Confluent T2 hyperintensity in the left frontal lobe is not significantly changed.
en unstable Enlarging region of FLAIR signal abnormality in the right insula, concerning for tumor progression.
en stable Increase in size of the enhancing nodule. The surrounding FLAIR signal is unchanged.
en stable New enhancement along the ependyma; T2 signal abnormality otherwise stable.
en stable Increased FLAIR signal in the periventricular white matter, likely chronic small vessel ischemic change. Tumor stable.
en unstable The mass now measures 4.8 x 3.9 cm, previously 3.9 x 3.0 cm.
en stable The nonenhancing mass measures 31 mm, previously 30 mm.
en unstable Marked improvement in edema and mass effect.
en stable No evidence of tumor recurrence or progression.
en stable Findings are most consistent with stable disease.
en stable The previously seen increase in FLAIR signal has not progressed further.
en unstable Progression of disease with increased extent of infiltrative T2 abnormality.
en unstable T2 signal abnormality extends further into the splenium than before.
en stable No appreciable change.
en stable Overall stable examination.
en unstable Unchanged to slightly decreased FLAIR signal.
en stable There is no increase in the non-enhancing FLAIR component.
en unstable Nonenhancing infiltrative tumor has grown into the insula.
en stable Follow-up in 2 months to assess for progression. FLAIR signal stable.
en stable The FLAIR signal abnormality is similar in extent to the prior examination, without new areas of involvement.
en stable Ventricles have enlarged. The T2 hyperintense lesion is unchanged.
en unstable Worsening T2 hyperintensity within the left temporal lobe.
en unstable Near complete resolution of FLAIR hyperintensity.
en unknown Study is degraded by motion; evaluation for change in FLAIR signal is not possible.
en unknown Evaluation of the tumor is limited by motion. Comparison is not possible.
en stable Stable disease by RANO criteria.
en unstable Radiographic progression.
en stable The infiltrating T2 signal has waxed and waned but is unchanged since the last study.
en unstable Tumor burden is increased.
en unstable The extent of T2 prolongation has regressed.
en stable Expected evolution of postoperative changes. FLAIR signal stable.
en stable Interval resection. Decreased mass effect. Residual FLAIR signal unchanged.
en unstable FLAIR hyperintense disease in the thalamus is more conspicuous.
en unstable Non-enhancing disease shows continued slow growth.
en stable There is no new abnormal signal. Stable FLAIR.
en stable No change in tumor size.
en stable Possible slight increase in FLAIR signal versus technical differences. Overall stable.
"""  # noqa: E501


@pytest.mark.parametrize("line", STATEMENTS.splitlines())
def test_statements_of_other_wordings(line):
    language, label, words = line.split(" ", 2)
    frame = {
        "fr": "Comparaison : IRM du 12.02.2019.\nDescription : Cavité de résection temporale. ",
        "en": "Comparison: MRI of 12 February 2019.\nFindings: There is a resection cavity. ",
    }[language]
    said = read_record(frame + words, "2019-05-14", ["2018-11-10", "2019-02-12"])
    assert (CLASSES[said["label"]], said["prior"]) == (label, "2019-02-12")
