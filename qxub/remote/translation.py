"""The one seam where the transport's errors become qxub's."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from qxub.errors import ConfigError, ConnectionFailed, QxubError
from qxub.transport import HostConfigError, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator


def translate(error: TransportError) -> QxubError:
    """Return the error that users see: a bad ssh_config is 78, everything else is 255."""
    if isinstance(error, HostConfigError):
        return ConfigError(error.message, hint=error.hint)
    return ConnectionFailed(error.message, hint=error.hint)


@contextmanager
def translated() -> Iterator[None]:
    """Translate what the transport raises inside the block."""
    try:
        yield
    except TransportError as error:
        raise translate(error) from error
