"""Whether the server is the one that was meant: known_hosts, and what the user wants else.

The meaning of StrictHostKeyChecking is OpenSSH's (ssh_config(5)), but that a changed or revoked key
is refused with `no`, too (docs/decisions/0005-host-keys.md).
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from typing import TYPE_CHECKING

from qxub.transport import host_key_errors as errors
from qxub.transport.blobs import is_certificate, rsa_bits, short_name
from qxub.transport.host_certificates import (
    check_authority_signed,
    describe_certificate,
    problem_of,
    read_certificate,
)
from qxub.transport.host_keys import Standing, portless_name
from qxub.transport.known_hosts import fingerprint
from qxub.transport.known_hosts_writer import add_known_key
from qxub.transport.revoked_keys import revoked_in
from qxub.transport.ssh_config.algorithms import OURS
from qxub.transport.translation import printable

if TYPE_CHECKING:
    from qxub.transport.host_certificates import Certificate
    from qxub.transport.host_config import HostConfig
    from qxub.transport.host_keys import KnownHost
    from qxub.transport.prompter import Prompter

log = logging.getLogger(__name__)

_UNSEEN = {"accept-new": "accept-new", "false": "no"}
"""the values of StrictHostKeyChecking that trust an unknown key, and how users write them"""

MOST_QUESTIONS = 5
"""to somebody who says neither yes nor no; a program that answers for ever must not hang us"""


def check_host_key(
    host: HostConfig,
    known: KnownHost,
    offered: bytes,
    prompter: Prompter,
    *,
    sock: object = None,
    now: float | None = None,
) -> None:
    """Return if the key or certificate `offered` is to be trusted as the host's; otherwise raise.

    A key that the user accepts is added to known_hosts. `sock` is the line to the host, `now` the
    time for certificates. Raises HostKeyUnknown, HostKeyChanged, HostKeyRevoked,
    HostCertificateInvalid, or HostKeyError.
    """
    certificate = _read_certificate(host, offered)
    key = certificate.key if certificate else offered
    _check_any_key(host, key, certificate)
    if _is_exempt(host, sock):
        log.info("%s: the host key is not checked: NoHostAuthenticationForLocalhost", host.alias)
        return
    problem = ""
    if certificate is not None:
        problem = _problem_of_certificate(host, known, certificate, now)
        if not problem:
            return
    _check_plain_key(host, known, key, prompter, problem)


def _read_certificate(host: HostConfig, offered: bytes) -> Certificate | None:
    try:
        if not is_certificate(offered):
            return None
        certificate = read_certificate(offered)
        check_authority_signed(certificate)
    except ValueError as error:
        raise errors.certificate_invalid(host, str(error)) from error
    return certificate


def _check_any_key(host: HostConfig, key: bytes, certificate: Certificate | None) -> None:
    """Refuse what no known_hosts line can make good: a key that is too short, or revoked."""
    bits = rsa_bits(key)
    if bits is not None and bits < host.required_rsa_size:
        raise errors.key_too_small(host, bits)
    place = revoked_in(host, key, certificate)
    if place:
        raise errors.revoked(host, _describe(key, certificate), place)


def _is_exempt(host: HostConfig, sock: object) -> bool:
    """Whether this is the machine itself, and the user wants no check of that.

    As in OpenSSH it is the address that counts, of a direct connection.
    """
    if not host.no_host_authentication_for_localhost or host.host_key_alias is not None:
        return False
    if host.jump or host.proxy_command or not isinstance(sock, socket.socket):
        return False
    return ipaddress.ip_address(sock.getpeername()[0].partition("%")[0]).is_loopback


def _problem_of_certificate(
    host: HostConfig, known: KnownHost, certificate: Certificate, now: float | None
) -> str:
    """Tell why a certificate proves nothing. Raises HostKeyRevoked."""
    finding = known.find_authority(certificate)
    if finding.standing is Standing.REVOKED:
        what = _describe(certificate.key, certificate)
        raise errors.revoked(host, what, finding.lines[0].place)
    if finding.standing is Standing.UNKNOWN:
        # which is usual where an authority is listed for more hosts than it certifies
        problem = f"no @cert-authority line for this host has {_authority(certificate)}"
        log.info("%s: the host certificate is passed over: %s", host.alias, problem)
        return problem
    allowed = host.algorithms.get("casignaturealgorithms") or OURS.defaults["casignaturealgorithms"]
    problem = problem_of(certificate, portless_name(host), allowed, now)
    bits = rsa_bits(certificate.authority)
    if bits is not None and bits < host.required_rsa_size:
        problem = f"its authority has an RSA key of {bits} bits, less than RequiredRSASize"
    if problem:
        log.warning("%s: the host certificate is refused: %s", host.alias, printable(problem))
    return problem


def _check_plain_key(
    host: HostConfig, known: KnownHost, key: bytes, prompter: Prompter, problem: str
) -> None:
    finding = known.find_key(key)
    if finding.standing is Standing.KNOWN:
        return
    if finding.standing is Standing.REVOKED:
        raise errors.revoked(host, errors.describe_key(key), finding.lines[0].place)
    if finding.standing is Standing.CHANGED:
        raise errors.changed(host, key, finding.lines)
    about = f", and its host certificate was refused: {problem}" if problem else ""
    checking = host.strict_host_key_checking
    if checking == "ask":
        _ask(host, known, key, prompter, about)
        added = add_known_key(host, key)
        if added is not None:
            prompter.tell(f"The key of {host.known_hosts_name} has been added to {added}.")
    elif checking in _UNSEEN:
        _trust_unseen(host, key, _UNSEEN[checking])
    else:
        raise errors.unknown(host, key, f"{about} (StrictHostKeyChecking yes)")


def _trust_unseen(host: HostConfig, key: bytes, value: str) -> None:
    added = add_known_key(host, key)
    log.warning(
        "%s: the %s of %s was not known; StrictHostKeyChecking %s trusts it unseen%s",
        *(host.alias, errors.describe_key(key), printable(host.known_hosts_name), value),
        f", and it has been added to {added}" if added else "",
    )


def _ask(host: HostConfig, known: KnownHost, key: bytes, prompter: Prompter, about: str) -> None:
    """Return if a person accepts the key. Raises HostKeyUnknown."""
    text = question(host, known, key, about)
    for _ in range(0 if host.batch_mode else MOST_QUESTIONS):
        answer = prompter.ask(text, echo=True)
        if answer is None:
            break
        words = answer.split()[:1] or ["no"]  # to press Enter is to decline, as in OpenSSH
        if words[0].lower() == "no":
            raise errors.unknown(host, key, f"{about}, and that was not accepted")
        if words[0].lower() == "yes" or words[0] == fingerprint(key):
            return
        text = "Please type 'yes', 'no' or the fingerprint: "
    raise errors.unknown(host, key, about)


def question(host: HostConfig, known: KnownHost, key: bytes, about: str = "") -> str:
    """Ask a person about an unknown key, in OpenSSH's words."""
    places = [f"{line.place}: {line.hosts}" for line in known.other_places(key)]
    also = "This key is already known, by other names: " + ", ".join(places[:3])
    kind, name = short_name(key), printable(host.known_hosts_name)
    alias = "" if host.alias == host.known_hosts_name else f" ({printable(host.alias)})"
    lines = [
        f"The authenticity of host '{name}'{alias} can't be established{printable(about)}.",
        f"{kind} key fingerprint is {fingerprint(key)}.",
        printable(also) if places else f"The {kind} key is not known by any other name.",
        "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
    ]
    return "\n".join(lines)


def _describe(key: bytes, certificate: Certificate | None) -> str:
    if certificate is None:
        return errors.describe_key(key)
    what = (
        f"{describe_certificate(certificate)} by the authority {fingerprint(certificate.authority)}"
    )
    return f"{errors.describe_key(key)}, in the {what}"


def _authority(certificate: Certificate) -> str:
    return f"its authority's {errors.describe_key(certificate.authority)}"
