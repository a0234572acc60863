"""Platform + JobSpec → Outcome, by the qxub on the far side."""

from __future__ import annotations

import secrets
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.errors import LostError, QxubError, SetupError, error_of_kind
from qxub.job import JobSpec, Outcome, OutcomeKind
from qxub.remote import wire
from qxub.remote.command_builder import build_command, carried_variables
from qxub.remote.listener import Listener
from qxub.remote.stages import REQUEST, StageReader, remote_script, stage_texts
from qxub.remote.translation import translated
from qxub.transport import (
    NOBODY,
    ChannelError,
    Completion,
    Connection,
    ConnectionLost,
    Exited,
    HostConfig,
    Prompter,
    RemoteProcess,
    TransportError,
    connect,
    resolve,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from qxub.config.settings import RemoteSection
    from qxub.run import RunObserver

CANCEL_PAUSE = 0.1
"""seconds between two looks for a cancellation"""

_SETUP_HINTS = {
    "login": "The login shell there did not start bash; see what it printed.",
    "working_dir": "Make that directory there, or change platforms.{name}.remote.working_dir.",
    "conda_init": "Mend platforms.{name}.remote.conda_init; its last command must succeed.",
    "qxub": "Install qxub there, or let platforms.{name}.remote.conda_init put it on PATH.",
    "handed over": "The login shell there ended too early; see what it printed.",
}


@dataclass(frozen=True)
class RemoteRun:
    """A run that is about to go to a platform: all of it decided, nothing of it done."""

    platform: str
    remote: RemoteSection
    host: HostConfig
    command: Sequence[str]
    run_id: str
    variables: Mapping[str, str]
    """what the far qxub must have in its environment, unseen"""

    def stages(self) -> list[tuple[str, str]]:
        """Return each stage's name, and what is done in it in the words of the script."""
        return stage_texts(self.remote, self.command)

    def script(self, nonce: str) -> bytes:
        """Return what is sent on stdin of the login shell."""
        environment = {
            wire.VARIABLE: wire.variable(nonce),
            wire.RUN_VARIABLE: self.run_id,
            "QXUB_PLATFORM": self.platform,
            **self.variables,
        }
        return remote_script(self.remote, self.command, nonce=nonce, environment=environment)


def plan_remote_run(
    spec: JobSpec, *, platform: str, remote: RemoteSection, run_id: str, verbosity: int = 0
) -> RemoteRun:
    """Resolve the host and build the command. Raises ConfigError for a bad ssh_config."""
    with translated():
        command = REQUEST.decode()
        host = resolve(remote.host, config_file=remote.ssh_config, remote_command=command)
    argv = build_command(spec, verbosity=verbosity)
    return RemoteRun(platform, remote, host, argv, run_id, carried_variables(spec))


def open_connection(run: RemoteRun, prompter: Prompter = NOBODY) -> Connection:
    """Connect and log in. Raises ConnectionFailed, naming the host and the way out."""
    with translated():
        return connect(run.host, prompter=prompter)


def execute(
    run: RemoteRun, connection: Connection, observer: RunObserver, cancelled: threading.Event
) -> Outcome:
    """Hand the command over, pass on its output, and return how the job ended.

    Setting `cancelled` asks the far side to cancel. Raises SetupError with its stage, whatever
    error the far qxub reports, and LostError when the end is not known.
    """
    observer.event("connected", host=run.host.hostname)
    nonce = secrets.token_hex(16)
    listener = Listener(observer, nonce)
    completion = _hold(connection, run.script(nonce), listener, cancelled, run)
    return _conclude(run, connection, listener, completion, cancelled.is_set())


def _hold(
    connection: Connection,
    script: bytes,
    listener: Listener,
    cancelled: threading.Event,
    run: RemoteRun,
) -> Completion:
    """Send the script and listen until the channel ends."""
    with translated():
        process = connection.start(REQUEST)
    try:
        with translated(), _cancelling(process, listener, cancelled):
            with suppress(ChannelError):  # the far side has ended already: the drain tells how
                process.write(script)
            return process.drain(listener.take_stdout, listener.take_stderr)
    except QxubError as error:
        if isinstance(error.__cause__, ConnectionLost):
            raise _lost(run, listener, error.message) from error
        raise
    except KeyboardInterrupt as error:
        raise _lost(run, listener, "no longer waiting, after Ctrl-C twice") from error
    except OSError as error:  # of the observer: what arrived cannot be handed on
        raise _lost(run, listener, f"cannot hand on the job's output: {error}") from error
    except ValueError as error:  # of our own frame reader: the answer cannot be understood
        raise _lost(run, listener, f"the far qxub's answer is broken: {error}") from error


@contextmanager
def _cancelling(
    process: RemoteProcess, listener: Listener, cancelled: threading.Event
) -> Iterator[None]:
    """Forward a cancellation while the block runs: as a frame, or as INT where there are none."""
    ended = threading.Event()

    def forward() -> None:
        interrupted = False
        while not ended.wait(CANCEL_PAUSE):
            if not cancelled.is_set():
                continue
            with suppress(TransportError):  # the drain meets the same error and tells it
                if listener.speaks_frames:
                    process.write(wire.Frame(wire.CANCEL).encode())
                    return
                # A far qxub that is just starting is left alone until it can understand.
                if not interrupted and (listener.is_plain or not listener.stages.handed_over):
                    process.signal("INT")
                    interrupted = True

    thread = threading.Thread(target=forward, name="cancel", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _conclude(
    run: RemoteRun,
    connection: Connection,
    listener: Listener,
    completion: Completion,
    was_cancelled: bool,
) -> Outcome:
    """Return the outcome, once the channel has ended in good order."""
    if listener.outcome is not None:
        return listener.outcome
    if listener.error is not None:
        raise error_of_kind(*listener.error)
    if not listener.stages.handed_over or listener.stages.failed:
        if was_cancelled:
            detail = "before anything was submitted"
            return Outcome(OutcomeKind.CANCELLED, detail=detail)
        raise _setup_error(run, listener)
    if listener.speaks_frames:
        raise _lost(run, listener, f"the far qxub ended without a word on the job ({completion})")
    _check_that_qxub_works(run, connection, listener)
    listener.flush_plain()
    if isinstance(completion, Exited) and 0 <= completion.status <= 255:
        return Outcome(OutcomeKind.COMPLETED, status=completion.status)
    raise _lost(run, listener, f"the far qxub ended without a status ({completion})")


def _check_that_qxub_works(run: RemoteRun, connection: Connection, listener: Listener) -> None:
    """Make sure that a qxub which wrote no frames is an older one, and no broken one.

    Only then its exit status is the job's. Raises SetupError with what the far side said.
    """
    stages, stderr_stages = (StageReader(listener.stages.nonce) for _ in range(2))
    said = bytearray()
    with translated():
        completion = connection.run(
            REQUEST,
            stdin=remote_script(run.remote, ["qxub", "--version"], nonce=stages.nonce),
            stdout=lambda data: said.extend(stages.feed(data)),
            stderr=lambda data: said.extend(stderr_stages.feed(data)),
        )
    version = said.decode(errors="replace").strip()
    if completion == Exited(0) and stages.handed_over and "wire" not in version:
        return
    words = listener.held_stderr() or version or str(completion)
    message = f"{run.platform}: stage qxub failed: the qxub there ended before it began: {words}"
    raise SetupError(message, hint=f"Log in to {run.remote.host} and try: qxub --version")


def _setup_error(run: RemoteRun, listener: Listener) -> SetupError:
    stage = listener.stages.failed_stage()
    words = listener.noise() or "it printed nothing"
    message = f"{run.platform}: stage {stage} failed on {run.host.hostname}: {words}"
    return SetupError(message, hint=_SETUP_HINTS[stage].format(name=run.platform))


def _lost(run: RemoteRun, listener: Listener, reason: str) -> LostError:
    message = f"{run.platform}: {reason}; how the job ended is not known"
    known = listener.submitted
    if known:
        place = f"{run.remote.host}:{known.get('directory', '?')}"
        hint = f"The job goes on: {known.get('scheduler')} job {known.get('job_id')}, in {place}."
    else:
        hint = f"Whether it was submitted is not known either; the run ID is {run.run_id}."
    return LostError(message, hint=hint)
