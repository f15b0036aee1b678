"""The first page as one HTML file: no script, no font and no picture from elsewhere."""

import base64
from html import escape
from pathlib import Path

from gliodelta.evaluation.comparisons import COMPARATOR, DECLARED

LIMITS = (
    "This is research software and no medical device. Nothing here may be used for a decision about a patient.",
    "Intervals speak of new patients for the models at hand; they leave out how another training, scanner or style of "
    "report would vary the result.",
    "Human labels are the majority of the readers at hand; weak labels inherit what radiologists write and when.",
    "With few patients, read the interval and not the number.",
)
SIMULATED = "Simulated: {names}. Their results show that the workflow runs, not how well it would do on patients."
GIVEN = "Weak labels were made elsewhere: whether human labels of test patients shaped them cannot be told from here."
# Of summary.tsv: column and heading.
COLUMNS = {
    "arm": "arm",
    "n_maps": "maps",
    "n_patients": "patients",
    "auc": "AUC, pooled [95 %]",
    "ap": "AP [95 %]",
    "sensitivity": "sensitivity [95 %]",
    "specificity": "specificity [95 %]",
    "calibration-error": "calibration error [95 %]",
}
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 1.5rem auto; padding: 0 1rem; color: #111;
       background: #fff }
table { border-collapse: collapse; margin: .6rem 0; font-size: .85rem } img { max-width: 100% }
th, td { border-bottom: 1px solid #bbb; padding: .2rem .7rem .2rem 0; text-align: left; vertical-align: top }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 1.6rem } tr.primary { font-weight: bold }
"""


def write_page(facts, methods, checklist, picture):
    """Returns the page.

    Args:
        facts: result of `describe.gather`.
        methods: text of `methods.write_methods`.
        checklist: result of `checklist.fill`.
        picture: PNG of the flow diagram.
    """
    image = base64.b64encode(Path(picture).read_bytes()).decode()
    told = [f"{chain.title}: {'. '.join(_in_words(step) for step in chain.steps)}." for chain in facts["chains"]]
    alternative = escape(" ".join(told))
    answered = checklist["status"].value_counts().to_dict()
    body = [
        "<h1>The study on one page</h1>",
        "<h2>Data</h2>",
        f'<img alt="{alternative}" src="data:image/png;base64,{image}">',
        "<h2>Design</h2>",
        _list(design(facts)),
        "<h2>Result</h2>",
        f"<p>{escape(answer(facts))}</p>",
        *(_results(name, part, facts) for name, part in facts["summary"].groupby("cohort", sort=False)),
        "<h2>Limits</h2>",
        _list(limits(facts)),
        "<h2>Methods, for copying into a paper</h2>",
        *(f"<p>{escape(text)}</p>" for text in methods.strip().split("\n\n")),
        "<h2>Reporting checklists</h2>",
        "<p>TRIPOD+AI (Collins et al. 2024) and CLAIM (Mongan et al. 2020), topics in our words. "
        + escape(", ".join(f"{status}: {count}" for status, count in answered.items()))
        + "; the whole table is checklist.tsv.</p>",
        _table(checklist[checklist["answer"] != ""], ["guideline", "item", "topic", "answer", "where"]),
    ]
    head = f'<meta charset="utf-8"><title>The study on one page</title><style>{_STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(body) + "\n</body></html>\n"


def _in_words(step):
    return step.text + (f"; left out: {'; '.join(step.left_out)}" if step.left_out else "")


def answer(facts):
    """Returns the primary comparison of each cohort as sentences."""
    table = facts["comparisons"]
    sentences = []
    for row in table[table["family"] == DECLARED].to_dict("records"):
        if facts["arms"].get(row["against"]) is None:
            continue
        told = f"{row['cohort']}: {row['arm']} against {row['against']}, pooled AUC "
        if row["p"] != row["p"]:
            sentences.append(f"{told}cannot be compared ({row['note']}).")
            continue
        interval = f"[{row['low']:+.3f}, {row['high']:+.3f}]" if row["low"] < row["high"] else "[no interval]"
        sentences.append(
            f"{told}{row['auc_arm']:.3f} against {row['auc_against']:.3f}, difference {row['difference']:+.3f} "
            f"{interval}, paired permutation by patient p = {row['p']:.2g}, {row['p_holm']:.2g} after Holm."
        )
    return " ".join(sentences) or "The primary arm has no other arm to be compared with."


def design(facts):
    """Returns sentences on folds, budget and arms."""
    splits, tuning = facts["settings"]["splits"], facts["settings"]["tuning"]
    budget = (
        f"{tuning['budget']} trials, the same for every arm"
        if tuning["budget"]
        else ("every setting once, so that an arm with more settings has more trials")
    )
    return [
        f"Folds by patient: {splits['repeats']} x {splits['folds']} outer, each with {splits['inner']} inner. Patients "
        "of an outer test fold take part in nothing that is fitted.",
        f"Arms: {', '.join(facts['arms'])}. {facts['primary']} is declared primary in arms.tsv.",
        f"Budget of an arm in each outer fold: {budget}. Settings are chosen on inner validation patients.",
    ]


def limits(facts):
    """Returns sentences on what the results do not say."""
    names = [name for name in facts["numbers"] if facts["cohorts"][name]["simulated"]]
    few = [f"{name} ({size['tested_patients']})" for name, size in facts["numbers"].items()]
    first = [SIMULATED.format(names=", ".join(names))] if names else []
    given = any(cohort["weak"] == "given" for cohort in facts["cohorts"].values())
    return [*first, *LIMITS, *[GIVEN] * given, f"Patients tested: {', '.join(few)}."]


def _results(cohort, rows, facts):
    """A table of one cohort: the primary arm, in bold, other arms and trivial comparators; notes above."""
    kept = rows[rows["arm"].isin([*facts["arms"]]) | (rows["kind"] == COMPARATOR)]
    told = rows[rows["note"].astype(bool) & rows["note"].notna()].groupby("note", sort=False)["arm"]
    note = "; ".join(f"{', '.join(arms)}: {text}" for text, arms in told)
    title = f"<h3>{escape(cohort)}</h3>" + (f"<p>{escape(note)}</p>" if note else "")
    return title + _table(kept, list(COLUMNS), COLUMNS, facts["primary"])


def _table(rows, columns, headings=None, primary=None):
    head = "".join(f"<th>{escape((headings or {}).get(name, name))}</th>" for name in columns)
    lines = [
        f"<tr{' class=primary' * (primary is not None and row['arm'] == primary)}>"
        + "".join(f"<td>{escape(_cell(row[name]))}</td>" for name in columns)
        + "</tr>"
        for row in rows.to_dict("records")
    ]
    return f"<table><tr>{head}</tr>\n" + "\n".join(lines) + "</table>"


def _cell(value):
    return "n/a" if value != value else f"{value:g}" if isinstance(value, float) else str(value)


def _list(sentences):
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in sentences) + "</ul>"
