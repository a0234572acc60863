"""Serving an SSH session with a real subprocess, as sshd does."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from qxub.transport.session import Session

log = logging.getLogger(__name__)

CHUNK_BYTES = 64 * 1024
COMMAND_NOT_FOUND = 127


def serve_subprocess(
    session: Session, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | str
) -> None:
    """Run `argv` for a session, in a process group of its own, and report how it ended.

    As with sshd, a client that goes away does not kill the process, which sees its stdin end; but
    a server that stops kills it. A program that cannot be started is reported with status 127.
    """
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    except OSError as error:
        session.write_stderr(f"{argv[0]}: {error.strerror or error}\n".encode())
        session.exit(COMMAND_NOT_FOUND)
        return
    session.on_stop = lambda: _kill(process)
    with process:
        _pump_all(session, process)
    _report(session, process.returncode)


def _pump_all(session: Session, process: subprocess.Popen[bytes]) -> None:
    """Move all streams until the output ends; then the process is waited for."""
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise AssertionError("all three streams are pipes")
    inputs = [
        _thread(_pump_stdin, session, process.stdin),
        _thread(_forward_signals, session, process),
    ]
    outputs = [
        _thread(_pump_output, process.stdout, session.write_stdout),
        _thread(_pump_output, process.stderr, session.write_stderr),
    ]
    for thread in outputs:
        thread.join()
    process.wait()
    session.end_input()
    for thread in inputs:
        thread.join()


def _thread(target: Callable[..., None], *args: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=args, name=target.__name__, daemon=True)
    thread.start()
    return thread


def _pump_stdin(session: Session, stdin: IO[bytes]) -> None:
    try:
        while True:
            data = memoryview(session.read(CHUNK_BYTES))
            if not data:
                break
            while data:
                data = data[stdin.write(data) :]
    except OSError as error:  # the process closed its stdin, or has ended
        log.debug("stdin no longer read: %s", error)
    finally:
        stdin.close()


def _pump_output(stream: IO[bytes], write: Callable[[bytes], None]) -> None:
    with stream:
        while True:
            data = stream.read(CHUNK_BYTES)
            if not data:
                return
            try:
                write(data)
            except BrokenPipeError as error:  # closing the pipe tells the process, as sshd does
                log.debug("output no longer wanted: %s", error)
                return


def _forward_signals(session: Session, process: subprocess.Popen[bytes]) -> None:
    for name in iter(session.signals.get, None):
        number = getattr(signal, f"SIG{name}", None)
        if number is None:
            log.debug("the client sent a signal unknown here: %s", name)
        else:
            _signal_group(process, number)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        _signal_group(process, signal.SIGKILL)


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    if process.returncode is not None:  # waited for, so its number may be another's by now
        return
    try:
        if sys.platform == "win32":
            process.terminate()
        else:
            os.killpg(process.pid, number)
    except OSError as error:
        log.debug("signal %d not delivered: %s", number, error)


def _report(session: Session, returncode: int) -> None:
    """Popen's negative return code is the number of the signal that killed the process."""
    if returncode >= 0:
        session.exit(returncode)
    else:
        session.exit_signal(signal.Signals(-returncode).name.removeprefix("SIG"))
