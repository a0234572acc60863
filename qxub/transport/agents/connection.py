"""What both twins give."""

from __future__ import annotations

from typing import Protocol


class AgentConnection(Protocol):
    """An open connection to an agent, which speaks draft-ietf-sshm-ssh-agent."""

    def send(self, data: bytes, /) -> object:
        """Send a request."""

    def recv(self, size: int, /) -> bytes | str:
        """Receive some of the answer; nothing (for Pageant, "") when the agent has closed."""

    def close(self) -> None:
        """Close the connection."""
