"""The POSIX twin: ssh-agent's Unix socket."""

from __future__ import annotations

import logging
import os
import socket
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qxub.transport.agents.connection import AgentConnection

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

log = logging.getLogger(__name__)


def open_agents() -> Iterator[AgentConnection]:
    """Connect to the agent that SSH_AUTH_SOCK names, if it is there (ssh-agent(1))."""
    address = os.environ.get("SSH_AUTH_SOCK")
    if not address:
        return
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(address)
    except OSError as error:  # a variable that has outlived its agent is common
        connection.close()
        log.debug("no agent at %s: %s", address, error)
        return
    yield connection
