# SPDX-License-Identifier: LGPL-3.0-or-later
"""A Slurm of its own on this machine: munged, slurmctld and slurmd on loopback, in a temporary folder."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol")
CPUS = 16  # more than the machine may have, so that all jobs of the tests run at once

# FirstJobId: MPICH names shared memory after job and step, and what a killed rank of another test run
# left behind under that name would spoil the next start. cred_expire: a job that is queued again may
# start this many seconds later (by default 120).
CONF = """\
ClusterName=osteofield
FirstJobId={first}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={port_of_node}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=1,bf_interval=2,sched_interval=2,sched_min_interval=100000
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
MpiDefault=none
KillWait=10
ReturnToService=2
MailProg=/bin/true
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=1024 State=UNKNOWN
PartitionName=short Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@dataclass(frozen=True)
class Slurm:
    """A running cluster of one node.

    Attributes:
        folder: Where its configuration and logs are.
        env: Environment in which Slurm's commands talk to it.
    """

    folder: Path
    env: dict[str, str]

    def job(self, number: str) -> dict[str, str]:
        """What ``scontrol show job`` says of a job."""
        shown = self("scontrol", "-o", "show", "job", number)
        return dict(re.findall(r"(\S+?)=(\S*)", shown))

    def __call__(self, *command: str) -> str:
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{command}: {done.stderr}\n{self.logs()}"
        return done.stdout

    def wait(self, what: str, until: Callable[[], bool], limit: float) -> None:
        """Look twice a second whether something has come true."""
        end = time.monotonic() + limit
        while not until():
            assert time.monotonic() < end, f"{what} did not come within {limit:g} s\n{self.logs()}"
            time.sleep(0.5)

    def logs(self) -> str:
        """The ends of the daemons' logs, and the queue."""
        out = []
        for log in sorted(self.folder.glob("*.log")):
            out.append(f"--- {log.name} ---\n{log.read_text(errors='replace')[-3000:]}")
        queue = subprocess.run(["squeue"], env=self.env, capture_output=True, text=True)
        return "\n".join([*out, queue.stdout])


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    """A Slurm that is up; skips where it cannot be."""
    os_path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])
    missing = [name for name in NEEDED if shutil.which(name, path=os_path) is None]
    if missing:
        pytest.skip(
            f"Slurm is not installed ({', '.join(missing)}): apt-get install --no-install-recommends "
            "slurmctld slurmd slurm-client munge"
        )
    if os.geteuid() != 0:
        pytest.skip("only root can start slurmd")
    # not under the tests' own folder: munged wants no folder on the way that others can write
    with tempfile.TemporaryDirectory(
        prefix="osteofield-slurm-", dir="/run", ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        env = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SBATCH_", "PMI", "OMPI"))}
        env |= {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": os_path}
        cluster = Slurm(folder, env)
        daemons: list[subprocess.Popen[bytes]] = []
        try:
            _start(cluster, daemons)
            yield cluster
        finally:
            with contextlib.suppress(subprocess.SubprocessError):
                subprocess.run(["scancel", "--full", "--user=root"], env=env, capture_output=True, timeout=20)
                _wait_for_empty_queue(env)
            for daemon in reversed(daemons):
                daemon.terminate()
            for daemon in reversed(daemons):
                try:
                    daemon.wait(10)
                except subprocess.TimeoutExpired:
                    daemon.kill()
            _end_left_over(folder)


def _start(cluster: Slurm, daemons: list[subprocess.Popen[bytes]]) -> None:
    folder, host = cluster.folder, socket.gethostname().partition(".")[0]
    for part in ("munge", "state", "spool"):
        (folder / part).mkdir()
    (folder / "munge").chmod(0o755)
    folder.chmod(0o755)
    key = folder / "munge.key"
    key.touch(0o600)
    key.write_bytes(os.urandom(128))
    first = random.SystemRandom().randrange(1, 1 << 25)
    port, port_of_node = _free_ports()
    conf = CONF.format(first=first, host=host, folder=folder, port=port, port_of_node=port_of_node, cpus=CPUS)
    (folder / "slurm.conf").write_text(conf)
    munge = folder / "munge"
    for command in (
        ["munged", "--foreground", "--force", f"--socket={munge}/socket", f"--key-file={key}",
         f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed"],
        ["slurmctld", "-D", "-c"],
        ["slurmd", "-D", "-N", host],
    ):  # fmt: skip
        with open(folder / f"{command[0]}.out.log", "wb") as out:
            process = subprocess.Popen(
                command, env=cluster.env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
            )
        daemons.append(process)
        if command[0] == "munged":
            cluster.wait("munge", lambda: (munge / "socket").exists(), 60)

    def up() -> bool:
        for daemon in daemons:
            assert daemon.poll() is None, f"{daemon.args} ended\n{cluster.logs()}"
        state = subprocess.run(["sinfo", "-h", "-o", "%T"], env=cluster.env, capture_output=True, text=True)
        return state.stdout.strip() == "idle"

    cluster.wait("an idle node", up, 180)


def _wait_for_empty_queue(env: dict[str, str]) -> None:
    for _ in range(20):
        queue = subprocess.run(["squeue", "-h"], env=env, capture_output=True, text=True, timeout=20)
        if not queue.stdout.strip():
            return
        time.sleep(0.5)


def _end_left_over(folder: Path) -> None:
    """Job managers that outlived their daemon; they have this folder's configuration in their environment."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if f"SLURM_CONF={folder}/".encode() in (entry / "environ").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)


def _free_ports() -> tuple[int, int]:
    """Two of them, held at the same time, so that they differ."""
    with socket.socket() as one, socket.socket() as other:
        for s in (one, other):
            s.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])
