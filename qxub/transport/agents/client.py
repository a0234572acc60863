"""What is asked of an agent: which keys it has, and signatures (draft-miller-ssh-agent)."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.transport.agents import open_stream
from qxub.transport.agents.stream import AgentError
from qxub.transport.blobs import BlobReader, write_string

if TYPE_CHECKING:
    from qxub.transport.agents.stream import AgentStream

LIST_SECONDS = 5.0
SIGN_SECONDS = 60.0
"""the agent may ask its person, or wait for a touch of a token"""
MAX_KEYS = 2_048
"""as ssh(1): MAX_AGENT_IDENTITIES"""

_FAILURE, _REQUEST_IDENTITIES, _IDENTITIES_ANSWER, _SIGN_REQUEST, _SIGN_RESPONSE = 5, 11, 12, 13, 14
_FLAGS = {"rsa-sha2-256": 2, "rsa-sha2-512": 4}


@dataclass(frozen=True)
class HeldKey:
    """A key, or a certificate, that the agent holds."""

    blob: bytes
    comment: str


class Agent:
    """A connection to an agent. All methods raise AgentError; one that hangs is asked once."""

    def __init__(self, stream: AgentStream) -> None:
        self._stream = stream
        self._broken: AgentError | None = None

    def list_keys(self) -> list[HeldKey]:
        """Ask for all keys."""
        answer = BlobReader(self._exchange(bytes([_REQUEST_IDENTITIES]), LIST_SECONDS))
        try:
            if answer.number(1) != _IDENTITIES_ANSWER:
                raise AgentError("refused to list its keys")
            count = answer.number()
            if count > MAX_KEYS:
                raise AgentError(f"claims to hold {count} keys")
            return [_read_key(answer) for _ in range(count)]
        except ValueError as error:
            raise AgentError(f"gave a damaged list of keys: {error}") from error

    def sign(self, blob: bytes, data: bytes, algorithm: str) -> bytes:
        """Ask for a signature of the key or certificate `blob`; `algorithm` matters for RSA."""
        flags = _FLAGS.get(algorithm, 0)
        request = (
            bytes([_SIGN_REQUEST])
            + write_string(blob)
            + write_string(data)
            + flags.to_bytes(4, "big")
        )
        answer = BlobReader(self._exchange(request, SIGN_SECONDS))
        try:
            kind = answer.number(1)
            if kind == _FAILURE:
                raise AgentError("refused to sign")
            if kind != _SIGN_RESPONSE:
                raise AgentError(f"answered with message {kind} where a signature was asked for")
            signature = answer.string()
            made_by = BlobReader(signature).string().decode("ascii", "replace")
        except ValueError as error:
            raise AgentError(f"gave a damaged signature: {error}") from error
        if flags and made_by != algorithm:
            raise AgentError(f"signed by {made_by!r} and not by {algorithm}; it may be too old")
        return signature

    def check(self) -> None:
        """Raise what was wrong with it before, if something was."""
        if self._broken is not None:
            raise self._broken

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def _exchange(self, request: bytes, seconds: float) -> bytes:
        self.check()
        try:
            return self._stream.exchange(request, seconds)
        except AgentError as error:
            self._broken = error
            raise


def open_agent(identity_agent: str | None) -> Agent | None:
    """Connect as `open_agent_stream` does."""
    stream = open_agent_stream(identity_agent)
    return Agent(stream) if stream else None


def open_agent_stream(identity_agent: str | None) -> AgentStream | None:
    """Connect to the agent that IdentityAgent or ForwardAgent names (ssh_config(5)).

    None: it says "none", or nothing is there to be connected to. Raises AgentError.
    """
    if identity_agent is not None and identity_agent.lower() == "none":
        return None
    place = None if identity_agent == "SSH_AUTH_SOCK" else identity_agent
    if place is not None and re.fullmatch(r"\$\w+", place, re.ASCII):
        place = os.environ.get(place[1:])
        if not place:
            return None
    return open_stream(place)


def where(identity_agent: str | None) -> str:
    """Name the agent in an account of what was tried."""
    if identity_agent not in (None, "SSH_AUTH_SOCK"):
        return f"agent {identity_agent}"
    return "agent" if sys.platform == "win32" else "agent (SSH_AUTH_SOCK)"


def _read_key(answer: BlobReader) -> HeldKey:
    blob, comment = answer.string(), answer.string()
    BlobReader(blob).string()  # raises ValueError where there is no type
    return HeldKey(blob, comment.decode("utf-8", "replace")[:100])
