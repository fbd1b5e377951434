"""A Slurm of this machine for tests: munged, slurmctld and one slurmd on loopback, without cgroups and database."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from tests.support.servers import closed_port

NEEDED = ("setpriv", "munged", "slurmctld", "slurmd", "sbatch", "scontrol")
CPUS = 8  # more than the machine may have: jobs wait for the processor, not for Slurm
CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_interval=1
SlurmdTimeout=30
MinJobAge=3600
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=20000
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@dataclass
class Cluster:
    """The servers, each in the foreground below this process, so that they can be ended by their ids."""

    folder: Path
    servers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def ask(self, *command: str) -> str:
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, timeout=60
        ).stdout

    def start(self, name: str, *arguments: str) -> None:
        # They end with this process, even where it is killed.
        command = ["setpriv", "--pdeathsig", "TERM", name, *arguments]
        with (self.folder / f"{name}.out").open("ab") as output:
            self.servers[name] = subprocess.Popen(
                command, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )

    def start_node(self) -> None:
        """Start slurmd and wait until jobs can run on it."""
        self.start("slurmd", "-D")
        wait_until(lambda: "idle" in self.ask("sinfo", "--noheader", "--format=%T"), 60, self._printed)

    def kill_node(self) -> None:
        """Kill slurmd and every process of its jobs, as a power cut does."""
        running = self.ask("squeue", "--noheader", "--format=%i", "--states=RUNNING").split()
        listed = [line.split()[0] for job in running for line in self.ask("scontrol", "listpids", job).splitlines()[1:]]
        self.servers["slurmd"].kill()
        self.servers.pop("slurmd").wait()
        for number in listed:
            with suppress(psutil.NoSuchProcess, ValueError):
                process = psutil.Process(int(number))
                steps = [parent for parent in process.parents() if parent.name().startswith("slurmstepd")]
                for victim in [*steps, *process.children(recursive=True), process]:
                    with suppress(psutil.NoSuchProcess):
                        victim.kill()

    def jobs(self) -> dict[str, str]:
        """Return the state of every job by its name."""
        lines = self.ask("squeue", "--noheader", "--states=all", "--format=%j %T").splitlines()
        return dict(line.split() for line in lines)

    def times(self) -> dict[str, float]:
        """Return the seconds from the submission to the end of every ended job, by its id."""
        lines = self.ask("squeue", "--noheader", "--states=all", "--format=%i %V %e").splitlines()
        read = datetime.fromisoformat
        return {job: (read(end) - read(begin)).total_seconds() for job, begin, end in map(str.split, lines)}

    def end(self) -> None:
        self.ask("scancel", "--user=root")
        with suppress(AssertionError):
            wait_until(lambda: not self.ask("squeue", "--noheader"), 20)
        for server in reversed(self.servers.values()):
            server.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                server.wait(10)
            server.kill()
            server.wait()

    def _printed(self) -> str:
        return "\n".join(path.read_text(errors="replace")[-1500:] for path in self.folder.glob("*.out"))


def wait_until(done: Callable[[], bool], seconds: float, said: Callable[[], str] = lambda: "") -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, said()
        time.sleep(0.2)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A running cluster; the test is skipped where Slurm or Snakemake's executor is not installed."""
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed (Debian: slurm-wlm and munge): no Slurm to run jobs on")
    if not find_spec("snakemake_executor_plugin_cluster_generic"):
        pytest.skip("snakemake-executor-plugin-cluster-generic is not installed: pip install pellucid[slurm]")
    if os.geteuid():
        pytest.skip("only root can start a slurmd that runs jobs")
    # Not pytest's folder: the path of a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="slurm", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for part in ("state", "spool"):
            (folder / part).mkdir()
        key = folder / "munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        text = CONF.format(
            host=socket.gethostname().split(".")[0],
            folder=folder,
            controller_port=closed_port(),
            node_port=closed_port(),
            cpus=CPUS,
        )
        (folder / "slurm.conf").write_text(text)
        (folder / "cgroup.conf").write_text("")
        servers = Cluster(folder)
        files = (f"--{part}-file={folder}/munge.{part}" for part in ("key", "pid", "log", "seed"))
        try:
            servers.start("munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *files)
            wait_until((folder / "munge.socket").exists, 20)
            servers.start("slurmctld", "-D", "-c")
            servers.start_node()
            yield servers
        finally:
            servers.end()
