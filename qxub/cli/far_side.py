"""qxub on the far side of a wire: the same `qxub exec`, answering in frames."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from qxub.cli.boundary import run_command_line, usage_error
from qxub.cli.exec import command
from qxub.cli.own_words import silence
from qxub.errors import QxubError, UsageError
from qxub.job import OutcomeKind
from qxub.remote import wire
from qxub.run import RUN_ID, new_run_id

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class FarSide:
    """What the laptop set up for this run."""

    observer: wire.FrameWriter
    cancelled: threading.Event
    run_id: str


def serve(words: Sequence[str]) -> int:
    """Run `qxub exec …` for the laptop whose wire is in the environment."""
    # Taken out of the environment, so that a qxub in the job does not write frames too.
    nonce = os.environ.pop(wire.VARIABLE).partition(":")[2]
    run_id = os.environ.pop(wire.RUN_VARIABLE, "")
    os.environ.pop("QXUB_PLATFORM", None)
    cancelled = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: cancelled.set())
    try:
        writer = wire.FrameWriter(sys.stdout.buffer, nonce)
        stdin = io.FileIO(sys.stdin.fileno(), closefd=False)
        threading.Thread(target=writer.obey, args=(stdin, cancelled), daemon=True).start()
        far_side = FarSide(writer, cancelled, run_id if RUN_ID.fullmatch(run_id) else new_run_id())
        return _answer(words, far_side)
    except BrokenPipeError:  # the laptop has gone: nobody is left to be told
        silence(1)
        return OutcomeKind.LOST.exit_status or 1


def _answer(words: Sequence[str], far_side: FarSide) -> int:
    try:
        if words[:1] != ["exec"]:
            message = f"the wire carries `qxub exec` only, not {' '.join(words[:1])!r}"
            raise UsageError(message)
        return run_command_line(command, words[1:], "qxub exec", context=far_side)
    except QxubError as error:
        far_side.observer.send(wire.encode_error(error))
        return error.exit_status
    except click.UsageError as error:
        usage = usage_error(error)
        far_side.observer.send(wire.encode_error(usage))
        return usage.exit_status
