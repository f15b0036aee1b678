"""Speed and memory of the label rules: ``python tests/bench/labels.py [REPORTS]``.

Reports of 240 words are put together from the project's fictional ones: one report, then sentences of others' findings
with sizes drawn anew, so that at least four sentences in five are unique. Prints, without the seconds that importing
medspacy takes, reports a second on one core by the processor's time and by the clock, with the readings of earlier
sentences kept and without, and how memory grows with the number of reports.
"""

import argparse
import contextlib
import itertools
import json
import random
import re
import resource
import tempfile
import time
from pathlib import Path

from gliodelta.labels import extract, matcher, text
from gliodelta.labels.extract import extract_reports, read_record

DATA = Path(__file__).parents[1] / "labels/data/reports.jsonl"
WORDS = 240


def corpus(seed=0):
    """Yields (language, exam date, prior dates, report) without end."""
    draw = random.Random(seed)
    records = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
    findings = {"fr": [], "en": []}
    for record in records:
        for sentence in text.sentences(text.normalise(record["report"])):
            if sentence.section == text.DESCRIPTION:
                findings[record["language"]].append(sentence.text)
    while True:
        record = draw.choice(records)
        lines = [_resize(line, draw) for line in record["report"].split("\n")]
        more, length = [], len(record["report"].split())
        while length < WORDS:
            sentence = draw.choice(findings[record["language"]])
            more.append(_resize(sentence, draw))
            length += len(more[-1].split())
        lines[-1:-1] = [" ".join(more)]
        yield record["language"], record["exam_date"], record["prior_dates"], "\n".join(lines)


def _resize(line, draw):
    """Makes a line unique by a size of its own, as sentences with measures are."""
    return re.sub(r"\.$", f" ({draw.randint(2, 60)}.{draw.randint(1, 99)} mm).", line)


def speed(number):
    """Prints reports a second on one core, and the share of unique sentences."""
    texts = corpus()
    drawn = [next(texts) for _ in range(number)]
    sentences = [sentence.text for _, _, _, report in drawn for sentence in text.sentences(text.normalise(report))]
    begin = time.perf_counter()
    for language in ("fr", "en"):
        matcher.load(language)
    loading = time.perf_counter() - begin
    print(f"loading the rules: {loading:.1f} s")
    print(f"unique sentences: {len(set(sentences)) / len(sentences):.2f}")
    kept = matcher.KEPT
    for matcher.KEPT, how in ((kept, "rules"), (0, "rules, keeping no reading")):
        # Both times: other processes may share the core.
        wall, processor = time.perf_counter(), time.process_time()
        for _, exam, priors, report in drawn:
            read_record(report, exam, priors)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        print(
            f"{how}: {number / processor:.0f} reports of {WORDS} words in a second of processor time on one core, "
            f"{number / wall:.0f} in one by the clock"
        )
    matcher.KEPT = kept


def memory(number):
    """Prints the memory of the whole step over `number` reports, written to a scratch folder first, as it grows."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        exams, reports = ["subject\tsession\tsource"], ["subject\tsession\tfile"]
        for place, (_, exam, priors, report) in zip(range(number), corpus(), strict=False):
            subject = f"p{place:06}"
            exams += [f"{subject}\t{date.replace('-', '')}\tx" for date in (*priors, exam)]
            reports.append(f"{subject}\t{exam.replace('-', '')}\t{subject}.txt")
            (folder / f"{subject}.txt").write_text(report, encoding="utf-8")
        for name, rows in (("exams", exams), ("reports", reports), ("pairs", ["subject\tprior\tcurrent"])):
            (folder / "cohort").mkdir(exist_ok=True)
            (folder / f"cohort/{name}.tsv").write_text("\n".join(rows))
        cohort = folder / "cohort.yaml"
        cohort.write_text(f"role: development\nlayout: nifti\nroot: {folder}\n")
        begin = time.process_time()
        with _sampled(number):
            extract_reports(cohort, [], 3, folder / "votes.tsv", folder / "excluded.tsv")
        seconds = time.process_time() - begin
    print(f"extract_reports: {number} reports in {seconds:.0f} s, peak memory {_peak():.2f} GB")


@contextlib.contextmanager
def _sampled(number):
    """Prints the peak memory at the quarters of a run over `number` patients."""
    places, read = itertools.count(1), extract.read_subject

    def read_subject(*arguments):
        found, place = read(*arguments), next(places)
        if place % max(number // 4, 1) == 0:
            print(f"peak memory after {place} reports: {_peak():.2f} GB")
        return found

    extract.read_subject = read_subject
    try:
        yield
    finally:
        extract.read_subject = read


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("reports", nargs="?", type=int, default=2000, help="number of reports (2000)")
    asked = parser.parse_args().reports
    speed(asked)
    memory(asked)
