"""The tree of errors, and the seam where the transport's errors enter it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from qxub.errors import ConfigError, ConnectionFailed, QxubError, error_of_kind
from qxub.job import OutcomeKind
from qxub.remote.translation import translate, translated
from qxub.transport import HostConfigError, HostKeyChanged, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator


def subclasses(error: type[Exception]) -> Iterator[type[Exception]]:
    for child in error.__subclasses__():
        yield child
        yield from subclasses(child)


@pytest.mark.parametrize("error", list(subclasses(QxubError)))
def test_every_error_has_an_exit_status(error: type[QxubError]) -> None:
    assert error("what", hint="way out").exit_status == error.kind.exit_status


@pytest.mark.parametrize("error", QxubError.__subclasses__())
def test_an_error_arrives_as_the_same_class(error: type[QxubError]) -> None:
    arrived = error_of_kind(error.kind, "what", "way out")
    assert (type(arrived), arrived.message, arrived.hint) == (error, "what", "way out")


def test_a_job_s_ending_is_no_error() -> None:
    with pytest.raises(ValueError, match="no error stands for"):
        error_of_kind(OutcomeKind.COMPLETED, "", "")


@pytest.mark.parametrize("error", [TransportError, *subclasses(TransportError)])
def test_every_transport_error_is_translated(error: type[TransportError]) -> None:
    told = translate(error("what", hint="way out"))
    expected = ConfigError if issubclass(error, HostConfigError) else ConnectionFailed
    assert (type(told), told.message, told.hint) == (expected, "what", "way out")


def test_the_cause_is_kept() -> None:
    cause = HostKeyChanged("changed")
    with pytest.raises(ConnectionFailed) as caught, translated():
        raise cause
    assert caught.value.__cause__ is cause
