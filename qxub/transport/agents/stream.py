"""What both twins give: a way to send a request to an agent and get its answer, in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from qxub.transport.key_errors import KeyUnusableError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ANSWER = 256 * 1024
"""as ssh(1): MAX_AGENT_REPLY_LEN of its authfd.c"""


class AgentError(KeyUnusableError):
    """The agent did not answer, or not sensibly; the text says what was wrong."""


class AgentStream(Protocol):
    """An open connection to an agent."""

    def exchange(self, request: bytes, seconds: float) -> bytes:
        """Send a message and return the answer, both without their length. Raises AgentError."""

    def close(self) -> None:
        """Close the connection."""


def too_slow(seconds: float) -> AgentError:
    """Give the error for an agent that hangs."""
    return AgentError(f"did not answer within {seconds:g} s")


def read_message(receive: Callable[[int], bytes]) -> bytes:
    """Read an answer; `receive` gives up to so many bytes. Raises AgentError."""
    size = int.from_bytes(_read(receive, 4), "big")
    if not 0 < size <= MAX_ANSWER:
        raise AgentError(f"announced an answer of {size} bytes")
    return _read(receive, size)


def _read(receive: Callable[[int], bytes], size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = receive(size - len(data))
        if not more:
            raise AgentError("closed the connection")
        data += more
    return data
