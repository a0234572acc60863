"""The errors of qxub: one tree, each with a message, a hint and an exit status.

    QxubError
    ├── UsageError            2   bad option or value; nothing was sent
    ├── RefusedError         65   over a limit, or the scheduler said no
    ├── SchedulerError       69   the scheduler cannot be used now
    ├── SetupError           71   a stage on the way to the job failed
    ├── LostError            75   the end of the job is not known
    ├── ConfigError          78   bad configuration, with file and line
    └── ConnectionFailed    255   unreachable, host key, authentication

`qxub.transport` has a tree of its own (TransportError); `qxub.remote` translates it into this one.
"""

from __future__ import annotations

from typing import ClassVar

from qxub.job import OutcomeKind


class QxubError(Exception):
    """Anything that keeps a run from its job's own exit status.

    `message` is one clear sentence saying what is wrong and where; `hint` says the way out.
    """

    kind: ClassVar[OutcomeKind]

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def exit_status(self) -> int:
        """The exit status of the process that ends by this error."""
        status = self.kind.exit_status
        if status is None:
            raise AssertionError(self.kind)
        return status


class UsageError(QxubError):
    """A bad option or value; nothing was sent."""

    kind = OutcomeKind.USAGE


class RefusedError(QxubError):
    """The job is over a limit, or the scheduler said no."""

    kind = OutcomeKind.REFUSED


class SchedulerError(QxubError):
    """The scheduler is missing, does not answer, or answers what cannot be understood."""

    kind = OutcomeKind.SCHEDULER_UNAVAILABLE


class SetupError(QxubError):
    """A stage between the login and the job failed."""

    kind = OutcomeKind.SETUP_FAILED


class LostError(QxubError):
    """The end of the job, or whether there is one, is not known."""

    kind = OutcomeKind.LOST


class ConfigError(QxubError):
    """A configuration file is wrong."""

    kind = OutcomeKind.CONFIG


class ConnectionFailed(QxubError):  # noqa: N818 - "ConnectionError" is a built-in
    """The host was not reached, not trusted, or refused the login."""

    kind = OutcomeKind.CONNECTION


def error_of_kind(kind: OutcomeKind, message: str, hint: str) -> QxubError:
    """Return the error that stands for `kind`, as when one arrives from the far side."""
    for error in QxubError.__subclasses__():
        if error.kind is kind:
            return error(message, hint=hint)
    text = f"no error stands for {kind.label!r}"
    raise ValueError(text)
