"""A one-node Slurm on loopback, without systemd, everything in one directory and nothing in /etc.

Clients find it by the environment variable SLURM_CONF. As on many small clusters there is no
accounting, so no `sacct`, and nothing enforces memory: a finished job stays visible in `squeue`
for MinJobAge seconds. The larger one has accounting (slurm_accounting.py), forgets a job some
seconds after its end, and enforces memory where cgroups can (cgroups.py).
"""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.real import cgroups
from tests.real.processes import (
    SECONDS_TO_START,
    find_program,
    free_port,
    supervised,
    wait_until,
)
from tests.real.requirements import require
from tests.real.slurm_accounting import Accounting, accounting_obstacle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sinfo", "srun", "sbatch", "squeue", "scancel")

# slurm.conf(5). Without the two NoInAddrAny parameters the daemons listen on every interface;
# without DefMemPerCPU a job that names no memory gets all of the node's, and the node for itself.
# A third of SlurmdTimeout is how long a job stays COMPLETING whose last message from slurmd is
# lost, as on a busy machine.
SLURM_CONF = """\
ClusterName=qxub
SlurmctldHost={host}(127.0.0.1)
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
SelectType=select/cons_tres
JobAcctGatherType=jobacct_gather/none
{processes}
{accounting}
MpiDefault=none
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
EnforcePartLimits=ALL
ReturnToService=2
SlurmdTimeout=60
DefMemPerCPU=50
KillWait=2
NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb}
PartitionName=normal Nodes=ALL Default=YES MaxTime=60 State=UP
PartitionName=short Nodes=ALL MaxTime=1 State=UP
PartitionName=crowded Nodes=ALL MaxTime=60 OverSubscribe=FORCE:16 State=UP
"""
PROCESSES_BY_PROC = """\
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none"""
NO_ACCOUNTING = """\
AccountingStorageType=accounting_storage/none
MinJobAge=300"""


@dataclass(frozen=True)
class Slurm:
    """A running Slurm with the partitions `normal` (default, one hour) and `short` (one minute).

    In `crowded` sixteen jobs share each CPU.
    """

    directory: Path
    controller_port: int
    node_port: int
    node: str
    enforces_memory: bool = False

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
    absent = [name for name in PROGRAMS if find_program(name) is None]
    if absent:
        return f"no {', '.join(absent)} on this machine"
    return "" if os.geteuid() == 0 else "it needs root to start slurmd"


@contextlib.contextmanager
def running_slurm(directory: Path, *, is_larger: bool = False) -> Iterator[Slurm]:
    """Run Slurm in `directory`, ready for jobs; what still runs at the end is cancelled.

    Where it cannot be started the test is skipped, or fails: see requirements.py.
    """
    _require_programs(is_larger=is_larger)
    # The node's name is in the paths of its cgroups, which all Slurms of a machine share.
    node = f"qxub{secrets.token_hex(4)}" if is_larger else _host()
    enforces_memory = is_larger and not cgroups.obstacle()
    slurm = Slurm(directory.resolve(), free_port(), free_port(), node, enforces_memory)
    accounting = Accounting(slurm.directory, free_port()) if is_larger else None
    _write_files(slurm, accounting)
    with contextlib.ExitStack() as servers:
        if enforces_memory:
            servers.enter_context(cgroups.limits(slurm.directory, node))
        _start(slurm, servers, "munged", *_munge_options(slurm.directory))
        if accounting:
            servers.enter_context(accounting.running(slurm.run))
        _start(slurm, servers, "slurmctld", "-D", "-i")
        process, log = _start(slurm, servers, "slurmd", "-D", *(("-N", node) if is_larger else ()))
        wait_until(lambda: "idle" in slurm.run("sinfo", "-h", "-o", "%t").stdout, process, log)
        wait_until(lambda: slurm.run("srun", "true").returncode == 0, process, log)
        try:
            yield slurm
        finally:
            _cancel_all(slurm)


def _require_programs(*, is_larger: bool) -> None:
    reason = obstacle()
    if reason:
        require("slurm", reason)
    reason = accounting_obstacle() if is_larger else ""
    if reason:
        require("accounting", reason)


def _host() -> str:
    return socket.gethostname().split(".")[0]


def _start(
    slurm: Slurm, servers: contextlib.ExitStack, name: str, *options: str
) -> tuple[subprocess.Popen[bytes], Path]:
    log = slurm.directory / f"{name}.log"
    argv = [str(find_program(name)), *options]
    return servers.enter_context(supervised(argv, log, {**os.environ, **slurm.env})), log


def _munge_options(directory: Path) -> list[str]:
    """Give munged's options; it wants its socket's directory open to all users: hence --force."""
    own_files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed"}
    own = [f"--{option}={directory}/munge.{file}" for option, file in own_files.items()]
    return ["--foreground", "--force", *own, f"--log-file={directory}/munge.log"]


def _write_files(slurm: Slurm, accounting: Accounting | None) -> None:
    for name in ("state", "spool"):
        (slurm.directory / name).mkdir(parents=True)
    key = slurm.directory / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    cpus, memory_mb = _hardware()
    slurm.conf.write_text(
        SLURM_CONF.format(
            host=_host(),
            node=slurm.node,
            directory=slurm.directory,
            controller_port=slurm.controller_port,
            node_port=slurm.node_port,
            processes=cgroups.SETTINGS if slurm.enforces_memory else PROCESSES_BY_PROC,
            accounting=accounting.settings if accounting else NO_ACCOUNTING,
            cpus=cpus,
            memory_mb=memory_mb,
        )
    )


def _hardware() -> tuple[int, int]:
    """Give CPUs and memory in MB as slurmd itself counts them (`slurmd -C`)."""
    argv = [str(find_program("slurmd")), "-C"]
    found = subprocess.run(argv, capture_output=True, text=True, check=True)
    counts = dict(re.findall(r"(\w+)=(\d+)", found.stdout))
    return int(counts["CPUs"]), int(counts["RealMemory"])


def _cancel_all(slurm: Slurm) -> None:
    """Cancel all jobs and wait for their processes to end, which the daemons' end would not do."""
    slurm.run("scancel", f"--user={getpass.getuser()}")
    deadline = time.monotonic() + SECONDS_TO_START
    while slurm.run("squeue", "-h").stdout and time.monotonic() < deadline:
        time.sleep(0.2)
