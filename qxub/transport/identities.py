"""What can be offered to a server: keys and certificates, from files and from an agent."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from typing import TYPE_CHECKING, Protocol

from qxub.transport.key_errors import KeyUnusableError, PassphraseNeededError
from qxub.transport.key_files import read_private_file, read_small_file
from qxub.transport.keys import blob_of, load_private_key, sign
from qxub.transport.openssh_key import MISSING, read_container
from qxub.transport.public_keys import read_certificate, read_public_file
from qxub.transport.translation import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from qxub.transport.agents.client import Agent, HeldKey
    from qxub.transport.host_config import HostConfig
    from qxub.transport.keys import PrivateKey

log = logging.getLogger(__name__)

PASSPHRASE_TRIES = 3
"""as ssh(1) asks"""

_unlocked: dict[tuple[Path, bytes], PrivateKey] = {}
"""keys whose passphrase this process has been told, by file and SHA-256 of its content"""


class Identity(Protocol):
    """A public key or certificate, and who can sign for it."""

    label: str
    """where it comes from, for the account of a login"""

    @property
    def blob(self) -> bytes | None:
        """What is offered; None until it is unlocked."""

    @property
    def note(self) -> str:
        """What else there is to say if it is refused."""

    @property
    def is_ready(self) -> bool:
        """Whether it signs without asking anybody; else the server is asked first."""

    def check(self) -> None:
        """Return if it may be of use. Raises KeyUnusableError."""

    def unlock(self) -> None:
        """Ask for the passphrase if one is needed. Raises KeyUnusableError."""

    def sign(self, data: bytes, algorithm: str) -> bytes:
        """Sign with the plain algorithm. Raises KeyUnusableError."""


class AgentIdentity:
    """A key or certificate that an agent holds."""

    is_ready = False
    note = ""

    def __init__(self, agent: Agent, held: HeldKey) -> None:
        self.label = f"agent key '{printable(held.comment)}'"
        self.blob: bytes = held.blob
        self._agent = agent

    def check(self) -> None:
        """Return if the agent still answers. Raises AgentError."""
        self._agent.check()

    def unlock(self) -> None:
        """Do nothing: that is the agent's business."""

    def sign(self, data: bytes, algorithm: str) -> bytes:
        """Have the agent sign. Raises AgentError."""
        return self._agent.sign(self.blob, data, algorithm)


class FileIdentity:
    """An IdentityFile. `ask` is asked for its passphrase with a text, and gives it or None."""

    note = ""

    def __init__(self, file: Path, ask: Callable[[str], str | None]) -> None:
        self.label = str(file)
        self.file = file
        self.problem: KeyUnusableError | None = None
        self._ask = ask
        self._data = b""
        self._key: PrivateKey | None = None
        try:
            self._data = read_private_file(file)
            self._key = _unlocked.get(self._name) or load_private_key(self._data)
        except KeyUnusableError as error:
            self.problem = error
        self.blob: bytes | None = blob_of(self._key) if self._key else self._public_part()

    @property
    def is_ready(self) -> bool:
        """Whether the private key is there."""
        return self._key is not None

    @property
    def is_missing(self) -> bool:
        """Whether there is nothing of that name."""
        return self.blob is None and not os.path.lexists(self.file)

    @property
    def needs_passphrase(self) -> bool:
        """Whether nothing but a passphrase is missing."""
        return isinstance(self.problem, PassphraseNeededError)

    def check(self) -> None:
        """Return if there is a key, locked or not."""
        if self.problem is not None and not self.needs_passphrase:
            raise self.problem

    def unlock(self) -> None:
        """Ask for the passphrase, up to three times; once a run for a file. Raises as `sign`."""
        if self._key is not None:
            return
        for _ in range(PASSPHRASE_TRIES):
            passphrase = self._ask(f"Enter passphrase for key '{printable(self.label)}': ")
            if not passphrase:
                break
            try:
                self._key = load_private_key(self._data, passphrase.encode())
            except PassphraseNeededError as error:
                self.problem = error
            else:
                _unlocked[self._name] = self._key
                self.blob = blob_of(self._key)
                return
        raise self.problem or PassphraseNeededError(MISSING)

    def sign(self, data: bytes, algorithm: str) -> bytes:
        """Sign. Raises KeyUnusableError."""
        self.unlock()
        assert self._key is not None  # noqa: S101 - else unlock() has raised
        return sign(self._key, data, algorithm)

    @property
    def _name(self) -> tuple[Path, bytes]:
        return self.file, hashlib.sha256(self._data).digest()

    def _public_part(self) -> bytes | None:
        """Find it in the encrypted file itself, in FILE.pub, or in FILE, which may be public.

        A public FILE names a key that is in the agent.
        """
        try:
            container = read_container(self._data)
        except ValueError as error:
            log.debug("%s: %s", self.file, error)
            container = None
        if container is not None and self.needs_passphrase:
            return container.public
        blob = read_public_file(self.file.with_name(self.file.name + ".pub"))
        if blob is None and (blob := read_public_file(self.file)) is not None:
            self.problem = KeyUnusableError("is a public key, and no agent has its private part")
        return blob


class CertificateIdentity:
    """A user certificate from a file, and the plain key that signs for it."""

    def __init__(self, label: str, blob: bytes, signer: Identity) -> None:
        self.label = label
        self.blob: bytes = blob
        self.note = read_certificate(blob).lapse(time.time())
        self._signer = signer

    @property
    def is_ready(self) -> bool:
        """As its key."""
        return self._signer.is_ready

    def check(self) -> None:
        """As its key."""
        self._signer.check()

    def unlock(self) -> None:
        """As its key."""
        self._signer.unlock()

    def sign(self, data: bytes, algorithm: str) -> bytes:
        """As its key."""
        return self._signer.sign(data, algorithm)


class Unusable:
    """What was meant to be offered, and cannot be."""

    blob = None
    is_ready = False
    note = ""

    def __init__(self, label: str, problem: KeyUnusableError) -> None:
        self.label = label
        self._problem = problem

    def check(self) -> None:
        """Raise the reason."""
        raise self._problem

    def unlock(self) -> None:
        """Raise the reason."""
        raise self._problem

    def sign(self, data: bytes, algorithm: str) -> bytes:
        """Raise the reason."""
        del data, algorithm
        raise self._problem


def collect(
    host: HostConfig, files: Sequence[FileIdentity], held: Sequence[AgentIdentity]
) -> Iterator[Identity]:
    """Give what can be offered, in OpenSSH's order (pubkey_prepare in its sshconnect2.c).

    Certificates, agent keys that the configuration names, other agent keys, files. With
    IdentitiesOnly the agent only signs for what the configuration names.
    """
    certificates = list(_certificates(host, [*held, *files]))
    yield from certificates
    named = {file.blob for file in files} | {certificate.blob for certificate in certificates}
    for key in held:
        key.label += "".join(f" for {file.label}" for file in files if file.blob == key.blob)
    yield from (key for key in held if key.blob in named)
    if not host.identities_only:
        yield from (key for key in held if key.blob not in named)
    if "identityfile" in host.origins:
        yield from files
    else:  # the usual names, of which most are missing
        yield from (file for file in files if not file.is_missing)


def _certificates(host: HostConfig, signers: Sequence[Identity]) -> Iterator[Identity]:
    beside = (file.with_name(file.name + "-cert.pub") for file in host.identity_files)
    for file in dict.fromkeys([*host.certificate_files, *filter(os.path.lexists, beside)]):
        try:
            yield _certify(file, signers)
        except KeyUnusableError as error:
            yield Unusable(str(file), error)


def _certify(file: Path, signers: Sequence[Identity]) -> CertificateIdentity:
    """Join a certificate and its key. Raises KeyUnusableError."""
    read_small_file(file)  # which gives the reason, where there is one
    blob = read_public_file(file)
    if blob is None:
        raise KeyUnusableError("is not a certificate")
    try:
        plain = read_certificate(blob).key
    except ValueError as error:
        raise KeyUnusableError(f"is not a user certificate: {error}") from error
    for signer in signers:
        if signer.blob == plain:
            return CertificateIdentity(str(file), blob, signer)
    raise KeyUnusableError("is a certificate whose private key is neither in a file nor the agent")
