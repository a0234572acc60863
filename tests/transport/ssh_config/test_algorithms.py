"""What ssh_config may ask for is what the transport can do: the two lists are held together."""

from __future__ import annotations

import paramiko
import pytest

from qxub.transport.paramiko_hooks import PLAIN_HOST_KEY_ALGORITHMS, WEAK_ALGORITHMS
from qxub.transport.ssh_config.algorithms import OURS

PARAMIKO = {
    "ciphers": paramiko.Transport._preferred_ciphers,  # type: ignore[attr-defined]
    "macs": paramiko.Transport._preferred_macs,  # type: ignore[attr-defined]
    "kexalgorithms": paramiko.Transport._preferred_kex,  # type: ignore[attr-defined]
    "hostkeyalgorithms": (
        *(f"{name}-cert-v01@openssh.com" for name in PLAIN_HOST_KEY_ALGORITHMS),
        *PLAIN_HOST_KEY_ALGORITHMS,
    ),
}


@pytest.mark.parametrize("keyword", PARAMIKO)
def test_the_lists_are_paramikos_without_the_weak(keyword: str) -> None:
    weak = WEAK_ALGORITHMS.get(keyword, [])
    theirs = tuple(name for name in PARAMIKO[keyword] if name not in weak)
    # with an older cryptography library, Paramiko has no mlkem, and then it is not offered
    missing = {"mlkem768x25519-sha256"} - set(theirs)
    assert tuple(name for name in OURS.usable[keyword] if name not in missing) == theirs


def test_signs() -> None:
    ciphers = OURS.usable["ciphers"]
    first, second, *_ = ciphers
    assert OURS.assemble("ciphers", None) == ciphers
    assert OURS.assemble("ciphers", f"{second},{first}") == (second, first)
    assert OURS.assemble("ciphers", f"^{second}")[:2] == (second, first)
    assert OURS.assemble("ciphers", "-aes*-ctr") == tuple(c for c in ciphers if "gcm" in c)
    assert OURS.assemble("ciphers", "+chacha20-poly1305@openssh.com") == ciphers
    with pytest.raises(ValueError, match="cannot do"):
        OURS.assemble("ciphers", "chacha20-poly1305@openssh.com")
