"""The real parts: they run, they answer, and nobody beyond this machine can reach them."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.real.listening import listening_addresses
from tests.real.processes import ServerDiedError, free_port, supervised, wait_until
from tests.real.requirements import require
from tests.real.sshd import running_sshd

if TYPE_CHECKING:
    from tests.real.slurm import Slurm
    from tests.real.sshd import Sshd

ROOT = Path(__file__).parents[2]


def ssh(server: Sshd, command: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("ssh")
    if program is None:
        require("sshd", "no ssh, its client, on PATH")
    return subprocess.run(
        [program, "-F", str(server.ssh_config), "-o", "BatchMode=yes", "target", command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_ssh_gives_the_exit_status_over_our_sshd(sshd: Sshd) -> None:
    ended = ssh(sshd, "exit 7")
    assert (ended.returncode, ended.stderr) == (7, "")


def test_sshd_takes_options_and_environment_and_an_empty_home(tmp_path: Path) -> None:
    command = 'ForceCommand ls -A "$HOME"; printf %s "$GREETING"'
    with running_sshd(tmp_path / "a b", command, env={"GREETING": "good day"}) as server:
        ended = ssh(server, "exit 7")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "good day", "")


def test_sbatch_gives_the_exit_status_of_its_job(slurm: Slurm) -> None:
    ended = slurm.run("sbatch", "--wait", "--output=/dev/null", "--wrap=exit 7")
    assert ended.returncode == 7, ended.stderr + slurm.log()


def test_short_partition_refuses_a_long_job(slurm: Slurm) -> None:
    ended = slurm.run("sbatch", "--partition=short", "--time=5", "--wrap=true", "--test-only")
    assert ended.returncode != 0
    assert "time limit" in ended.stderr.lower()


def test_sshd_listens_on_loopback_only(sshd: Sshd) -> None:
    assert listening_addresses(sshd.port) == {"127.0.0.1"}


def test_slurm_listens_on_loopback_only(slurm: Slurm) -> None:
    ports = (slurm.controller_port, slurm.node_port)
    assert [listening_addresses(port) for port in ports] == [{"127.0.0.1"}] * 2


def test_a_server_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    argv = [sys.executable, "-c", "raise SystemExit('no such luck')"]
    with pytest.raises(ServerDiedError, match="no such luck"), supervised(argv, log) as process:
        wait_until(lambda: False, process, log)


# A test process in small: it starts the server below under supervision, and waits to be killed.
TEST_PROCESS = """
import pathlib, sys, time
from tests.real.processes import supervised

with supervised([sys.executable, "-c", *sys.argv[1:3]], pathlib.Path(sys.argv[3])):
    time.sleep(600)
"""
SERVER = """
import socket, sys, time

with socket.create_server(("127.0.0.1", int(sys.argv[1]))):
    time.sleep(600)
"""


def test_a_server_ends_when_its_test_process_is_killed(tmp_path: Path) -> None:
    port = free_port()
    argv = [sys.executable, "-c", TEST_PROCESS, SERVER, str(port), str(tmp_path / "log")]
    with subprocess.Popen(argv, cwd=ROOT) as process:
        wait_until(lambda: answers(port), process, tmp_path / "log")
        process.kill()
    while answers(port):  # the time limit of the test ends this too
        time.sleep(0.05)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
    except OSError:
        return False
    return True
