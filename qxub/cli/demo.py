"""`qxub demo`: the whole way on this machine, with a throw-away SSH server."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import site
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qxub import system
from qxub.cli.answer import CommandWithHelp
from qxub.cli.console import cancelled_by_signals
from qxub.config.settings import RemoteSection, Settings, find_platform
from qxub.job import JobSpec, Outcome, OutcomeKind
from qxub.remote.platform_executor import (
    RemoteRun,
    execute,
    open_connection,
    plan_remote_run,
)
from qxub.run import new_run_id
from qxub.transport import Connection, Exited, generate_key_pair
from qxub.transport.server import Server
from qxub.transport.server_process import serve_subprocess
from qxub.yaml_file import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qxub.transport.session import Session

PLATFORM = "demo"
EXAMPLE = (
    "sh",
    "-c",
    'echo "a batch job, process $$"; sleep 1; echo "a warning" >&2; sleep 1; echo done',
)
EXAMPLE_WITHOUT_SHELL = (
    sys.executable,
    "-c",
    "import sys; print('a command'); print('a warning', file=sys.stderr)",
)


@click.command(PLATFORM, cls=CommandWithHelp, context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def command(command: tuple[str, ...]) -> int:
    """Run the whole way on this machine, with a throw-away SSH server.

    COMMAND (by default an example) goes from here through SSH to a second qxub, which runs it as a
    batch job on the embedded scheduler. Nothing of yours is read or changed, and nothing is left.

    A batch job needs bash. Where there is none, COMMAND is run without one, to show the client.
    """
    has_bash = sys.platform != "win32" and shutil.which("bash") is not None
    cancelled = threading.Event()
    with cancelled_by_signals(cancelled), _throw_away_cluster() as settings:
        platform = find_platform(settings, PLATFORM, None)
        assert platform.remote is not None  # noqa: S101 - written just above
        spec = JobSpec(command or (EXAMPLE if has_bash else EXAMPLE_WITHOUT_SHELL))
        run = plan_remote_run(spec, platform=PLATFORM, remote=platform.remote, run_id=new_run_id())
        _introduce(run)
        narrator = _Narrator()
        with open_connection(run) as connection:
            if has_bash:
                outcome = execute(run, connection, narrator, cancelled)
            else:
                outcome = _run_as_it_is(connection, spec, narrator)
        narrator.end(outcome)
    return outcome.exit_status


def _run_as_it_is(connection: Connection, spec: JobSpec, narrator: _Narrator) -> Outcome:
    """Run the command by the throw-away server itself: no far qxub, no batch job."""
    _say("no bash", "a batch job needs bash, and there is none here; so the command runs as it is,")
    _say("", "over the same SSH client. The client itself needs no bash.")
    line = shlex.join(spec.command)
    completion = connection.run(line, stdout=narrator.stdout, stderr=narrator.stderr)
    if isinstance(completion, Exited) and completion.status <= 255:
        return Outcome(OutcomeKind.COMPLETED, status=completion.status)
    return Outcome(OutcomeKind.LOST, detail=str(completion))


@contextmanager
def _throw_away_cluster() -> Iterator[Settings]:
    """Serve a login node from a temporary directory; yield the configuration that leads to it."""
    with tempfile.TemporaryDirectory(prefix="qxub-demo-") as name:
        top = Path(name).resolve()
        system.restrict_to_owner(top)
        public_key = generate_key_pair(top / "id_ed25519")
        environment = _make_login_node(top)

        def log_in(session: Session) -> None:
            argv = shlex.split(session.command.decode())
            serve_subprocess(session, argv, env=environment, cwd=environment["HOME"])

        try:
            with Server(log_in, authorized_keys=[public_key]) as server:
                yield Settings(read_yaml(_write_client_files(top, server)))
        finally:
            _wait_for_jobs(Path(environment["XDG_STATE_HOME"]) / "qxub")


def _make_login_node(top: Path) -> dict[str, str]:
    """Lay out the far side: a home, a scratch directory, and a qxub that is not on PATH yet."""
    home = top / "home"
    for directory in (home / ".config" / "qxub", top / "scratch", top / "bin"):
        directory.mkdir(parents=True)
    (home / ".config" / "qxub" / "config.yaml").write_text("scheduler: local\n")
    qxub = top / "bin" / "qxub"
    qxub.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m qxub "$@"\n')
    qxub.chmod(0o700)
    own = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
        "PYTHONUSERBASE": site.getuserbase(),  # where qxub may be installed; HOME has changed
    }
    ours = {name: text for name, text in os.environ.items() if not name.startswith("QXUB_")}
    return {**ours, **own}


def _write_client_files(top: Path, server: Server) -> Path:
    """Write ssh_config, known_hosts and the configuration; return the latter."""
    (top / "known_hosts").write_text("".join(f"{line}\n" for line in server.known_hosts_lines))
    (top / "ssh_config").write_text(
        "Host demo-cluster\n"
        "  HostName 127.0.0.1\n"
        f"  Port {server.port}\n"
        "  User demo\n"
        f'  IdentityFile "{top / "id_ed25519"}"\n'
        "  IdentitiesOnly yes\n"
        f'  UserKnownHostsFile "{top / "known_hosts"}"\n'
        "  GlobalKnownHostsFile none\n"
    )
    config = top / "config.yaml"
    config.write_text(
        "platforms:\n"
        "  demo:\n"
        "    remote:\n"
        "      host: demo-cluster\n"
        f"      working_dir: {_quoted(top / 'scratch')}\n"
        f"      conda_init: {_quoted(f'PATH={shlex.quote(str(top))}/bin:$PATH')}\n"
        f"      ssh_config: {_quoted(top / 'ssh_config')}\n"
    )
    return config


def _quoted(text: object) -> str:
    return json.dumps(str(text))  # JSON's strings are YAML's


def _introduce(run: RemoteRun) -> None:
    remote: RemoteSection = run.remote
    _say("config", f"platform {run.platform}: host {remote.host}, in {remote.working_dir}")
    _say("host", f"{remote.host} = {run.host.user}@{run.host.hostname} port {run.host.port}")
    _say("command", shlex.join(run.command))


def _say(step: str, text: str) -> None:
    click.echo(f"{step:>9}  {text}")


class _Narrator:
    """A RunObserver that shows each step, and the two streams apart."""

    _TEXTS = (
        ("connected", "SSH connection open, host key checked, logged in by key"),
        ("submitted", "the far qxub submitted {scheduler} job {job_id}"),
        ("started", "job {job_id} has started"),
        ("cancelling", "Ctrl-C: cancelling job {job_id}"),
    )

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._partial = {"stdout": b"", "stderr": b""}

    def stdout(self, data: bytes) -> None:
        self._lines("stdout", data)

    def stderr(self, data: bytes) -> None:
        self._lines("stderr", data)

    def event(self, name: str, **details: str) -> None:
        for known, text in self._TEXTS:
            if name == known:
                _say(name, text.format(**details))

    def tick(self) -> None:
        """Nothing is shown while nothing happens."""

    def end(self, outcome: Outcome) -> None:
        for stream, rest in self._partial.items():
            if rest:
                _say(stream, rest.decode(errors="replace"))
        _say("outcome", str(outcome))

    def _lines(self, stream: str, data: bytes) -> None:
        *lines, self._partial[stream] = (self._partial[stream] + data).split(b"\n")
        for line in lines:
            _say(stream, line.decode(errors="replace"))


def _wait_for_jobs(state: Path) -> None:
    """Cancel what still runs, and wait for the end, so that nothing is left behind."""
    if sys.platform != "win32":  # for mypy: the demo has refused to start there
        from qxub.execution.local_batch.queue_posix import LocalBatch  # noqa: PLC0415

        LocalBatch(state).end_all()
