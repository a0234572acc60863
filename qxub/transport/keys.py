"""Client keys: files, an ssh-agent's keys, and making a new pair."""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paramiko.agent import AgentSSH
from paramiko.pkey import UnknownKeyType

from qxub.transport.agents import open_agents
from qxub.transport.known_hosts import parse_blob
from qxub.transport.translation import printable

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from qxub.transport.agents.connection import AgentConnection

log = logging.getLogger(__name__)

AGENT_SECONDS = 5.0


class KeyUnusableError(Exception):
    """A key file, or the agent, is of no use; the text says why."""


class PassphraseNeededError(KeyUnusableError):
    """The key file is encrypted, and the passphrase is missing or wrong."""


def load_private_key(file: Path, passphrase: bytes | None = None) -> paramiko.PKey:
    """Read a private key, with the certificate FILE-cert.pub if it is there.

    Raises PassphraseNeededError, or KeyUnusableError with another reason.
    """
    try:
        key: paramiko.PKey = paramiko.PKey.from_path(
            str(file),
            password=passphrase,  # type: ignore[arg-type] # text by the stub, but bytes in fact
        )
    except (TypeError, paramiko.PasswordRequiredException) as error:
        # cryptography raises TypeError for "encrypted, and no password given"
        raise PassphraseNeededError("needs a passphrase") from error
    except FileNotFoundError as error:
        raise KeyUnusableError("no such file") from error
    except OSError as error:
        raise KeyUnusableError(f"cannot be read: {error.strerror or error}") from error
    except (ValueError, paramiko.SSHException, UnknownKeyType, UnsupportedAlgorithm) as error:
        if passphrase is not None:
            raise PassphraseNeededError("the passphrase is wrong") from error
        log.debug("%s: %s", file, error)
        raise KeyUnusableError("is not a private key in a supported format") from error
    return key


def public_blob(file: Path) -> bytes | None:
    """Find the public part of an IdentityFile, from FILE.pub or from FILE itself, or None.

    FILE may itself be a public key whose private part is in the agent, as in OpenSSH.
    """
    for candidate in (file.with_name(file.name + ".pub"), file):
        blob = _read_public_key(candidate)
        if blob is not None:
            return blob
    try:
        return load_private_key(file).asbytes()
    except KeyUnusableError as error:
        log.debug("%s: %s", file, error)
        return None


def _read_public_key(file: Path) -> bytes | None:
    try:
        fields = file.read_text(encoding="utf-8", errors="replace").split(maxsplit=2)
        return parse_blob(fields[0], fields[1])
    except (OSError, ValueError, IndexError) as error:
        log.debug("%s: not a public key: %s", file, error)
        return None


class AgentKeys:
    """The keys that SSH agents hold; a context manager that closes the agents' connections.

    Listing happens in a daemon thread and is given up after AGENT_SECONDS, because Paramiko's
    agent client has no time-out. `problem` says what was wrong, if something was.
    """

    def __init__(self, identity_agent: str | None) -> None:
        self.keys: tuple[paramiko.AgentKey, ...] = ()
        self.problem = ""
        self._agents: list[_Agent] = []
        self._given_up = False
        if identity_agent == "none":
            return
        if identity_agent not in (None, "SSH_AUTH_SOCK"):
            self.problem = f"IdentityAgent {identity_agent} is not supported yet"
            return
        listing = threading.Thread(target=self._list, name="ssh-agent", daemon=True)
        listing.start()
        listing.join(AGENT_SECONDS)
        if listing.is_alive():
            self._given_up = True
            self.problem = f"did not answer within {AGENT_SECONDS:.0f} s"

    def _list(self) -> None:
        agents: list[_Agent] = []
        try:
            for connection in open_agents():
                agents.append(_Agent(connection))
                agents[-1].list_keys()
        except (paramiko.SSHException, OSError, EOFError, ValueError) as error:
            self.problem = printable(str(error))
        if self._given_up:
            _close(agents)
        else:
            self._agents, self.keys = agents, tuple(k for agent in agents for k in agent.get_keys())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _close(self._agents)


class _Agent(AgentSSH):
    """Paramiko's agent client, over a connection of ours."""

    def __init__(self, connection: AgentConnection) -> None:
        super().__init__()
        self._connection = connection

    def list_keys(self) -> None:
        self._connect(self._connection)  # type: ignore[attr-defined] # the stubs lack it

    def close(self) -> None:
        self._connection.close()


def _close(agents: list[_Agent]) -> None:
    for agent in agents:
        agent.close()


def generate_key_pair(file: Path) -> str:
    """Write a new Ed25519 key pair, in OpenSSH's format, to FILE (mode 0600) and FILE.pub.

    Returns the public line, as authorized_keys takes it. Raises OSError, FileExistsError included.
    """
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(private)
    file.with_name(file.name + ".pub").write_bytes(public + b"\n")
    return public.decode("ascii")
