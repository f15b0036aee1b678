"""The processes that share one training: a single one, or one for each of several GPUs through Lightning Fabric.

A training asks `group()` for its processes and needs not know how many they are. Several are started by `launch`, as
fresh interpreters: forked ones cannot use a GPU that their parent has looked at, and spawned ones would run the job's
script again.
"""

import os
import pickle
import socket
import subprocess
import sys
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from gliodelta.training.checkpoint import RESUME_LATER

_fabric = None


class Alone:
    """The only process of a training."""

    rank, count = 0, 1

    def wrap(self, model):
        """Returns the network to call in training."""
        return model

    def first(self, function, *arguments):
        """Calls a function in the first process only; all return its result, or exit where it exits."""
        return function(*arguments)

    def total(self, number):
        """Returns the sum of the processes' numbers."""
        return number

    def align(self, model):
        """Gives batch-norm buffers, which each process moves by its own maps, the values of the first process."""


class Several:
    """One of several processes that train one network, each on its share of every batch; see `Alone`."""

    def __init__(self, fabric):
        self.fabric, self.rank, self.count = fabric, fabric.global_rank, fabric.world_size
        self.parent = os.getppid()

    def wrap(self, model):
        """Returns the network whose gradients are the means over the processes."""
        return self.fabric.setup_module(model)

    def first(self, function, *arguments):
        """See `Alone.first`; what the function returns is pickled."""
        if os.getppid() != self.parent:
            raise SystemExit("the job that started this process is gone")
        outcome = None
        if self.rank == 0:
            try:
                outcome = function(*arguments), None
            except SystemExit as stop:
                outcome = None, stop.code
        result, code = self.fabric.broadcast(outcome)
        if code is not None:
            raise SystemExit(code)
        return result

    def total(self, number):
        """See `Alone.total`."""
        import torch

        number = torch.tensor(number, dtype=torch.float64, device=self.fabric.device)
        return self.fabric.all_reduce(number, reduce_op="sum").item()

    def align(self, model):
        """See `Alone.align`."""
        from torch.distributed import broadcast

        for buffer in model.buffers():
            broadcast(buffer, src=0)


def group():
    """Returns the processes that this one trains with."""
    return Several(_fabric) if _fabric else Alone()


def usable_gpus(wanted):
    """Returns how many processes are to share a training: as many as there are GPUs, at most `wanted`, at least 1."""
    import torch

    return max(1, min(wanted, torch.cuda.device_count()))


def launch(count, accelerator, function, arguments):
    """Calls a function in `count` new processes of this machine and waits for them.

    Args:
        count: processes.
        accelerator: cuda, each process on a GPU of its own, or cpu.
        function: function of a module; in it, `group` returns all the processes.
        arguments: dict of its arguments, to be pickled.

    Raises:
        SystemExit: 75, when the function exits so.
        RuntimeError: a process ended otherwise than well; the others are killed.
    """
    work = pickle.dumps({"count": count, "accelerator": accelerator, "function": function, "arguments": arguments})
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port()), "NODE_RANK": "0"}
    shared["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    command = [sys.executable, "-c", f"from {__name__} import _serve; _serve()"]
    processes = [
        # One process tells of the training; what goes wrong in the others is told too.
        subprocess.Popen(
            command,
            env={**os.environ, **shared, "LOCAL_RANK": str(rank)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL if rank else None,
        )
        for rank in range(count)
    ]
    codes = _finish(processes, work)
    if codes == {RESUME_LATER}:
        raise SystemExit(RESUME_LATER)
    if codes:
        raise RuntimeError(f"one of {count} processes of the training ended with code {min(codes)}, as it says above")


def _finish(processes, work):
    """Gives all processes their work and waits; when one fails, the others, which wait for it, are killed.

    Returns:
        set of the exit codes of those that failed by themselves.
    """
    with ThreadPoolExecutor(len(processes)) as pool:
        ends = [pool.submit(_attend, process, work) for process in processes]
        try:
            ended, _ = wait(ends, return_when=FIRST_EXCEPTION)
        finally:
            for process in processes:
                process.kill()
    return {end.exception().returncode for end in ended if end.exception()}


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _attend(process, work):
    process.communicate(work)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, "training")


def _serve():
    """What a process of `launch` does."""
    global _fabric
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments import LightningEnvironment

    work = pickle.load(sys.stdin.buffer)
    # Named, or Fabric would take a job of Slurm for one task a GPU.
    environment = LightningEnvironment()
    _fabric = Fabric(accelerator=work["accelerator"], devices=work["count"], strategy="ddp", plugins=[environment])
    _fabric.launch()
    work["function"](**work["arguments"])
