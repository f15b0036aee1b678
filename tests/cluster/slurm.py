"""A real Slurm on one Debian machine, for tests: two emulated CPU nodes and one with two pretended GPUs.

    python tests/cluster/slurm.py start FOLDER
    python tests/cluster/slurm.py stop FOLDER

Needs root and Debian's packages. They are unpacked into the folder and never installed: Slurm's commands on the PATH of
a machine without a controller cost every start of Snakemake ten seconds. There is neither systemd nor a cgroup here.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "slurm-wlm-basic-plugins", "munge")
NODES = ("cn1", "cn2", "gn1")
# Where Slurm's commands look when the environment does not say, as in jobs, whose SLURM_* variables the plugin drops.
DEFAULT = Path("/etc/slurm/slurm.conf")
# What a node says it has: Slurm hands out claims, and what jobs of the test cohort use is far below theirs.
NODE_CPUS, NODE_MB = 4, 64000

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# What a dead node ran may start elsewhere when its credentials have expired: in seconds, not in two minutes.
AuthInfo=socket={folder}/run/munge.socket,cred_expire=10
CredType=cred/munge
PluginDir={libraries}/slurm-wlm
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
# The emulated nodes may claim more than the machine has.
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,bf_interval=5,batch_sched_delay=0
DefMemPerCPU=500
# No database: the queue is asked, which must remember ended jobs longer than Snakemake takes to ask again.
AccountingStorageType=accounting_storage/none
MinJobAge=7200
# A job above its memory is ended, as a cluster's cgroups would.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,NoShared
# A dead node is noticed in half a minute, not in five.
SlurmctldTimeout=30
SlurmdTimeout=20
KillWait=5
OverTimeLimit=0
GresTypes=gpu
{nodes}
PartitionName=cpu Nodes=cn1,cn2 Default=YES DefaultTime=00:10:00 MaxTime=24:00:00 State=UP
PartitionName=gpu Nodes=gn1 Default=NO DefaultTime=00:10:00 MaxTime=24:00:00 State=UP
"""


class Slurm:
    """The daemons that run out of one folder; each is known by its pid file there and stopped by nothing else."""

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.programs = self.folder / "usr"
        self.libraries = self.programs / "lib/x86_64-linux-gnu"

    @property
    def environment(self):
        """Environment in which Slurm's commands work and find this cluster."""
        return {
            **os.environ,
            "PATH": f"{self.programs}/bin:{os.environ['PATH']}",
            "LD_LIBRARY_PATH": f"{self.libraries}:{self.libraries}/slurm-wlm",
            "SLURM_CONF": str(self.folder / "slurm.conf"),
        }

    def start(self):
        """Unpacks, configures and starts what does not run yet; returns when all nodes take jobs."""
        if not (self.programs / "sbin/slurmctld").exists():
            self._unpack()
        for name in ("run", "log", "state", *(f"spool.{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._configure()
        run, log = self.folder / "run", self.folder / "log"
        self._daemon("munged", "--force", f"--key-file={self.folder}/munge.key", f"--socket={run}/munge.socket",
                     f"--pid-file={run}/munged.pid", f"--log-file={log}/munged.log",
                     f"--seed-file={self.folder}/munge.seed")  # fmt: skip
        self._daemon("slurmctld")
        for node in NODES:
            self.start_node(node)
        self.wait_for("all nodes to be idle", lambda: self.ask("sinfo", "-h", "-N", "-o", "%t").split() == ["idle"] * 3)

    def start_node(self, node):
        """Starts the daemon of one node, and resumes the node when the controller had given it up."""
        self._daemon("slurmd", "-N", node, "-d", f"{self.programs}/sbin/slurmstepd", pid=f"slurmd.{node}")

    def kill_node(self, node):
        """Ends one node as a power failure would: its daemon and all that it runs."""
        log = str(self.folder / "log" / f"slurmd.{node}.log")
        # The daemon starts each job under a process that outlives it, and writes to the same log.
        named = [each for each in psutil.process_iter(["name"]) if each.info["name"].startswith("slurm")]
        slurm = [each for each in named if log in _open_files(each)]
        for process in [child for each in slurm for child in (each, *each.children(recursive=True))]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def ask(self, *command):
        """Returns what one of Slurm's commands prints."""
        return subprocess.run(command, env=self.environment, text=True, capture_output=True, check=True).stdout

    def stop(self):
        """Stops the daemons, the controller last, and waits until they are gone."""
        with contextlib.suppress(subprocess.SubprocessError):
            # A node's daemon waits for its jobs.
            self.ask("scancel", "--user", "root")
        pids = [
            pid for name in (*(f"slurmd.{node}" for node in NODES), "slurmctld", "munged") if (pid := self._pid(name))
        ]
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        self.wait_for("the daemons to end", lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
        for name in ("slurm.conf", "gres.conf"):
            DEFAULT.with_name(name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            DEFAULT.parent.rmdir()

    def _unpack(self):
        archives = self.folder / "archives"
        (archives / "partial").mkdir(parents=True, exist_ok=True)
        quiet = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "-o", f"Dir::Cache::archives={archives}"]
        subprocess.run([*quiet, "update"], check=True)
        wanted = ["install", "--yes", "--no-install-recommends", "--download-only", *PACKAGES]
        subprocess.run([*quiet, *wanted], check=True, stdout=subprocess.DEVNULL)
        for archive in archives.glob("*.deb"):
            subprocess.run(["dpkg", "-x", archive, self.folder], check=True)
        shutil.rmtree(archives)
        # The daemons know themselves by these names: under Debian's own they overlook GPUs.
        for name in ("slurmctld", "slurmd", "slurmstepd"):
            (self.programs / "sbin" / name).symlink_to(f"{name}-wlm")

    def _configure(self):
        key = self.folder / "munge.key"
        if not key.exists():
            key.touch(mode=0o600)
            key.write_bytes(secrets.token_bytes(1024))
        for number in range(2):
            # A file stands for the device: nobody opens it.
            (self.folder / f"gpu{number}").touch()
        if not (self.folder / "slurm.conf").exists():
            self._write_configuration()
        gpus = f"NodeName=gn1 Name=gpu File={self.folder}/gpu[0-1]\n"
        (self.folder / "gres.conf").write_text(gpus, encoding="utf-8")
        for name in ("slurm.conf", "gres.conf"):
            link = DEFAULT.with_name(name)
            if link.exists() and not link.is_symlink():
                raise FileExistsError(f"{link}: this machine has a Slurm of its own; run the cluster tests elsewhere")
            link.parent.mkdir(exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(self.folder / name)

    def _write_configuration(self):
        host, (controller, *ports) = socket.gethostname().split(".")[0], _free_ports(1 + len(NODES))
        nodes = "\n".join(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={NODE_CPUS} RealMemory={NODE_MB} "
            + ("Gres=gpu:2 " if name.startswith("g") else "")
            + "State=UNKNOWN"
            for name, port in zip(NODES, ports, strict=True)
        )
        places = {"folder": self.folder, "libraries": self.libraries}
        text = CONFIGURATION.format(host=host, port=controller, nodes=nodes, **places)
        (self.folder / "slurm.conf").write_text(text, encoding="utf-8")

    def _daemon(self, program, *arguments, pid=None):
        name = pid or program
        if not self._pid(name):
            subprocess.run([self.programs / "sbin" / program, *arguments], env=self.environment, check=True)
            self.wait_for(f"{program} to start", lambda: self._pid(name))

    def _pid(self, name):
        """Returns the pid in a pid file when that process lives and is the program that the file is named for."""
        try:
            pid = int((self.folder / "run" / f"{name}.pid").read_text())
            command = Path(f"/proc/{pid}/comm").read_text()
        except (OSError, ValueError):
            return None
        return pid if command.startswith(name.split(".")[0]) else None

    @staticmethod
    def wait_for(what, condition, seconds=60):
        """Returns once the condition holds; Slurm tells nobody, so it is asked."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(subprocess.CalledProcessError):
                if condition():
                    return
            time.sleep(0.2)
        raise TimeoutError(f"waited {seconds} s for {what}")


def _open_files(process):
    with contextlib.suppress(psutil.Error):
        return [file.path for file in process.open_files()]
    return []


def _free_ports(count):
    """Returns ports that nobody listens on, so that two clusters can run beside each other."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


if __name__ == "__main__":
    getattr(Slurm(sys.argv[2]), sys.argv[1])()
