"""Runs a function of a bench in a fresh process, as jobs run: none inherits what another has loaded or allocated."""

import json
import os
import resource
import subprocess
import sys

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
# Kilobytes; bytes on macOS.
GB = 1e9 if sys.platform == "darwin" else 1e6


def child(file, paths, task, *arguments, threads=1, echo=False):
    """Calls the function `task` of the bench `file`, which ends in `answer`, in a process of its own.

    Args:
        file: the bench.
        paths: folders to import from.
        task, arguments: name and arguments of the function; both ways, values travel as JSON.
        threads: threads of the numeric libraries.
        echo: let the function print, and return nothing.
    """
    command = [sys.executable, file, "--task", json.dumps([task, *arguments])]
    environment = {**os.environ, **dict.fromkeys(THREADS, str(threads))}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, paths))
    done = subprocess.run(command, env=environment, text=True, check=True, stdout=None if echo else subprocess.PIPE)
    return None if echo else json.loads(done.stdout.splitlines()[-1])


def answer(functions):
    """Where `child` started this process: calls the function asked for, prints its answer and returns True."""
    if sys.argv[1:2] != ["--task"]:
        return False
    task, *arguments = json.loads(sys.argv[2])
    print(json.dumps(functions[task](*arguments)))
    return True


def judge(bars):
    """Prints whether each bar holds and returns whether all do.

    Args:
        bars: dict of what is asked for, in words, to whether it holds.
    """
    for bar, holds in bars.items():
        print(f"{'holds' if holds else 'FAILS':<6} {bar}", flush=True)
    return all(bars.values())


def cpu_s():
    """User and system time of this process and of those it started and saw end."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(times.ru_utime + times.ru_stime for times in used)


def peak_gb(children=False):
    """Most memory that this process held at once; with `children`, and the largest of those it started."""
    # A child that only runs a command counts as large as its parent, which it is for a moment.
    asked = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN) if children else (resource.RUSAGE_SELF,)
    return sum(resource.getrusage(who).ru_maxrss for who in asked) / GB
