"""How well a hospital's own reports are labelled: ``python -m gliodelta.labels validate REPORTS.jsonl``.

The code is that of the stage: its reading, its features, its stack. Without `cross_fit`, probabilities are calibrated
on those of the project's fictional reports that the rules were not written on; on the others the rules are flawless,
which no hospital will find them to be. The package holds their votes and not their words, so that the rules are the
only part of this stack.
"""

import datetime
import itertools
import json
from pathlib import Path

from gliodelta import io
from gliodelta.labels import corpus, extract, figures, score, stack
from gliodelta.labels.calibrate import RULES, by_rank
from gliodelta.labels.human import BINARY
from gliodelta.labels.reliability import accuracy, confidence, cut_metrics, kappa
from gliodelta.labels.vote import COUNTS, UNKNOWN
from gliodelta.schema import InvalidInput
from gliodelta.statistics.bootstrap import draw_patients, interval

PREDICTIONS = ["id", "label", "p_unstable", "confidence", "compared_to", "calibrated"]
METRICS = ["method", "group", "metric", "value", "low", "high", "reports", "patients"]
# The three classes that the label by rules and probability are scored on.
CLASSES = {**{word: ("stable", "unstable")[y] for word, y in BINARY.items()}, UNKNOWN: UNKNOWN}
# Votes on the fictional reports that the rules were not written on, with their truth; made by `tabulate`.
FICTIONAL = Path(__file__).with_name("fictional.tsv")
# What `FICTIONAL` needs of them for `parts.rules`, and the truth.
VOTES = ["id", "language", "t2", "label", "component", "section", *COUNTS]
# What is printed of all reports.
SHOWN = ("accuracy", "kappa", "comparison_date", "calibration_error", "brier")
SHOWN += ("share_confidence_0.95", "accuracy_confidence_0.95")
# What is stacked when a file brings its own truth.
PARTS = [RULES, "tfidf-logistic"]
FOLDS = 5
# Reports whose rows are kept as Python objects at a time: a table holds 100,000 in a tenth of the memory.
CHUNK = 5000


def validate(reports, out=None, cross_fit=False, baselines=(), date_order="DMY", bootstraps=2000, seed=123):
    """Labels the reports of a file, and scores the labels of those whose truth the file tells.

    Args:
        reports: JSON lines; one object a report: id, language (fr | en), exam_date and prior_dates (ISO), report; and
            perhaps subject (default: each report another patient), t2 (stable | progression | response | unknown),
            compared_to (ISO date or null), plain (true | false) and kinds (list of words).
        out: folder to write predictions.tsv, and for reports with t2 metrics.tsv and labels.png.
        cross_fit: fit the stack on the file's own labels, patients never on both sides, not on the fictional reports.
        baselines: plug-ins of `gliodelta.labels.parts` to compare the stack with then.
        date_order: order of day, month and year in all-digit dates.
        bootstraps, seed: of the intervals; the seed also draws the folds.

    Returns:
        list of sentences: the figures to print. No word of a report is in them or in a file.

    Raises:
        InvalidInput: a line is not as described; the text names line and field only.
    """
    import pandas as pd

    models = list(dict.fromkeys([*PARTS, *baselines])) if cross_fit else [RULES]
    table = read(reports, cross_fit, date_order)
    known = table[table["label"] != UNKNOWN]
    predicted, calibrated = _cross_fit(known, baselines, seed) if cross_fit else (_on_fictional(known, seed), "yes")
    table = table.join(predicted)
    table["calibrated"] = calibrated
    table["confidence"] = confidence(table["p_unstable"])
    table["label"] = [_label(p) for p in table["p_unstable"]]
    lines = [f"{len(table)} reports, {len(known)} with a label"]
    if out:
        io.write_table(table[PREDICTIONS], Path(out) / "predictions.tsv")
    scored = table[table["t2"].notna()]
    if len(scored):
        methods = {score.STACK: score.called(scored, "p_unstable")}
        methods |= {name: score.called(scored, name) for name in models if name in scored and len(models) > 1}
        metrics = pd.DataFrame(_metrics(scored, methods, bootstraps, seed), columns=METRICS)
        lines += _sentences(metrics)
        if out:
            io.write_table(metrics, Path(out) / "metrics.tsv")
            binary = {name: rows[rows["y"].notna()] for name, rows in methods.items()}
            figures.draw(binary, (scored["t2"].map(CLASSES), scored["label"]), Path(out) / "labels.png")
    return lines


def read(reports, words=False, date_order="DMY"):
    """Reads the file: votes, dates and truth, one row a report.

    Args:
        reports: as in `validate`.
        words: whether to keep the words, for parts that read them.
        date_order: order of day, month and year in all-digit dates.

    Returns:
        pandas.DataFrame: id, subject, language, label by rules, component, section, counts, compared_to (as read),
        compared_truth, t2, y (0 | 1, missing where t2 is unknown or not told), kinds and perhaps text.
    """
    import pandas as pd

    rows, tables = _rows(reports, words, date_order), []
    while chunk := list(itertools.islice(rows, CHUNK)):
        tables.append(pd.DataFrame(chunk).astype({"y": float, **dict.fromkeys(COUNTS, "int16")}))
    if not tables:
        raise InvalidInput("the file has no line; write one JSON object a report")
    return pd.concat(tables, ignore_index=True)


def _rows(reports, words, date_order):
    ids = set()
    for number, record in _records(reports):
        if record["id"] in ids:
            raise InvalidInput(f"line {number}: field id: the id stands in a line above; write another")
        ids.add(record["id"])
        row = extract.read_record(record["report"], record["exam_date"], record["prior_dates"], date_order=date_order)
        t2 = record.get("t2")
        yield {
            **{name: row[name] for name in ("label", "component", "section", *COUNTS)},
            "id": record["id"], "subject": record.get("subject", record["id"]), "language": record["language"],
            "compared_to": row["prior"], "compared_truth": record.get("compared_to"),
            "t2": t2, "y": {**BINARY, UNKNOWN: None}[t2] if t2 else None,
            "kinds": (*record.get("kinds", []), *(["plain"] if record.get("plain") else [])),
            **({"text": _words(record["report"])} if words else {}),
        }  # fmt: skip


def tabulate(reports, table, split=None):
    """Writes the votes on labelled reports, `FICTIONAL`'s content.

    Args:
        reports: as in `validate`, with t2.
        table: table to write.
        split: only reports whose field `split` says so.
    """
    import pandas as pd

    rows = [
        {**extract.read_record(record["report"], record["exam_date"], record["prior_dates"]), **record}
        for _, record in _records(reports)
        if split in (None, record.get("split"))
    ]
    found = pd.DataFrame(rows)
    io.write_table(found.loc[found["label"] != UNKNOWN, VOTES], table)


def _records(path):
    """Yields (line number, checked object) of JSON lines."""
    with open(path, "rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line.decode("utf-8-sig"))
            except ValueError:
                raise InvalidInput(f"line {number}: this is not JSON in UTF-8") from None
            if not isinstance(record, dict):
                raise InvalidInput(f"line {number}: write a JSON object")
            for field, (wanted, fits) in _FIELDS.items():
                if not (fits(record[field]) if field in record else field in _OPTIONAL):
                    raise InvalidInput(f"line {number}: field {field}: write {wanted}")
            yield number, record


def _is_date(value):
    try:
        # A year beyond is a slip of the pen, and no session (`sheets.is_date`).
        return isinstance(value, str) and len(value) == 10 and 1900 <= datetime.date.fromisoformat(value).year < 2100
    except ValueError:
        return False


def _is_list(fits):
    return lambda value: isinstance(value, list) and all(map(fits, value))


def _is_text(value):
    return isinstance(value, str)


# Field: (what to write, whether a value is that).
_FIELDS = {
    "id": ("a text that is not empty", lambda value: _is_text(value) and bool(value.strip())),
    "language": ("fr or en", lambda value: value in ("fr", "en")),
    "exam_date": ("a date as yyyy-mm-dd", _is_date),
    "prior_dates": ("a list of dates as yyyy-mm-dd", _is_list(_is_date)),
    "report": ("the report's text", _is_text),
    "subject": ("a text", _is_text),
    "t2": ("stable, progression, response, unknown or null", lambda value: value in (None, *CLASSES)),
    "compared_to": ("a date as yyyy-mm-dd or null", lambda value: value is None or _is_date(value)),
    "kinds": ("a list of texts", _is_list(_is_text)),
    "plain": ("true or false", lambda value: isinstance(value, bool)),
}
_OPTIONAL = ("subject", "t2", "compared_to", "kinds", "plain")


def _words(report):
    try:
        return corpus.words(extract.read_words(report))
    except extract.Excluded:
        return ""


def _truth(t2):
    """Returns y as `stack.fit` takes it."""
    return t2.map({**BINARY, UNKNOWN: stack.OPEN}).astype(float)


def _on_fictional(rows, seed):
    fictional = io.read_table(FICTIONAL)
    if rows.empty:
        return rows[[]].assign(p_unstable=0.0)
    model = stack.fit(fictional.assign(subject=fictional["id"]), _truth(fictional["t2"]), [RULES], seed)
    return model(rows)


def _cross_fit(rows, baselines, seed):
    """Returns probabilities, out of fold where the truth is told, and whether they are calibrated (yes | no)."""
    import pandas as pd
    from sklearn.model_selection import StratifiedGroupKFold

    labelled = rows[rows["t2"].notna()]
    y = _truth(labelled["t2"])
    if min(labelled.loc[y == label, "subject"].nunique() for label in (0, 1)) < 2 * stack.MIN_PATIENTS:
        return by_rank(rows), "no"
    draw = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    predicted = []
    for train, held in draw.split(labelled, y > stack.OPEN, labelled["subject"]):
        model = stack.fit(labelled.iloc[train], y.iloc[train], PARTS, seed, baselines)
        predicted.append(model(labelled.iloc[held]))
    others = rows[rows["t2"].isna()]
    if len(others):
        predicted.append(stack.fit(labelled, y, PARTS, seed, baselines)(others))
    return pd.concat(predicted), "yes"


def _label(p_unstable):
    if p_unstable != p_unstable:
        return UNKNOWN
    return CLASSES["progression"] if p_unstable >= 0.5 else CLASSES["stable"]


def _metrics(scored, methods, bootstraps, seed):
    """Yields the rows of metrics.tsv: of three classes for each group, and of the two known ones for each method."""
    groups = {"all": scored, **dict(iter(scored.groupby("language")))}
    for kind in sorted({kind for kinds in scored["kinds"] for kind in kinds}):
        groups[kind] = scored[[kind in kinds for kinds in scored["kinds"]]]
    for group, rows in groups.items():
        yield from _of_three(group, rows, bootstraps, seed)
    for method, rows in methods.items():
        for row in score.metrics_of(method, rows[rows["y"].notna()], bootstraps, seed):
            yield {**row, "group": row["language"], "reports": row["pairs"]}


def _of_three(group, rows, bootstraps, seed):
    truth, label = rows["t2"].map(CLASSES).to_numpy(), rows["label"].to_numpy()
    head = {"method": "labels", "group": group}
    weights = draw_patients(rows["subject"], bootstraps, seed)
    sizes = {"reports": len(rows), "patients": rows["subject"].nunique()}
    for name, metric in (("accuracy", accuracy), ("kappa", kappa)):
        drawn = metric(truth, label, weights)
        low, high, _ = interval(drawn[1:])
        yield {**head, "metric": name, "value": drawn[0], "low": low, "high": high, **sizes}
    named = rows[rows["compared_truth"].notna()]
    if len(named):
        found = named["compared_to"] == named["compared_truth"]
        sizes = {"reports": len(named), "patients": named["subject"].nunique()}
        yield {**head, "metric": "comparison_date", "value": found.mean(), **sizes}
    told = rows[rows["label"] != UNKNOWN]
    # A label where the truth cannot be told is wrong here.
    right = told["t2"].map(CLASSES) == told["label"]
    for name, value, low, high, kept in cut_metrics(right, told["confidence"]):
        sizes = {"reports": len(kept), "patients": told["subject"].iloc[kept].nunique()}
        yield {**head, "metric": name, "value": value, "low": low, "high": high, **sizes}


def _sentences(metrics):
    """Returns the figures that a terminal has room for; metrics.tsv has them all."""
    words, everywhere = metrics["method"] == "labels", metrics["group"] == "all"
    shown = metrics[(everywhere & metrics["metric"].isin(SHOWN)) | (words & (metrics["metric"] == "accuracy"))]
    return [
        f"{row.method} {row.group} {row.metric}: {row.value:.3f}"
        + (f" [{row.low:.3f}, {row.high:.3f}]" if row.low == row.low else "")
        + f" ({row.reports} reports)"
        for row in shown.itertuples()
    ]
