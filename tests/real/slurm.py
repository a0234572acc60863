"""A one-node Slurm on loopback, without systemd, everything in one directory and nothing in /etc.

Clients find it by the environment variable SLURM_CONF. There is no accounting, so no `sacct`: as on
many small clusters, a finished job stays visible in `scontrol show job` for MinJobAge seconds.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.real.processes import SECONDS_TO_START, free_port, supervised, wait_until
from tests.real.requirements import require

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sinfo", "srun", "sbatch", "squeue", "scancel")

# slurm.conf(5). Without the two NoInAddrAny parameters the daemons listen on every interface;
# without DefMemPerCPU a job that names no memory gets all of the node's, and the node for itself.
SLURM_CONF = """\
ClusterName=qxub
SlurmctldHost={node}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={directory}/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPidFile={directory}/slurmctld.pid
SlurmdPidFile={directory}/slurmd.pid
StateSaveLocation={directory}/state
SlurmdSpoolDir={directory}/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
EnforcePartLimits=ALL
ReturnToService=2
MinJobAge=300
DefMemPerCPU=50
KillWait=2
NodeName={node} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb}
PartitionName=normal Nodes=ALL Default=YES MaxTime=60 State=UP
PartitionName=short Nodes=ALL MaxTime=1 State=UP
PartitionName=crowded Nodes=ALL MaxTime=60 OverSubscribe=FORCE:16 State=UP
"""


@dataclass(frozen=True)
class Slurm:
    """A running Slurm with the partitions `normal` (default, one hour) and `short` (one minute).

    In `crowded` sixteen jobs share each CPU.
    """

    directory: Path
    controller_port: int
    node_port: int

    @property
    def conf(self) -> Path:
        """The slurm.conf in use."""
        return self.directory / "slurm.conf"

    @property
    def env(self) -> Mapping[str, str]:
        """What to add to the environment of a client: SLURM_CONF."""
        return {"SLURM_CONF": str(self.conf)}

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a client such as `sinfo` against this Slurm, for at most a minute."""
        return subprocess.run(
            argv,
            env={**os.environ, **self.env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS_TO_START,
        )

    def log(self) -> str:
        """What the three daemons have logged so far."""
        logs = sorted(self.directory.glob("*.log"))
        return "".join(f"{log.name}:\n{log.read_text(errors='replace')}\n" for log in logs)


def obstacle() -> str:
    """Say what keeps Slurm from being started here; "" if nothing does."""
    if sys.platform == "win32":
        return "it does not run on Windows"
    absent = [name for name in PROGRAMS if _find(name) is None]
    if absent:
        return f"no {', '.join(absent)} on this machine"
    return "" if os.geteuid() == 0 else "it needs root to start slurmd"


@contextlib.contextmanager
def running_slurm(directory: Path) -> Iterator[Slurm]:
    """Run Slurm in `directory`, ready for jobs; what still runs at the end is cancelled.

    Where it cannot be started the test is skipped, or fails: see requirements.py.
    """
    reason = obstacle()
    if reason:
        require("slurm", reason)
    slurm = Slurm(directory.resolve(), free_port(), free_port())
    _write_files(slurm)
    with contextlib.ExitStack() as daemons:
        for name, *options in _daemons(slurm.directory):
            log = slurm.directory / f"{name}.log"
            argv = [str(_find(name)), *options]
            process = daemons.enter_context(supervised(argv, log, {**os.environ, **slurm.env}))
        wait_until(lambda: "idle" in slurm.run("sinfo", "-h", "-o", "%t").stdout, process, log)
        wait_until(lambda: slurm.run("srun", "true").returncode == 0, process, log)
        try:
            yield slurm
        finally:
            _cancel_all(slurm)


def _find(name: str) -> str | None:
    places = [os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"]
    return shutil.which(name, path=os.pathsep.join(places))


def _daemons(directory: Path) -> list[list[str]]:
    """Give the three daemons and their options, in the order in which they start.

    munged wants its socket's directory open to all users, which a test's is not: hence --force.
    """
    own_files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed"}
    munge = [f"--{option}={directory}/munge.{file}" for option, file in own_files.items()]
    return [
        ["munged", "--foreground", "--force", *munge, f"--log-file={directory}/munge.log"],
        ["slurmctld", "-D", "-i"],
        ["slurmd", "-D"],
    ]


def _write_files(slurm: Slurm) -> None:
    for name in ("state", "spool"):
        (slurm.directory / name).mkdir(parents=True)
    key = slurm.directory / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    cpus, memory_mb = _hardware()
    slurm.conf.write_text(
        SLURM_CONF.format(
            node=socket.gethostname().split(".")[0],
            directory=slurm.directory,
            controller_port=slurm.controller_port,
            node_port=slurm.node_port,
            cpus=cpus,
            memory_mb=memory_mb,
        )
    )


def _hardware() -> tuple[int, int]:
    """Give CPUs and memory in MB as slurmd itself counts them (`slurmd -C`)."""
    found = subprocess.run([str(_find("slurmd")), "-C"], capture_output=True, text=True, check=True)
    counts = dict(re.findall(r"(\w+)=(\d+)", found.stdout))
    return int(counts["CPUs"]), int(counts["RealMemory"])


def _cancel_all(slurm: Slurm) -> None:
    """Cancel all jobs and wait for their processes to end, which the daemons' end would not do."""
    slurm.run("scancel", f"--user={getpass.getuser()}")
    deadline = time.monotonic() + SECONDS_TO_START
    while slurm.run("squeue", "-h").stdout and time.monotonic() < deadline:
        time.sleep(0.2)
