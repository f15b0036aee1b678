"""Which pairs go on, and why the others do not: a row for every pair of the cohort, their quality, their pictures."""

from pathlib import Path

from gliodelta import io, status
from gliodelta.fingerprint import digest
from gliodelta.imaging import overview
from gliodelta.imaging.difference import FEATURES
from gliodelta.imaging.register import precedes
from gliodelta.sheets import day_of_session, find, pair_id, read_cohort
from gliodelta.tables import PAIR, count_reasons

# Columns of maps.tsv that come from a pair's qc.json: `gliodelta.imaging.quality` says what they are. The digests tell
# whether two exams are the same images.
EXAM = ("ghosting", "fluid_contrast", "saturated")
QC = (
    "similarity_before",
    "similarity_after",
    "structure",
    "structure_worst",
    "coverage",
    "brain_ml_prior",
    "brain_ml_current",
    "mask_ratio",
    "mask_overlap",
    "residual_mm",
    "sd_difference",
    "drift",
    "scale",
    "sharpness",
    "symmetry",
    *(f"{name}_{visit}" for name in EXAM for visit in ("prior", "current")),
)
COLUMNS = [*PAIR, "days", "include", "reason", "outlying", *(f"qc_{name}" for name in QC), *FEATURES]
# What the configured limits mean: which side of them is wrong, and what is then the matter, the surest sign first.
LOWEST, HIGHEST = "below", "above"
LIMITS = {
    "sd_difference": (LOWEST, "both exams are the same images; correct exams.tsv"),
    "fluid_contrast": (LOWEST, "fluid is darker than white matter, as on FLAIR and T1"),
    "coverage": (LOWEST, "one exam lacks a part of the brain"),
    "ghosting": (HIGHEST, "copies of the head overlay an exam"),
    "saturated": (HIGHEST, "the brightest tissue of an exam is cut off"),
    "residual_mm": (HIGHEST, "the registered exams lie apart"),
    "structure": (LOWEST, "sulci and ventricles of the exams do not match"),
}


def screen_maps(cohort_file, qc_files, limits, surgery_days, max_days, most_pictures, table, summary, figure, gallery):
    """Decides which pairs of a cohort go on.

    A pair is excluded, in this order, when a person excluded it in pairs.tsv, when prior does not precede current, when
    more than `max_days` lie between them, when an exam is `surgery_days` days or fewer after a surgery in events.tsv,
    when a step before excluded it, when both exams are the same images, or when a number of its quality is beyond its
    limit.

    Args:
        cohort_file: the cohort's YAML.
        qc_files: qc.json of every pair of the cohort; their pictures lie beside them.
        limits: dict of the keys of `LIMITS` to numbers; those of an exam hold for both exams.
        surgery_days: days after surgery in which an exam is not used (28 in the published study).
        max_days: longest interval between two exams that are compared.
        most_pictures: how many pictures the gallery may hold.
        table: TSV to write: subject prior current days include (yes/no) reason outlying qc_* feature_*; `outlying`
            names the numbers by which the pair stands out in its cohort.
        summary: TSV to write: include reason pairs share, reasons as `gliodelta.tables.count_reasons` puts them.
        figure: PNG to write, distributions of the quality numbers.
        gallery: PNG to write, pictures of the worst pairs and of a fixed sample.
    """
    import pandas as pd

    cohort = read_cohort(cohort_file)
    files = {Path(file).name: Path(file) for file in qc_files}
    rows, pictures = [], {}
    for pair in cohort["pairs"]:
        file = files[f"sub-{pair['subject']}_pair-{pair_id(pair)}_qc.json"]
        report = io.read_json(file)
        reason = _from_sheets(pair, cohort, surgery_days, max_days) or _from_images(report, limits)
        rows.append(_row(pair, report, reason))
        if report["status"] == status.INCLUDED:
            sound, name = not exceeded(report, limits), digest(f"{pair['subject']}/{pair_id(pair)}")
            pictures[len(rows) - 1] = sound, name, file.with_suffix(".png")
    rows = pd.DataFrame(rows, columns=COLUMNS)
    scores = overview.outlyingness(rows)
    rows["outlying"] = [", ".join(row.index[row > overview.OUTLYING]) for _, row in scores.iterrows()]
    io.write_table(rows, table)
    io.write_table(summarise(rows), summary)
    overview.draw_distributions(rows, scores, limits, figure)
    worst = scores.max(axis=1).fillna(0)
    ranked = [((sound, -worst[place]), *picture) for place, (sound, *picture) in pictures.items()]
    overview.draw_gallery([picture for *_, picture in overview.choose(ranked, most_pictures)], gallery)


def _from_sheets(pair, cohort, surgery_days, max_days):
    """Why the sheets exclude the pair; empty when they do not."""
    if pair.get("exclude"):
        return pair["exclude"]
    if not precedes(pair_id(pair)):
        return "prior must precede current"
    days = days_between(pair["prior"], pair["current"])
    if days > max_days:
        return f"{days} days lie between the exams, more than {max_days}"
    surgeries = find(cohort, "events", subject=pair["subject"], event="surgery")
    for exam in ("prior", "current"):
        if any(0 <= days_between(surgery["session"], pair[exam]) <= surgery_days for surgery in surgeries):
            return f"{exam} exam within {surgery_days} days after surgery"
    return ""


def _from_images(report, limits):
    """Why the images exclude the pair; empty when they do not."""
    if report["status"] == status.EXCLUDED:
        return report["reason"]
    digests = [report.get(f"voxels_digest_{visit}") for visit in ("prior", "current")]
    if digests[0] and digests[0] == digests[1]:
        return LIMITS["sd_difference"][1]
    return "; ".join(exceeded(report, limits))


def exceeded(report, limits):
    """Lists the limits that a pair exceeds.

    Args:
        report: dict of the numbers in qc.json; a number that is missing or None is not judged.
        limits: dict of the keys of `LIMITS` to numbers.

    Returns:
        list of texts in the order of `LIMITS`, such as "the registered exams lie apart: residual_mm is 4.2, above 1.5".
    """
    found = []
    for name, (side, meaning) in LIMITS.items():
        for column in (name, f"{name}_prior", f"{name}_current"):
            value, limit = report.get(column), limits[name]
            if value is not None and (value < limit if side == LOWEST else value > limit):
                found.append(f"{meaning}: {column} is {value:.3g}, {side} {limit:g}")
    return found


def days_between(earlier, later):
    """Returns the days from session `earlier` to session `later`; sessions are days, or dates written yyyymmdd."""
    return day_of_session(later) - day_of_session(earlier)


def _row(pair, report, reason):
    row = {name: pair[name] for name in PAIR}
    row["days"] = days_between(pair["prior"], pair["current"])
    row |= {"include": "no" if reason else "yes", "reason": reason}
    row |= {f"qc_{name}": report.get(name) for name in QC}
    return row | {name: report.get(name) for name in FEATURES}


def summarise(rows):
    """Counts the pairs of a cohort by reason.

    Args:
        rows: DataFrame with the columns include and reason.

    Returns:
        DataFrame with the columns include, reason, pairs and share (0 to 1), whose counts add up to all pairs.
    """
    import pandas as pd

    counts = [
        (include, reason, number, round(number / len(rows), 4))
        for include in ("yes", "no")
        for reason, number in count_reasons(rows.loc[rows["include"] == include, "reason"])
    ]
    return pd.DataFrame(counts, columns=["include", "reason", "pairs", "share"])
