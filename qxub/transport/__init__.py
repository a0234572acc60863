"""SSH on Paramiko, and nothing but SSH: usable alone, it knows no job, no CLI and no YAML.

    with connect(resolve("gadi")) as connection:
        completion = connection.run("hostname", stdout=out.write, stderr=err.write)

`resolve` reads ssh_config, `connect` checks the host key and logs in, `Connection.start` starts a
process. No Paramiko type or exception leaves the package. `Server` is the other end, for loopback.
"""

from qxub.transport.completion import Completion, Exited, NoStatus, Signalled
from qxub.transport.connection import Connection, connect
from qxub.transport.errors import (
    Attempt,
    AuthenticationError,
    ChannelError,
    ConnectError,
    ConnectionLost,
    HostCertificateInvalid,
    HostConfigError,
    HostKeyChanged,
    HostKeyError,
    HostKeyRevoked,
    HostKeyUnknown,
    ResolveError,
    TransportError,
)
from qxub.transport.host_config import HostConfig
from qxub.transport.keys import generate_key_pair
from qxub.transport.process import RemoteProcess, Sink
from qxub.transport.prompter import NOBODY, Prompter
from qxub.transport.ssh_config import resolve

__all__ = [
    "NOBODY",
    "Attempt",
    "AuthenticationError",
    "ChannelError",
    "Completion",
    "ConnectError",
    "Connection",
    "ConnectionLost",
    "Exited",
    "HostCertificateInvalid",
    "HostConfig",
    "HostConfigError",
    "HostKeyChanged",
    "HostKeyError",
    "HostKeyRevoked",
    "HostKeyUnknown",
    "NoStatus",
    "Prompter",
    "RemoteProcess",
    "ResolveError",
    "Signalled",
    "Sink",
    "TransportError",
    "connect",
    "generate_key_pair",
    "resolve",
]
