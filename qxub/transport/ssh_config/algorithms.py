"""Lists of algorithms: which names there are, which of them we can use, and `+`, `-`, `^`.

The names that may be written are those of OpenSSH 9.2 to 10; what a list comes to is evaluated
against what our transport can do, so that a name that it cannot do is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from qxub.transport.patterns import matches, matches_any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CIPHERS = (
    *("aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com"),
    *("chacha20-poly1305@openssh.com", "3des-cbc", "aes128-cbc", "aes192-cbc", "aes256-cbc"),
)
_PLAIN_MACS = (
    *("hmac-sha2-256", "hmac-sha2-512", "hmac-sha1", "hmac-sha1-96", "hmac-md5", "hmac-md5-96"),
    *("umac-64@openssh.com", "umac-128@openssh.com"),
)
_MACS = _PLAIN_MACS + tuple(
    name.replace("@openssh.com", "") + "-etm@openssh.com" for name in _PLAIN_MACS
)
_KEY_EXCHANGES = (
    *("mlkem768x25519-sha256", "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com"),
    *("curve25519-sha256", "curve25519-sha256@libssh.org"),
    *("ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"),
    *("diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group14-sha256"),
    *("diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512"),
    *("diffie-hellman-group-exchange-sha1", "diffie-hellman-group-exchange-sha256"),
)
_PLAIN_KEYS = (
    *("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    *("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
    *("webauthn-sk-ecdsa-sha2-nistp256@openssh.com", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"),
    *("ssh-dss", "ssh-mldsa44-ed25519@openssh.com"),
)
_KEYS = _PLAIN_KEYS + tuple(
    name.replace("@openssh.com", "") + "-cert-v01@openssh.com" for name in _PLAIN_KEYS
)
_SHORT_KEY_NAMES = ("rsa", "dsa", "ecdsa", "ed25519", "ecdsa-sk", "ed25519-sk", "xmss")

KNOWN: Mapping[str, tuple[str, ...]] = {
    "ciphers": _CIPHERS,
    "macs": _MACS,
    "kexalgorithms": _KEY_EXCHANGES,
    "hostkeyalgorithms": _KEYS,
    "pubkeyacceptedalgorithms": _KEYS,
    "hostbasedacceptedalgorithms": _KEYS,
    "casignaturealgorithms": _KEYS,
}
"""the names that each keyword may have"""


@dataclass(frozen=True)
class Algorithms:
    """What a client can do, by keyword: its default lists, and all that it can use if asked to."""

    defaults: Mapping[str, tuple[str, ...]]
    usable: Mapping[str, tuple[str, ...]]

    def assemble(self, keyword: str, text: str | None) -> tuple[str, ...]:
        """Evaluate the text of a list, or None for the default.

        `+` appends to the default list, `-` takes from it, `^` puts at its head. Raises ValueError
        when nothing is left of what is asked for.
        """
        defaults, usable = self.defaults[keyword], self.usable[keyword]
        if text is None:
            return defaults
        sign, names = (text[0], text[1:]) if text[0] in "+-^" else ("", text)
        wanted = names.split(",")
        if sign == "-":
            return tuple(name for name in defaults if not matches_any(name, wanted))
        if any(name.startswith("!") for name in wanted):
            raise ValueError(f'cannot take "!" in {text!r}')
        found = [name for pattern in wanted for name in usable if matches(name, pattern)]
        before, after = (defaults, ()) if sign == "+" else ((), defaults if sign == "^" else ())
        result = tuple(dict.fromkeys((*before, *found, *after)))
        if not result:
            can = ",".join(usable)
            raise ValueError(f"asks for {text}, which this client cannot do; it can do {can}")
        return result


def _ours() -> Algorithms:
    secure_macs = _MACS[:2] + tuple(f"{name}-etm@openssh.com" for name in _MACS[:2])
    keys = (*_PLAIN_KEYS[:4], "rsa-sha2-512", "rsa-sha2-256")
    agent_keys = (*keys, *_PLAIN_KEYS[4:6])  # those on FIDO tokens, which an agent can use
    certificates = tuple(
        name.replace("@openssh.com", "") + "-cert-v01@openssh.com" for name in agent_keys
    )
    usable = {
        "ciphers": _CIPHERS[:5],
        "macs": secure_macs,
        "kexalgorithms": (
            *("mlkem768x25519-sha256", "curve25519-sha256@libssh.org"),
            *("ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"),
            *("diffie-hellman-group16-sha512", "diffie-hellman-group-exchange-sha256"),
            "diffie-hellman-group14-sha256",
        ),
        "hostkeyalgorithms": (*(f"{name}-cert-v01@openssh.com" for name in keys), *keys),
        "pubkeyacceptedalgorithms": (*certificates, *agent_keys),
        "casignaturealgorithms": keys,
    }
    return Algorithms(usable, usable)


OURS = _ours()
"""what the transport can do; tests/transport/ssh_config holds it to Paramiko's own lists"""


def check_names(keyword: str, text: str) -> None:
    """Check that a list names nothing unknown. Raises ValueError. What `-` names is not checked."""
    if text.startswith("-"):
        return
    names = (text[1:] if text[0] in "+^" else text).split(",")
    if names == [""]:
        raise ValueError(f"has no algorithm in {text!r}")
    unknown = list(_unknown(names, KNOWN[keyword], are_keys=KNOWN[keyword] is _KEYS))
    if unknown:
        raise ValueError(f"has no algorithm {unknown[0]!r}; there are {', '.join(KNOWN[keyword])}")


def _unknown(names: Iterable[str], known: tuple[str, ...], *, are_keys: bool) -> Iterable[str]:
    """Find the names that are not known; key types may be patterns, or have short names.

    As OpenSSH does, it looks no further than to an empty name.
    """
    for name in takewhile(bool, names):
        if name in known:
            continue
        if are_keys and (
            name.lower() in _SHORT_KEY_NAMES or any(matches_any(key, [name]) for key in known)
        ):
            continue
        yield name
