"""What ends a command line, foreseen or not, has an exit status that no job is taken for."""

from __future__ import annotations

import signal
import sys
import threading

import click
import pytest

from qxub.cli.boundary import exit_status_of
from qxub.cli.console import cancelled_by_signals


def test_a_bug_of_ours_is_not_an_exit_status_of_the_job_s(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @click.command()
    def broken() -> None:
        raise ZeroDivisionError("of all things")

    assert exit_status_of(broken, [], "qxub") == 75
    told = capsys.readouterr().err
    assert "Traceback (most recent call last)" in told
    assert "ZeroDivisionError: of all things" in told
    assert "qxub: a bug in qxub: whether there is a job, and how it ends, is not known" in told


@pytest.mark.skipif(sys.platform == "win32", reason="a console's Ctrl-C comes from its user")
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_another_does_not_hang(second: signal.Signals) -> None:
    """As where a shell and its parent both pass Ctrl-C on."""

    class Interrupted(threading.Event):
        def set(self) -> None:
            with self._cond:  # type: ignore[attr-defined]
                signal.raise_signal(second)
            super().set()

    cancelled = Interrupted()
    with cancelled_by_signals(cancelled):
        if second == signal.SIGINT:
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        else:
            signal.raise_signal(signal.SIGINT)
            assert cancelled.is_set()
