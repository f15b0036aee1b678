"""Report texts in French and English with what makes them hard: dates, negations, hypotheses, other findings.

Every text states one course of the T2 signal (`plan.Report.stated`). All are invented.
"""

from gliodelta import io
from gliodelta.simulation.seeds import stream

MONTHS = {
    "fr": {
        1: "janvier", 2: "février", 3: "mars", 4: "avril", 5: "mai", 6: "juin",
        7: "juillet", 8: "août", 9: "septembre", 10: "octobre", 11: "novembre", 12: "décembre",
    },
    "en": {
        1: "January", 2: "February", 3: "March", 4: "April", 5: "May", 6: "June",
        7: "July", 8: "August", 9: "September", 10: "October", 11: "November", 12: "December",
    },
}  # fmt: skip
SIDES = {"fr": {"left": "gauche", "right": "droit"}, "en": {"left": "left", "right": "right"}}
HEADINGS = {
    "fr": ("Date de l'examen", "IRM CÉRÉBRALE", "INDICATION", "COMPARAISON", "TECHNIQUE", "DESCRIPTION", "CONCLUSION"),
    "en": ("Date of exam", "MRI OF THE BRAIN", "INDICATION", "COMPARISON", "TECHNIQUE", "FINDINGS", "CONCLUSION"),
}
INDICATIONS = {
    "fr": (
        "Suivi d'un gliome {side}. Progression tumorale ?",
        "Gliome hémisphérique {side} sous surveillance. Récidive ? Réponse au traitement ?",
        "Contrôle évolutif d'un gliome {side} connu.",
    ),
    "en": (
        "Follow-up of a {side} glioma. Progression?",
        "Known {side} hemispheric glioma under surveillance. Recurrence? Response to treatment?",
        "Follow-up imaging of a known {side} glioma.",
    ),
}
# The last of each names no date: the previous exam is meant. The one before names two: the later one is compared with.
COMPARISONS = {
    "fr": (
        "IRM cérébrale du {prior}.",
        "Comparaison faite avec l'IRM du {prior}.",
        "IRM du {older} et du {prior}.",
        "Par rapport à l'examen précédent.",
    ),
    "en": (
        "MRI of the brain dated {prior}.",
        "Compared with the MRI of {prior}.",
        "MRI of {older} and of {prior}.",
        "Compared with the previous MRI.",
    ),
}
TECHNIQUES = {
    "fr": "Séquences axiales T2, FLAIR et T1, sans injection. Pas de progression technique particulière à signaler.",
    "en": "Axial T2, FLAIR and T1 sequences, without contrast.",
}
FINDINGS = {
    "fr": {
        "stable": (
            "La plage d'hypersignal T2 {side} est inchangée en taille et en étendue.",
            "Stabilité de l'hypersignal T2 hémisphérique {side}, sans nouvelle lésion apparue.",
            "Pas d'augmentation de l'infiltration en hypersignal T2 à {side}.",
            "Aspect superposable de la lésion en hypersignal T2 {side}.",
        ),
        "progression": (
            "Augmentation de la plage d'hypersignal T2 {side}, qui s'étend davantage dans la substance blanche.",
            "Nette majoration de l'infiltration en hypersignal T2 à {side}.",
            "L'hypersignal T2 hémisphérique {side} a augmenté de taille.",
            "Extension de l'hypersignal T2 {side}, plus étendu que précédemment.",
        ),
        "response": (
            "Diminution de la plage d'hypersignal T2 {side}.",
            "Nette régression de l'infiltration en hypersignal T2 à {side}.",
            "L'hypersignal T2 hémisphérique {side} a diminué de taille.",
            "Réduction de l'hypersignal T2 {side}, moins étendu que précédemment.",
        ),
    },
    "en": {
        "stable": (
            "The {side} T2 hyperintensity is unchanged in size and extent.",
            "Stable {side} hemispheric T2 hyperintensity, no new lesion.",
            "No increase of the infiltrating T2 hyperintensity on the {side} side.",
            "The {side} T2 hyperintense lesion appears similar.",
        ),
        "progression": (
            "The {side} T2 hyperintensity has increased and extends further into the white matter.",
            "Marked increase of the infiltrating T2 hyperintensity on the {side} side.",
            "Interval growth of the {side} T2 hyperintense lesion.",
            "The {side} hemispheric T2 hyperintensity is larger than before.",
        ),
        "response": (
            "The {side} T2 hyperintensity has decreased.",
            "Marked regression of the infiltrating T2 hyperintensity on the {side} side.",
            "Interval decrease in size of the {side} T2 hyperintense lesion.",
            "The {side} hemispheric T2 hyperintensity is smaller than before.",
        ),
    },
}
CONCLUSIONS = {
    "fr": {
        "stable": (
            "Stabilité de la lésion gliale en T2.",
            "Pas d'argument pour une progression tumorale : hypersignal T2 stable.",
            "Examen stable, sans signe de récidive.",
            "Absence d'évolution significative de l'hypersignal T2.",
        ),
        "progression": (
            "Progression tumorale en T2.",
            "Aspect en faveur d'une progression, avec augmentation de l'hypersignal T2.",
            "Augmentation de l'hypersignal T2. On ne peut exclure une part de modifications post-thérapeutiques.",
            "Évolution défavorable : majoration de l'hypersignal T2.",
        ),
        "response": (
            "Réponse au traitement, avec diminution de l'hypersignal T2.",
            "Évolution favorable : régression de l'hypersignal T2.",
            "Diminution de l'infiltration tumorale en T2, sans argument pour une progression.",
            "Réponse partielle en T2.",
        ),
    },
    "en": {
        "stable": (
            "Stable T2 appearance of the glioma.",
            "No evidence of progression: the T2 hyperintensity is stable.",
            "Stable examination without sign of recurrence.",
            "No significant change of the T2 hyperintensity.",
        ),
        "progression": (
            "Tumour progression on T2.",
            "Findings in favour of progression, with increased T2 hyperintensity.",
            "Increase of the T2 hyperintensity. A component of treatment-related change cannot be excluded.",
            "Worsening: larger T2 hyperintensity.",
        ),
        "response": (
            "Response to treatment, with decreased T2 hyperintensity.",
            "Improvement: regression of the T2 hyperintensity.",
            "Decrease of the tumour infiltration on T2, without evidence of progression.",
            "Partial response on T2.",
        ),
    },
}
# Findings that change, or do not, and say nothing of the tumour.
OTHERS = {
    "fr": (
        "Discrète majoration de l'atrophie cortico-sous-corticale.",
        "Système ventriculaire de taille stable.",
        "Augmentation d'un comblement du sinus maxillaire.",
        "Pas de déviation de la ligne médiane.",
        "Pas d'hydrocéphalie.",
    ),
    "en": (
        "Slight increase of cerebral atrophy.",
        "The ventricles are stable in size.",
        "Increased mucosal thickening of the maxillary sinus.",
        "No midline shift.",
        "No hydrocephalus.",
    ),
}
CAVITIES = {"fr": "Cavité de résection d'aspect inchangé.", "en": "Unchanged appearance of the resection cavity."}
HYPOTHESES = {
    "fr": "En cas de progression clinique, un contrôle plus précoce serait proposé.",
    "en": "If there is clinical progression, an earlier follow-up is suggested.",
}


def write_report(settings, patient, report, path):
    """Writes the text of a report, UTF-8.

    Args:
        settings: dict of the schema `simulation`.
        patient: `plan.Patient`.
        report: `plan.Report`, whose course the text states.
        path: target.
    """
    io.write_text(compose(patient, report, stream(settings["seed"], patient.subject, report.current, "report")), path)


def compose(patient, report, draw):
    """Returns the text of a report; `draw` (numpy random generator) chooses among wordings."""
    language = patient.language
    words = {"side": SIDES[language][patient.side], **_dates(patient, report, draw)}
    pick = _picker(draw, words)
    findings = [pick(FINDINGS[language][report.stated]), *pick(OTHERS[language], 2)]
    findings = [str(text) for text in draw.permutation(findings)] + [CAVITIES[language]] * patient.resected
    conclusion = [pick(CONCLUSIONS[language][report.stated])] + [HYPOTHESES[language]] * bool(draw.random() < 0.3)
    compared = COMPARISONS[language]
    compared = compared if words["older"] else tuple(text for text in compared if "{older}" not in text)
    start = (pick(INDICATIONS[language]), pick(compared), TECHNIQUES[language])
    parts = (*start, " ".join(findings), " ".join(conclusion))
    day, title, *headings = HEADINGS[language]
    header = f"Patient : SIMULATED {patient.subject.upper()}\n{day} : {words['today']}\n\n{title}\n"
    return header + "".join(f"\n{heading}\n{text}\n" for heading, text in zip(headings, parts, strict=True))


def _picker(draw, words):
    def pick(texts, count=None):
        chosen = draw.choice(len(texts), size=count, replace=False)
        return texts[chosen].format(**words) if count is None else [texts[place].format(**words) for place in chosen]

    return pick


def _dates(patient, report, draw):
    dates = {exam.session: exam.date for exam in patient.exams}
    form = draw.integers(3)
    earlier = [exam.date for exam in patient.exams if exam.session < report.prior]
    return {
        "today": f"{dates[report.current]:%d.%m.%Y}",
        "prior": _write_date(dates[report.prior], form, patient.language),
        "older": _write_date(earlier[-1], form, patient.language) if earlier else "",
    }


def _write_date(date, form, language):
    """A date, day first: 12.03.2015, 12/03/2015 or 12 March 2015."""
    if form == 2:
        return f"{date.day} {MONTHS[language][date.month]} {date.year}"
    return f"{date:%d.%m.%Y}" if form == 0 else f"{date:%d/%m/%Y}"
