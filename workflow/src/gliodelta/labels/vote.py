"""From the findings of a report to counts by section and component, and to the label by rules."""

from collections import Counter

from gliodelta.labels import matcher, text

UNKNOWN = "unknown"
# A T2 label where T2 is spoken of; else, flagged by the column `component`, the statement on the whole or the tumour.
# Enhancement alone never labels a T2 map.
DECIDING = (matcher.T2, matcher.GLOBAL)
SECTIONS = (text.CONCLUSION, text.DESCRIPTION)
COMPONENTS = (matcher.T2, matcher.GLOBAL, matcher.T1C)
KINDS = (matcher.PROGRESSION, matcher.RESPONSE, matcher.STABLE)
COUNTS = [
    f"{section}_{component}_{kind}"
    for section in SECTIONS
    for component in COMPONENTS
    for kind in (*KINDS, matcher.UNCERTAIN)
]


def gather(sentences, rules, elsewhere):
    """Collects what a report finds, apart from its indication and technique.

    Args:
        sentences: list of `text.Sentence`.
        rules: `matcher.Matcher` of the report's language.
        elsewhere: function of a clause's text: whether it compares with another exam than the prior.

    Returns:
        list of (section, component, `matcher.Finding`, (start, end) in the report's normalised text).
    """
    found, before = [], ""
    for sentence in sentences:
        if sentence.section in (text.INDICATION, text.TECHNIQUE):
            continue
        if rules.speaks_of_change(sentence.folded):
            section = text.CONCLUSION if sentence.section == text.CONCLUSION else text.DESCRIPTION
            for finding in rules.findings(sentence.text, before):
                if not elsewhere(sentence.text[slice(*finding.clause)]):
                    # The tumour's size and mass effect speak for the whole.
                    component = matcher.GLOBAL if finding.component == matcher.MASS else finding.component
                    span = tuple(sentence.start + place for place in finding.span)
                    found.append((section, component, finding, span))
        before = sentence.text
    return found


def vote(found):
    """Counts the findings and labels the report by rules.

    The first cell with a certain or probable finding decides, in the order T2 in the conclusion, T2 in the description,
    the whole in the conclusion, the whole in the description. Within a cell change outranks stability ("stable in the
    frontal lobe, more extensive in the temporal lobe" is a change).

    Args:
        found: what `gather` returned.

    Returns:
        dict with `label` (progression | response | stable | unknown), `component` and `section` that decided,
        `evidence` (character offsets and rule ids of the deciding findings, never text) and the counts in `COUNTS`.
    """
    counts = Counter()
    for section, component, finding, _ in found:
        kind = matcher.UNCERTAIN if finding.certainty == matcher.UNCERTAIN else finding.kind
        counts[f"{section}_{component}_{kind}"] += 1
    label, component, section = _decide(counts)
    evidence = [
        f"{span[0]}-{span[1]}:{'+'.join(finding.rules)}"
        for place, part, finding, span in found
        if (place, part) == (section, component) and finding.certainty != matcher.UNCERTAIN
    ]
    return {
        "label": label,
        "component": component,
        "section": section,
        **{name: counts[name] for name in COUNTS},
        "evidence": " ".join(evidence),
    }


def _decide(counts):
    for component in DECIDING:
        for section in SECTIONS:
            progression, response, stable = (counts[f"{section}_{component}_{kind}"] for kind in KINDS)
            if progression or response:
                return (matcher.PROGRESSION if progression >= response else matcher.RESPONSE), component, section
            if stable:
                return matcher.STABLE, component, section
    return UNKNOWN, "", ""
