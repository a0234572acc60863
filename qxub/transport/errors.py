"""Everything that can go wrong between here and a remote process, as one tree.

TransportError
├── HostConfigError        ssh_config cannot be read, or says something invalid or unsupported
├── ResolveError           the host name has no address
├── ConnectError           refused, unreachable, timed out, not an SSH server, no shared algorithm
├── HostKeyError           the server is not (known to be) the one that was meant
│   ├── HostKeyUnknown     no known_hosts line names this host
│   ├── HostKeyChanged     known_hosts lists other keys for this host
│   ├── HostKeyRevoked     known_hosts or RevokedHostKeys revokes the offered key
│   └── HostCertificateInvalid  what was offered as a host certificate is none
├── AuthenticationError    the server did not let us in
├── ChannelError           a channel or a command was refused, or the channel is closed
├── FileError              a file could not be read, written or listed, here or on the host
│   ├── FileNotFound       there is none of that name
│   ├── FilePermissionDenied  the user may not do that with it
│   ├── FileIsDirectory    a directory stands where a file was meant
│   ├── FileNoSpace        the disk is full, or a quota is used up
│   └── FileIntegrityError what arrived is not what was sent
└── ConnectionLost         the line went before the remote process was known to have ended
"""

from __future__ import annotations

from dataclasses import dataclass


class TransportError(Exception):
    """The base of this package's errors; no other exception is raised for a remote failure.

    `message` says what happened, `hint` what to do about it (may be empty), and `host` is the
    host alias concerned. `str()` is the message.
    """

    def __init__(self, message: str, *, hint: str = "", host: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.host = host

    def __str__(self) -> str:
        return self.message

    def name_hop(self, hop: str, target: str) -> None:
        """Say in the message that the failure was at the jump host `hop` on the way to `target`."""
        self.message = f"jump host {hop} (on the way to {target}): {self.message}"


class HostConfigError(TransportError):
    """ssh_config cannot be read, is invalid, or asks for what is not supported.

    `problems` has all that is wrong, a text each, which begins with "FILE:LINE: " or with
    "command line: "; it is empty where no line is to blame.
    """

    def __init__(
        self, message: str, *, problems: tuple[str, ...] = (), hint: str = "", host: str = ""
    ) -> None:
        super().__init__(message, hint=hint, host=host)
        self.problems = problems


class ResolveError(TransportError):
    """The host name does not resolve to an address."""


class ConnectError(TransportError):
    """No SSH session could be set up with the server."""


class HostKeyError(TransportError):
    """The server's host key was not accepted; nothing secret had been sent to it."""


class HostKeyUnknown(HostKeyError):  # noqa: N818 - says what is so
    """No known_hosts file has a key for this host."""


class HostKeyChanged(HostKeyError):  # noqa: N818 - says what is so
    """known_hosts has keys for this host, and the offered one is not among them."""


class HostKeyRevoked(HostKeyError):  # noqa: N818 - says what is so
    """The offered key, or the authority that certified it, is revoked."""


class HostCertificateInvalid(HostKeyError):  # noqa: N818 - says what is so
    """The server's host certificate cannot be read, or was not signed by its authority."""


@dataclass(frozen=True)
class Attempt:
    """One authentication attempt, or the reason why something was not tried.

    `method` is named as in RFC 4252. `key` is the key's file, or the agent's comment for it, and
    empty for other methods; `fingerprint` is "SHA256:…", or empty where the key could not be read;
    `answer` is what came of it.
    """

    method: str
    key: str
    fingerprint: str
    answer: str

    def __str__(self) -> str:
        return (
            " ".join(filter(None, (self.method, self.key, self.fingerprint))) + ": " + self.answer
        )


class AuthenticationError(TransportError):
    """The server did not let us in.

    `attempts` lists what was tried or skipped, in order; `methods` names the authentication
    methods that the server would still accept (RFC 4252 section 5.1), as far as it said.
    """

    def __init__(
        self,
        message: str,
        *,
        attempts: tuple[Attempt, ...] = (),
        methods: tuple[str, ...] = (),
        hint: str = "",
        host: str = "",
    ) -> None:
        super().__init__(message, hint=hint, host=host)
        self.attempts = attempts
        self.methods = methods


class ChannelError(TransportError):
    """The server refused a channel or a command, or the channel is already closed."""


class FileError(TransportError):
    """A file could not be read, written or listed.

    `path` is the file as it was named, with what is not printable escaped; `host` is empty where
    the file is on this computer.
    """

    def __init__(self, message: str, *, path: str = "", hint: str = "", host: str = "") -> None:
        super().__init__(message, hint=hint, host=host)
        self.path = path


class FileNotFound(FileError):  # noqa: N818 - says what is so
    """There is no file of that name."""


class FilePermissionDenied(FileError):  # noqa: N818 - says what is so
    """The user may not do that with the file, or with the directory that it is in."""


class FileIsDirectory(FileError):  # noqa: N818 - says what is so
    """A directory stands where a file was meant."""


class FileNoSpace(FileError):  # noqa: N818 - says what is so
    """The disk is full, or a quota is used up."""


class FileIntegrityError(FileError):
    """What arrived is not what was sent; the file that was to be replaced is as it was."""


class ConnectionLost(TransportError):  # noqa: N818 - says what is so
    """The connection ended before the remote process was known to have ended.

    `stdout_bytes` and `stderr_bytes` count what had been received and handed on; `idle_seconds` is
    the time since the last of it came, or None where nothing had come.
    """

    def __init__(
        self,
        message: str,
        *,
        stdout_bytes: int = 0,
        stderr_bytes: int = 0,
        idle_seconds: float | None = None,
        hint: str = "",
        host: str = "",
    ) -> None:
        super().__init__(message, hint=hint, host=host)
        self.stdout_bytes = stdout_bytes
        self.stderr_bytes = stderr_bytes
        self.idle_seconds = idle_seconds
