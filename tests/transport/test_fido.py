"""FIDO keys through an agent, against OpenSSH's sshd; the token is played in software."""

# ruff: noqa: E402 - the assertion comes first, for mypy

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if sys.platform == "win32":
    pytest.skip("the agent's socket is a Unix one", allow_module_level=True)
assert sys.platform != "win32"  # for mypy, which passes over it elsewhere

from qxub.transport import connect, resolve
from tests.fakes.agent_posix import agent_that
from tests.fakes.fido_token import EcdsaToken, Ed25519Token
from tests.real.sshd import running_sshd

if TYPE_CHECKING:
    from pathlib import Path

TOKENS = pytest.mark.parametrize("kind", [Ed25519Token, EcdsaToken])


@TOKENS
@pytest.mark.parametrize("certified", [False, True], ids=["plain", "certificate"])
def test_login_by_a_token(tmp_path: Path, kind: type[Ed25519Token], certified: bool) -> None:
    token, public = kind(), tmp_path / "token.pub"
    public.write_text(token.line + "\n")
    ca = tmp_path / "ca"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ca], check=True)
    with running_sshd(tmp_path / "sshd", f'TrustedUserCAKeys "{ca}.pub"') as server:
        host = resolve("target", config_file=server.ssh_config)
        sign = ["ssh-keygen", "-q", "-s", str(ca), "-I", "id", "-n", host.user, str(public)]
        certificates: tuple[Path, ...] = ()
        if certified:
            subprocess.run(sign, check=True)
            certificates = (tmp_path / "token-cert.pub",)
        else:
            (server.directory / "authorized_keys").write_text(token.line + "\n")
        with agent_that(token.answer, tmp_path / "agent") as agent:
            changes = {"identities_only": certified, "certificate_files": certificates}
            place = str(agent)
            host = dataclasses.replace(host, identity_agent=place, identity_files=(), **changes)  # type: ignore[arg-type]
            connect(host).close()
