"""The test cluster itself: a real Slurm that runs a job on a pretended GPU, and leaves nothing behind."""

import shutil
from pathlib import Path

from slurm import DEFAULT, NODES


def test_a_job_gets_the_gpu_it_asks_for_and_finds_the_cluster_without_being_told(slurm):
    # Snakemake's plugin drops SLURM_* from the environment of its jobs, and starts their steps by srun.
    words = "unset SLURM_CONF; srun scontrol show job $SLURM_JOB_ID"
    printed = slurm.folder / "job.txt"
    slurm.ask("sbatch", "--wait", "--partition=gpu", "--gpus=1", f"--output={printed}", "--wrap", words)
    job = printed.read_text()
    assert "Partition=gpu" in job and "NodeList=gn1" in job and "gres:gpu:1" in job


def test_a_stopped_cluster_leaves_no_daemon_no_configuration_and_no_command(slurm):
    pids = [int(file.read_text()) for file in (slurm.folder / "run").glob("*.pid")]
    assert len(pids) == len(NODES) + 2 and all(Path(f"/proc/{pid}").exists() for pid in pids)
    slurm.stop()
    try:
        assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
        # On the PATH of a machine without a controller, scontrol costs every start of Snakemake ten seconds.
        assert not DEFAULT.exists() and not shutil.which("scontrol")
    finally:
        # The tests after this one use it, too.
        slurm.start()
