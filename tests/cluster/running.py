"""A run of the workflow on the test cluster that a test can watch and hurt."""

import re
import signal
import subprocess

ENDED = {"COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY"}


class Running:
    """The README's command at work in the folder of a site; at the end of the block nothing of it is left.

    Attributes:
        console: file with what it prints.
    """

    def __init__(self, site, *arguments):
        self.site, self.console = site, site.folder / "console.txt"
        self.before = {job["JobId"] for job in jobs_of(site)}
        with open(self.console, "w", encoding="utf-8") as file:
            self.process = subprocess.Popen(site.command(*arguments), **site.surroundings | {"stdout": file})

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.kill()
        cancel_jobs(self.site)

    def jobs(self):
        """Returns what Slurm knows of the jobs that this run has sent, the oldest first."""
        return [job for job in jobs_of(self.site) if job["JobId"] not in self.before]

    def states(self):
        """Returns the states of these jobs."""
        return [job["JobState"] for job in self.jobs()]

    def until(self, what, condition, seconds=600):
        """Returns once the condition holds; fails when the run is over before."""

        def holds():
            assert self.process.poll() is None, f"ended before {what}\n{self.text()[-3000:]}"
            return condition()

        self.site.slurm.wait_for(what, holds, seconds)

    def until_saved(self):
        """Returns once a pretraining has saved its state."""
        self.until("a checkpoint", lambda: any(self.site.folder.glob("scratch/pretraining/*/last.pt")))

    def exit_code(self):
        """Returns the exit code of the run once it has ended by itself."""
        return self.process.wait(timeout=900)

    def kill(self):
        """Ends the controller, not its jobs, without a word."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def text(self):
        """Returns what was printed."""
        return self.console.read_text(encoding="utf-8")


def jobs_of(site):
    """Returns the jobs that were sent from a site's folder as dicts of Slurm's words, the oldest first."""
    lines = site.slurm.ask("scontrol", "--oneliner", "show", "jobs").splitlines()
    jobs = [dict(re.findall(r"(\w+)=(\S*)", line)) for line in lines]
    return sorted((job for job in jobs if job.get("WorkDir") == str(site.folder)), key=lambda job: int(job["JobId"]))


def rule_of(job):
    """Returns the rule that the job's comment names; a group's comment names the group and its rules."""
    return re.match(r"rule_(\w+?)(_wildcards_.*)?$", job["Comment"])[1]


def cancel_jobs(site):
    """Cancels the site's jobs and waits until they are gone."""
    if left := [job["JobId"] for job in jobs_of(site) if job["JobState"] not in ENDED]:
        site.slurm.ask("scancel", *left)
    site.slurm.wait_for("jobs to end", lambda: all(job["JobState"] in ENDED for job in jobs_of(site)))
