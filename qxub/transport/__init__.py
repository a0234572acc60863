"""SSH on Paramiko, and nothing but SSH: usable alone, it knows no job, no CLI and no YAML.

    with connect(resolve("gadi")) as connection:
        completion = connection.run("hostname", stdout=out.write, stderr=err.write)

`resolve` reads ssh_config, `connect` checks the host key and logs in, `Connection.start` starts a
process, `open_files` leads to the host's files. No Paramiko type or exception leaves the package.
`Server` is the other end, for loopback.

The names are imported when they are first used: reading ssh_config needs no Paramiko.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qxub.transport.completion import Completion, Exited, NoStatus, Signalled, TimedOut
    from qxub.transport.connection import Connection, connect
    from qxub.transport.errors import (
        Attempt,
        AuthenticationError,
        ChannelError,
        ConnectError,
        ConnectionLost,
        FileError,
        FileIntegrityError,
        FileIsDirectory,
        FileNoSpace,
        FileNotFound,
        FilePermissionDenied,
        HostCertificateInvalid,
        HostConfigError,
        HostKeyChanged,
        HostKeyError,
        HostKeyRevoked,
        HostKeyUnknown,
        ResolveError,
        TransportError,
    )
    from qxub.transport.files import (
        Check,
        FileKind,
        Files,
        FileStatus,
        Progress,
        Transfer,
        open_files,
    )
    from qxub.transport.host_config import HostConfig
    from qxub.transport.keys import generate_key_pair
    from qxub.transport.process import RemoteProcess
    from qxub.transport.prompter import NOBODY, Callbacks, Prompter
    from qxub.transport.pty import Pty
    from qxub.transport.sinks import Memory, Sink, Target
    from qxub.transport.ssh_config import resolve

__all__ = [
    "NOBODY",
    "Attempt",
    "AuthenticationError",
    "Callbacks",
    "ChannelError",
    "Check",
    "Completion",
    "ConnectError",
    "Connection",
    "ConnectionLost",
    "Exited",
    "FileError",
    "FileIntegrityError",
    "FileIsDirectory",
    "FileKind",
    "FileNoSpace",
    "FileNotFound",
    "FilePermissionDenied",
    "FileStatus",
    "Files",
    "HostCertificateInvalid",
    "HostConfig",
    "HostConfigError",
    "HostKeyChanged",
    "HostKeyError",
    "HostKeyRevoked",
    "HostKeyUnknown",
    "Memory",
    "NoStatus",
    "Progress",
    "Prompter",
    "Pty",
    "RemoteProcess",
    "ResolveError",
    "Signalled",
    "Sink",
    "Target",
    "TimedOut",
    "Transfer",
    "TransportError",
    "connect",
    "generate_key_pair",
    "open_files",
    "resolve",
]

_HOMES = {
    "completion": ("Completion", "Exited", "NoStatus", "Signalled", "TimedOut"),
    "connection": ("Connection", "connect"),
    "errors": (
        "Attempt",
        "AuthenticationError",
        "ChannelError",
        "ConnectError",
        "ConnectionLost",
        "FileError",
        "FileIntegrityError",
        "FileIsDirectory",
        "FileNoSpace",
        "FileNotFound",
        "FilePermissionDenied",
        "HostCertificateInvalid",
        "HostConfigError",
        "HostKeyChanged",
        "HostKeyError",
        "HostKeyRevoked",
        "HostKeyUnknown",
        "ResolveError",
        "TransportError",
    ),
    "files": (
        "Check",
        "FileKind",
        "FileStatus",
        "Files",
        "Progress",
        "Transfer",
        "open_files",
    ),
    "host_config": ("HostConfig",),
    "keys": ("generate_key_pair",),
    "process": ("RemoteProcess",),
    "prompter": ("NOBODY", "Callbacks", "Prompter"),
    "pty": ("Pty",),
    "sinks": ("Memory", "Sink", "Target"),
    "ssh_config": ("resolve",),
}
"""module → the names that it gives"""

if not TYPE_CHECKING:  # else mypy would take any name for one of ours

    def __getattr__(name: str) -> object:
        """Import a name of `__all__` from its module (PEP 562)."""
        for module, names in _HOMES.items():
            if name in names:
                value = getattr(import_module(f"{__name__}.{module}"), name)
                globals()[name] = value
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
