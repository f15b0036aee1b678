"""From the findings of a report to counts by section and component, and to the label by rules."""

from collections import Counter

from gliodelta.labels import readings, text

UNKNOWN = "unknown"
# A T2 label where T2 is spoken of; else, flagged by the column `component`, the statement on the whole or the tumour.
# Enhancement alone never labels a T2 map.
DECIDING = (readings.T2, readings.GLOBAL)
SECTIONS = (text.CONCLUSION, text.DESCRIPTION)
COMPONENTS = (readings.T2, readings.GLOBAL, readings.T1C)
KINDS = (readings.PROGRESSION, readings.RESPONSE, readings.STABLE)
COUNTS = [
    f"{section}_{component}_{kind}"
    for section in SECTIONS
    for component in COMPONENTS
    for kind in (*KINDS, readings.UNCERTAIN)
]


def gather(sentences, rules, elsewhere):
    """Collects what a report finds, apart from its indication and technique.

    Args:
        sentences: list of `text.Sentence`.
        rules: `matcher.Matcher` of the report's language.
        elsewhere: function of a folded clause and whether it says that nothing changed: whether it tells of another
            time than since the prior.

    Returns:
        list of (section, component, `readings.Finding`, (start, end) in the report's normalised text).
    """
    told = [s for s in sentences if s.section not in (text.INDICATION, text.TECHNIQUE)]
    found = []
    for sentence, findings in zip(told, rules.read([s.folded for s in told]), strict=True):
        section = text.CONCLUSION if sentence.section == text.CONCLUSION else text.DESCRIPTION
        for finding in findings:
            if not elsewhere(sentence.folded[slice(*finding.clause)], finding.kind == readings.STABLE):
                # The tumour's size speaks for the whole.
                component = readings.GLOBAL if finding.component == readings.MASS else finding.component
                span = tuple(sentence.start + place for place in finding.span)
                found.append((section, component, finding, span))
    return found


def vote(found):
    """Counts the findings and labels the report by rules.

    The first cell with a certain or probable finding decides, in the order T2 in the conclusion, T2 in the description,
    the whole in the conclusion, the whole in the description. Within a cell growth outranks shrinkage, and change
    stability ("stable in the frontal lobe, more extensive in the temporal lobe" is growth). A cell that the report
    declares impossible to judge decides, too: unknown.

    Args:
        found: what `gather` returned.

    Returns:
        dict with `label` (progression | response | stable | unknown), `component` and `section` that decided,
        `evidence` (character offsets and rule ids of the deciding findings, never text) and the counts in `COUNTS`.
    """
    counts = Counter()
    for section, component, finding, _ in found:
        counts[f"{section}_{component}_{_kind(finding)}"] += 1
    open_ = {(section, component) for section, component, finding, _ in found if finding.kind == readings.INDETERMINATE}
    label, component, section = _decide(counts, open_)
    evidence = [
        f"{span[0]}-{span[1]}:{'+'.join(finding.rules)}"
        for place, part, finding, span in found
        if (place, part) == (section, component) and (_kind(finding) != readings.UNCERTAIN or label == UNKNOWN)
    ]
    return {
        "label": label,
        "component": component,
        "section": section,
        **{name: counts[name] for name in COUNTS},
        "evidence": " ".join(evidence),
    }


def _kind(finding):
    doubtful = finding.kind == readings.INDETERMINATE or finding.certainty == readings.UNCERTAIN
    return readings.UNCERTAIN if doubtful else finding.kind


def _decide(counts, open_):
    concluded = any(counts[f"{text.CONCLUSION}_{component}_{kind}"] for component in DECIDING for kind in KINDS)
    if (text.CONCLUSION, readings.GLOBAL) in open_ and not concluded:
        return UNKNOWN, readings.GLOBAL, text.CONCLUSION
    for component in DECIDING:
        for section in SECTIONS:
            if (section, component) in open_:
                return UNKNOWN, component, section
            progression, response, stable = (counts[f"{section}_{component}_{kind}"] for kind in KINDS)
            if progression or response:
                return (readings.PROGRESSION if progression else readings.RESPONSE), component, section
            if stable:
                return readings.STABLE, component, section
    return UNKNOWN, "", ""
