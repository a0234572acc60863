"""The one seam at which foreign exceptions become this package's own.

Paramiko re-raises, in the calling thread, whatever ended its own thread: its SSHException family,
OSError, EOFError, and also KeyError, IndexError or struct.error where the peer broke the protocol.
So the seam takes every Exception, and stands only around calls into Paramiko or the socket module.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

from paramiko import ssh_exception

from qxub.transport.errors import (
    AuthenticationError,
    ChannelError,
    ConnectError,
    HostConfigError,
    HostKeyError,
    ResolveError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

# None: the class says only that something failed, so the caller's stage decides.
OWN_ERROR: dict[type[Exception], type[TransportError] | None] = {
    ssh_exception.SSHException: None,
    ssh_exception.AuthenticationException: AuthenticationError,
    ssh_exception.PasswordRequiredException: AuthenticationError,
    ssh_exception.BadAuthenticationType: AuthenticationError,
    ssh_exception.PartialAuthentication: AuthenticationError,
    ssh_exception.UnableToAuthenticate: AuthenticationError,
    ssh_exception.ChannelException: ChannelError,
    ssh_exception.BadHostKeyException: HostKeyError,
    ssh_exception.IncompatiblePeer: ConnectError,
    ssh_exception.ProxyCommandFailure: None,  # the command ends before login, or long after
    ssh_exception.NoValidConnectionsError: ConnectError,
    ssh_exception.CouldNotCanonicalize: ResolveError,
    ssh_exception.ConfigParseError: HostConfigError,
    ssh_exception.MessageOrderError: ConnectError,
    socket.gaierror: ResolveError,
    Exception: None,
}


def translate(
    error: Exception, host: str, stage: str, otherwise: type[TransportError]
) -> TransportError:
    """Give the own error for a foreign one: by class, or `otherwise` where that says little."""
    known = next(OWN_ERROR[kind] for kind in type(error).__mro__ if kind in OWN_ERROR)
    return (known or otherwise)(f"{host}: {stage}: {describe(error)}", host=host)


def describe(error: Exception) -> str:
    """Give what a foreign exception says, fit for a user and free of control characters."""
    if isinstance(error, EOFError):
        return "the connection was closed"
    if isinstance(error, ssh_exception.ChannelException):
        words = str(error.text)
    elif isinstance(error, OSError) and error.strerror:
        words = error.strerror
    else:
        words = str(error) or type(error).__name__
    return printable(words)


def printable(text: str) -> str:
    """`text` with every character that is not printable written as a Python escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@contextmanager
def translated(host: str, stage: str, otherwise: type[TransportError]) -> Iterator[None]:
    """Raise foreign exceptions from the body as this package's own; let its own through.

    `stage` names in the message what was being done, such as "opening a channel".
    """
    try:
        yield
    except TransportError:
        raise
    except Exception as error:  # Paramiko re-raises any class at all: see the module docstring
        raise translate(error, host, stage, otherwise) from error
