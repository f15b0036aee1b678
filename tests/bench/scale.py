"""How large a study Snakemake plans: ``python tests/bench/scale.py [PATIENTS]``, 2,500 unless told otherwise.

Writes the sheets of a cohort with five exams and four pairs a patient, every exam a folder of its own with a report
beside it, and measures the processor seconds and the memory of `snakemake -n -q`: before any result is there, and when
all are. Completion is imitated: empty files, all of one time, take the places of the results, and Snakemake's own code
writes its record of each job (inputs, parameters, environment), so that the second dry run compares what it would after
a real run. Processor seconds count, for they vary less than wall seconds beside other work.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import fresh

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / "tests/workflow"), str(PROJECT / "workflow/src")]

EXAMS, DAYS_BETWEEN = 5, 365
# One patient in twenty has human labels; all have reports.
LABELLED = 20
# Processor seconds, and gigabytes, at most.
BARS = {"fresh": 90, "complete": 120}
BAR_GB = 2
DRY_RUN = ("--configfile", "config/large.yaml", "-n", "-q")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patients", nargs="?", type=int, default=2500)
    patients = parser.parse_args().patients
    with tempfile.TemporaryDirectory() as folder:
        make_house(folder, patients)
        passed = {}
        for state, most in BARS.items():
            if state == "complete":
                measure(folder, __file__, "--task", '["complete"]')
            seconds, gigabytes, last = measure(folder, "-m", "snakemake", *DRY_RUN)
            print(f"{patients} patients, {state}: {seconds:.0f} s of processor, {gigabytes:.2f} GB. {last}", flush=True)
            passed[f"{state}: at most {most} s and {BAR_GB} GB"] = seconds <= most and gigabytes <= BAR_GB
    raise SystemExit(0 if fresh.judge(passed) else 1)


def make_house(folder, patients):
    """Copies the project into a folder and gives it a cohort called large, with empty raw data."""
    from house import House

    from gliodelta import io

    house, raw = House(PROJECT, folder).folder, Path(folder, "raw")
    sheets = {
        "exams": ["subject\tsession\tsource"],
        "reports": ["subject\tsession\tfile"],
        "pairs": ["subject\tprior\tcurrent"],
        "labels": ["subject\tprior\tcurrent\treader\tlabel"],
    }
    sessions = [f"{DAYS_BETWEEN * exam:04d}" for exam in range(EXAMS)]
    for number in range(patients):
        subject = f"s{number:05d}"
        for session in sessions:
            (raw / subject / session).mkdir(parents=True)
            (raw / subject / f"{session}.txt").touch()
            sheets["exams"].append(f"{subject}\t{session}\t{subject}/{session}")
            sheets["reports"].append(f"{subject}\t{session}\t{subject}/{session}.txt")
        for prior, current in pairwise(sessions):
            sheets["pairs"].append(f"{subject}\t{prior}\t{current}")
            if number % LABELLED == 0:
                label = "progression" if current == sessions[1] else "stable"
                sheets["labels"].append(f"{subject}\t{prior}\t{current}\tr1\t{label}")
    for kind, rows in sheets.items():
        io.write_text("\n".join(rows) + "\n", house / f"config/cohorts/large/{kind}.tsv")
    cohort = {"role": "development", "layout": "dicom", "root": str(raw)}
    io.write_yaml(cohort, house / "config/cohorts/large.yaml")
    io.write_yaml({**io.read_yaml(PROJECT / "config/config.yaml"), "cohorts": ["large"]}, house / "config/large.yaml")


def measure(folder, *arguments):
    """Runs Python in a folder; returns its processor seconds, its largest memory in GB and its last line."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen([sys.executable, *arguments], cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        output.seek(0)
        printed = output.read().strip()
    if status:
        raise SystemExit(printed[-3000:])
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / fresh.GB, printed.splitlines()[-1]


def complete():
    """Makes the workflow in this folder look complete to Snakemake, once it has planned all jobs; then exits."""
    import asyncio
    import time

    from snakemake.cli import main as snakemake
    from snakemake.workflow import Workflow

    plan, now = Workflow._build_dag, time.time()

    async def finish(workflow):
        for job in workflow.dag.jobs:
            for file in map(Path, job.output):
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
                os.utime(file, (now, now))
        for job in workflow.dag.jobs:
            await workflow.persistence.finished(job)

    def plan_and_finish(workflow):
        plan(workflow)
        asyncio.run(finish(workflow))
        os._exit(0)

    Workflow._build_dag = plan_and_finish
    snakemake(DRY_RUN)


if __name__ == "__main__" and not fresh.answer({"complete": complete}):
    main()
