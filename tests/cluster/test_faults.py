"""What clusters do to trainings, each fault on the real Slurm: the same weights come out to the bit."""

import re
import shutil
import subprocess

import pytest
from running import Running, cancel_jobs

from gliodelta import io

SPLIT = "repeat-1/fold-1/inner-1"
ENCODER = f"results/pretraining/vgg-most/{SPLIT}/encoder.safetensors"
LOG = f"logs/pretraining/pretrain_encoder/vgg-most/{SPLIT}.log"
COMPARATORS = "results/evaluation/comparators.tsv"
COUNTS = "results/manifests/counts.tsv"
PROFILE = "profiles/slurm/config.yaml"
STUDY = "results/tuning/vgg-baseline/repeat-1/fold-1"
TRIALS = f"{STUDY}/trials.tsv"
# Long enough to be hit, and to be seen to go on.
EPOCHS = 250


@pytest.fixture(scope="module")
def undisturbed(site, tmp_path_factory):
    """A copy of the site with an encoder and a study of long trainings, made here and without a fault."""
    place = site.copy(tmp_path_factory.mktemp("undisturbed"))
    configure(place, "training", pretraining_epochs=EPOCHS, epochs=EPOCHS // 2, patience=EPOCHS)
    configure(place, "tuning", budget=6)
    remove(place)
    place.snakemake(ENCODER, TRIALS)
    return place


@pytest.fixture
def place(undisturbed, tmp_path):
    """A site that lacks this encoder, this study and two tables, and nothing else."""
    copy = undisturbed.copy(tmp_path / "site")
    remove(copy)
    for table in (COMPARATORS, COUNTS):
        (copy.folder / table).unlink()
    return copy


@pytest.fixture
def same(undisturbed, place):
    """A function that says whether a result is the undisturbed one to the bit."""
    return lambda name: (place.folder / name).read_bytes() == (undisturbed.folder / name).read_bytes()


def configure(place, section, **values):
    """Changes keys of a section of the configuration."""
    file = place.folder / "config/house.yaml"
    config = io.read_yaml(file)
    config[section] |= values
    io.write_yaml(config, file)


def remove(place):
    """Removes the encoder and the study, with the state of unfinished trainings."""
    for folder in ((place.folder / ENCODER).parent, place.folder / STUDY, place.folder / "scratch"):
        shutil.rmtree(folder)


def went_on(place):
    """Whether the encoder's last job began with a later epoch than the first, or had none left."""
    first = re.search(r"epoch (\d+) of", (place.folder / LOG).read_text(encoding="utf-8"))
    return first is None or int(first[1]) > 1


def test_a_cancelled_training_is_sent_again_and_goes_on(place, same):
    with Running(place, ENCODER) as run:
        run.until_saved()
        place.slurm.ask("scancel", run.jobs()[0]["JobId"])
        assert run.exit_code() == 0, run.text()
        assert run.states() == ["CANCELLED", "COMPLETED"]
    assert went_on(place) and same(ENCODER)


def test_a_training_saves_its_state_before_its_time_is_up_and_goes_on(place, same):
    # All of the first job's minutes are those that a training leaves to the start and the end of its job.
    more = place.edited(PROFILE, "runtime: 240", "runtime: 5 * attempt ** 3")
    with more, Running(place, ENCODER) as run:
        assert run.exit_code() == 0, run.text()
        first, second = run.jobs()
    assert (first["JobState"], first["TimeLimit"]) == ("FAILED", "00:05:00")
    assert "non-zero exit status 75" in job_log(place, first)
    assert (second["JobState"], second["TimeLimit"]) == ("COMPLETED", "00:40:00")
    # A resumed training needs the memory that it needed before.
    assert first["MinMemoryNode"] == second["MinMemoryNode"]
    assert went_on(place) and same(ENCODER)


def job_log(place, job):
    """What Slurm has of the output of a job that has not succeeded."""
    logs = place.folder.glob(f"logs/slurm/**/{job['JobId']}.log")
    return "".join(log.read_text(encoding="utf-8") for log in logs)


def test_a_job_above_its_memory_comes_again_with_more(place):
    # The first attempt gets less than Python with Snakemake in it takes, twice over in each job.
    little = place.edited(PROFILE, "mem_mb: attempt * 4000", "mem_mb: attempt * 200")
    with little, Running(place, COMPARATORS) as run:
        assert run.exit_code() == 0, run.text()
        *small, last = run.jobs()
    assert small and last["JobState"] == "COMPLETED"
    for job in small:
        assert "exceeded memory limit" in job_log(place, job)
    memory = [job["MinMemoryNode"] for job in run.jobs()]
    assert memory == [f"{200 * attempt}M" for attempt in range(1, len(memory) + 1)]


def test_a_job_above_its_time_comes_again_with_more(place):
    with place.edited(PROFILE, "runtime: attempt * 30", "runtime: attempt"), Running(place, COMPARATORS) as run:
        run.until("the job to begin", lambda: any(job_log(place, job) for job in run.jobs()))
        # It stands still until Slurm ends it.
        place.slurm.ask("scancel", "--signal=STOP", "--full", run.jobs()[0]["JobId"])
        assert run.exit_code() == 0, run.text()
        jobs = [(job["JobState"], job["TimeLimit"]) for job in run.jobs()]
    assert jobs == [("TIMEOUT", "00:01:00"), ("COMPLETED", "00:02:00")]


def test_a_training_on_a_node_that_dies_runs_elsewhere(place, same):
    # Only one node has GPUs, so the training takes those that have none.
    cpu = [f"pretrain_encoder:{word}" for word in ("slurm_partition=cpu", "gpu=0", "runtime=30")]
    with Running(place, ENCODER, "--set-resources", *cpu) as run:
        run.until_saved()
        dead = run.jobs()[0]["NodeList"]
        place.slurm.kill_node(dead)
        try:
            assert run.exit_code() == 0, run.text()
        finally:
            place.slurm.start_node(dead)
        (job,) = run.jobs()
    # Slurm has started the same job again, and Snakemake has seen nothing of it.
    assert job["JobState"] == "COMPLETED" and job["Restarts"] == "1" and job["NodeList"] != dead
    assert went_on(place) and same(ENCODER)


def test_after_the_controller_was_killed_what_the_readme_says_goes_on(project, place, same, tmp_path):
    # Sites show their users one path of a disk and mean another.
    linked = tmp_path / "linked"
    linked.symlink_to(place.folder)

    def type_in(lines):
        there = {**place.surroundings, "cwd": linked, "env": place.surroundings["env"] | {"PWD": str(linked)}}
        subprocess.run(["bash", "-euo", "pipefail", "-c", lines], check=True, **there)

    cancel, unlock = readme_after_a_kill(project)
    with Running(place, ENCODER, COUNTS) as run:
        run.until("a local rule to end", lambda: "(Rule: count_pairs)" in run.text())
        run.until_saved()
        run.kill()
        # What a writer less careful than ours might have written by now. A job that has the time to end takes it away.
        (place.folder / ENCODER).parent.mkdir(parents=True, exist_ok=True)
        (place.folder / ENCODER).write_bytes(b"half a fi")
        type_in(cancel)
        assert run.states() == ["CANCELLED"]
    before = (place.folder / COUNTS).stat()
    assert "Directory cannot be locked" in place.cluster(ENCODER, COUNTS, check=False)
    type_in(unlock)
    place.cluster(ENCODER, COUNTS)
    assert (place.folder / COUNTS).stat() == before
    assert went_on(place) and same(ENCODER)


def readme_after_a_kill(project):
    """What the README has typed after a kill, before the same command: how to cancel the jobs, and to unlock."""
    text = (project / "README.md").read_text(encoding="utf-8")
    return re.search(r"```bash\n(jobs_here.*\n.*)\n(snakemake --unlock)\n", text).groups()


def test_two_workers_that_are_killed_try_every_trial_once(place, same):
    with Running(place, TRIALS) as run:
        run.until("both to be at a trial", lambda: all(f'"worker":{number}' in journal(place) for number in (1, 2)))
        place.slurm.ask("scancel", "--signal=KILL", "--full", *(job["JobId"] for job in run.jobs()))
        assert run.exit_code() == 0, run.text()
        assert sorted(run.states()) == ["CANCELLED"] * 2 + ["COMPLETED"] * 2
    assert {row["state"] for row in place.rows(TRIALS)} == {"complete"}
    assert same(TRIALS) and same(f"{STUDY}/best.yaml")


def journal(place):
    """What the workers have written down for each other."""
    return "".join(file.read_text(encoding="utf-8") for file in place.folder.glob("scratch/tuning/*/journal.log"))


def test_a_full_scratch_is_told_and_nothing_is_lost(place, same):
    scratch = place.folder / "scratch"
    scratch.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", scratch], check=True)
    try:
        with Running(place, ENCODER, "--retries", "0") as run:
            run.until_saved()
            place.slurm.wait_for("the job to fail", lambda: fill(scratch / "other") and run.states() == ["FAILED"], 600)
            assert run.exit_code() == 1
            assert LOG in run.text()
        assert "The disk that this job writes to is full." in (place.folder / LOG).read_text(encoding="utf-8")
        (scratch / "other").unlink()
        place.cluster(ENCODER)
    finally:
        cancel_jobs(place)
        subprocess.run(["umount", scratch], check=True)
    assert went_on(place) and same(ENCODER)


def fill(file):
    """Makes a file take what is left of its disk."""
    with pytest.raises(OSError, match="No space left"), open(file, "ab", buffering=0) as written:
        while True:
            written.write(bytes(4096))
    return True


def test_results_that_cannot_be_written_are_told_and_nothing_is_lost(place, same):
    results = place.folder / "results"
    subprocess.run(["mount", "--bind", results, results], check=True)
    try:
        with Running(place, ENCODER, "--retries", "0") as run:
            run.until_saved()
            subprocess.run(["mount", "-o", "remount,bind,ro", results], check=True)
            assert run.exit_code() == 1
            assert LOG in run.text()
        assert "mounted read-only" in (place.folder / LOG).read_text(encoding="utf-8")
        # Whoever tries again is told before a job is sent.
        sent = run.states()
        assert "results: nothing can be written there (Read-only" in place.cluster(ENCODER, check=False)
        assert run.states() == sent
    finally:
        cancel_jobs(place)
        subprocess.run(["umount", results], check=True)
    place.cluster(ENCODER)
    # Trained to the end by the first job, whose state waited for its results to be written.
    assert "epoch" not in (place.folder / LOG).read_text(encoding="utf-8") and same(ENCODER)
