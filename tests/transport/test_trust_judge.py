"""The same files, asked of OpenSSH's `ssh` and of us: both get in, or neither does.

What OpenSSH accepts and we refuse, or the other way about, is in docs/decisions/0005-host-keys.md.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from qxub.transport import HostKeyError, connect, resolve
from qxub.transport.known_hosts import hash_name
from tests.fakes.host_keys import new_key, public_line
from tests.fakes.prompter import Answers
from tests.real.requirements import require
from tests.real.ssh_keygen import certify, ssh_keygen
from tests.real.sshd import running_sshd, write_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.real.sshd import Sshd

NAME = "[localhost]:{port}"
OTHER = public_line(new_key())
YES, NO = True, False


@dataclass(frozen=True)
class Place:
    """A server, and the texts that cases are filled in with."""

    sshd: Sshd
    directory: Path
    texts: dict[str, str]

    def fill(self, text: str) -> str:
        return text.format(port=self.sshd.port, directory=self.directory, **self.texts)

    def configure(self, known_hosts: str, lines: str) -> Path:
        """Write known_hosts, and an ssh_config that begins with `lines`."""
        (self.directory / "known_hosts").write_text(self.fill(known_hosts) + "\n")
        text = self.sshd.ssh_config.read_text().replace("HostName 127.0.0.1", "HostName LocalHost")
        text = text.replace(str(self.sshd.known_hosts), str(self.directory / "known_hosts"))
        always = "AddressFamily inet\nStrictHostKeyChecking yes\nUpdateHostKeys no\n"
        config = self.directory / "ssh_config"
        config.write_text(self.fill(lines) + "\n" + always + text)
        return config


def judge(config: Path) -> bool:
    """Whether OpenSSH accepts the host key of `target`."""
    program = shutil.which("ssh")
    if program is None:
        require("sshd", "no ssh, its client, on PATH")
    argv = [program, "-F", str(config), "-o", "BatchMode=yes", "-T", "target", "true"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in (0, 255), done
    if done.returncode:
        assert "verification failed" in done.stderr or "host key" in done.stderr.lower(), done
    return not done.returncode


def ours(config: Path) -> bool:
    try:
        connect(resolve("target", config_file=config)).close()
    except HostKeyError:
        return False
    return True


def texts_of(sshd: Sshd) -> dict[str, str]:
    lines = [line.split(" ", 1)[1] for line in sshd.known_hosts.read_text().splitlines()]
    name = f"[localhost]:{sshd.port}"
    salt = b"0123456789abcdef0123"
    return {
        **{line.split("-")[1].replace("sha2", "ecdsa").split()[0]: line for line in lines},
        "other": OTHER,
        "hashed": hash_name(name, salt),
        "hashed_portless": hash_name("localhost", salt),
        "hashed_upper": hash_name(name.upper(), salt),
    }


PLAIN = {
    f"{NAME} {{ed25519}}": YES,
    f"{NAME.upper().replace('PORT', 'port')} {{ed25519}}": YES,
    "[local*]:{port} {ed25519}": YES,
    "[localhos?]:* {ed25519}": YES,
    f"*,!{NAME} {{ed25519}}": YES,  # by the name without the port
    f"*,!{NAME},!localhost {{ed25519}}": NO,
    f"!other,{NAME} {{ed25519}}": YES,
    "!other {ed25519}": NO,
    f"other,{NAME},more {{ed25519}} a comment": YES,
    f"\t{NAME}\t{{ed25519}}": YES,
    f"# {NAME} {{ed25519}}": NO,
    "localhost {ed25519}": YES,
    "LocalHost {ed25519}": YES,
    "127.0.0.1 {ed25519}": NO,
    "[localhost]:1 {ed25519}": NO,
    "{hashed} {ed25519}": YES,
    "{hashed_portless} {ed25519}": YES,
    "{hashed_upper} {ed25519}": NO,
    f"{NAME} {{other}}\nlocalhost {{ed25519}}": NO,
    f"{NAME} {{other}}\n{NAME} {{ed25519}}": YES,
    f"{NAME} {{other}}": NO,
    f"{NAME} {{ed25519}}\n@revoked localhost {{ed25519}}": YES,
    f"{NAME} {{ed25519}}\n@revoked * {{ed25519}}": NO,
    "localhost {ed25519}\n@revoked localhost {ed25519}": NO,
    f"@revoked {NAME} {{ed25519}}\nlocalhost {{ed25519}}": NO,
    f"{NAME} {{ed25519}}\n@revoked * {{other}}": YES,
    f"{NAME} {{rsa}}": YES,
    f"{NAME} {{ecdsa}}": YES,
    f"{NAME} {{rsa}}\n{NAME} {{ecdsa}}": YES,
    "@cert-authority * {ed25519}": NO,
    f"@cert-authority {NAME} {{other}}\n{NAME} {{ed25519}}": YES,
    f"garbage\n@unknown x {{ed25519}}\n{NAME} ssh-ed25519 AAAA!\n{NAME} {{ed25519}}": YES,
    f"{NAME} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==\nlocalhost {{ed25519}}": YES,
    f"|1|x|y {{ed25519}}\n{NAME} {{ed25519}}": YES,
    "": NO,
}


@pytest.fixture(scope="module")
def place(sshd: Sshd, tmp_path_factory: pytest.TempPathFactory) -> Place:
    directory = tmp_path_factory.mktemp("judge")
    for name, text in texts_of(sshd).items():
        (directory / f"{name}.pub").write_text(text + "\n")
    (directory / "bad").write_text("garbage\n")
    (directory / "comments").write_text(f"\n# nothing\n  {OTHER} lost\n")
    for name in ("ed25519", "other"):
        ssh_keygen("-k", "-q", "-f", directory / f"{name}.krl", directory / f"{name}.pub")
    return Place(sshd, directory, texts_of(sshd))


@pytest.mark.parametrize("known_hosts", PLAIN)
def test_known_hosts(place: Place, known_hosts: str) -> None:
    config = place.configure(known_hosts, "")
    assert ours(config) == PLAIN[known_hosts]
    assert judge(config) == PLAIN[known_hosts]


SETTINGS = {
    ("HostKeyAlias Login.Example", "login.example {ed25519}"): YES,
    ("HostKeyAlias Login.Example", "[login.example]:{port} {ed25519}"): NO,
    ("HostKeyAlias login.example", f"{NAME} {{ed25519}}"): NO,
    ("HostKeyAlgorithms ssh-ed25519,rsa-sha2-512", f"{NAME} {{rsa}}"): NO,
    ("HostKeyAlgorithms rsa-sha2-256,ssh-ed25519", f"{NAME} {{rsa}}"): YES,
    ("HostKeyAlgorithms ^ssh-ed25519", f"{NAME} {{rsa}}"): NO,
    ("HostKeyAlgorithms -ecdsa*", f"{NAME} {{rsa}}"): YES,
    ("HostKeyAlgorithms +rsa-sha2-512", f"{NAME} {{rsa}}"): YES,
    ("RevokedHostKeys {directory}/other.pub", f"{NAME} {{ed25519}}"): YES,
    ("RevokedHostKeys {directory}/comments", f"{NAME} {{ed25519}}"): YES,
    ("RevokedHostKeys {directory}/ed25519.pub", f"{NAME} {{ed25519}}"): NO,
    ("RevokedHostKeys {directory}/other.krl", f"{NAME} {{ed25519}}"): YES,
    ("RevokedHostKeys {directory}/ed25519.krl", f"{NAME} {{ed25519}}"): NO,
    ("RevokedHostKeys {directory}/missing", f"{NAME} {{ed25519}}"): NO,
    ("RevokedHostKeys {directory}/bad", f"{NAME} {{ed25519}}"): NO,
    ("UserKnownHostsFile /dev/null {directory}/ed25519.known", ""): YES,
    ("UserKnownHostsFile none\nGlobalKnownHostsFile {directory}/ed25519.known", ""): YES,
    ("RequiredRSASize 4096", f"{NAME} {{rsa}}"): NO,
}


@pytest.mark.parametrize(("lines", "known_hosts"), SETTINGS)
def test_settings(place: Place, lines: str, known_hosts: str) -> None:
    known = place.fill(f"{NAME} {{ed25519}}\n")
    (place.directory / "ed25519.known").write_text(known)
    config = place.configure(known_hosts, lines)
    assert ours(config) == SETTINGS[lines, known_hosts]
    assert judge(config) == SETTINGS[lines, known_hosts]


CERTIFICATES = {
    "for this host": (("-n", "localhost"), YES),
    "for several": (("-n", "other,localhost"), YES),
    "for any host": ((), YES),
    "for another host": (("-n", "other"), NO),
    "for this host in capitals": (("-n", "LOCALHOST"), NO),
    "for the host with its port": (("-n", NAME), NO),
    "for a pattern": (("-n", "local*"), NO),
    "expired": (("-n", "localhost", "-V", "20200101:20200102"), NO),
    "of the future": (("-n", "localhost", "-V", "+1d:+2d"), NO),
    "for a while": (("-n", "localhost", "-V", "-1d:+1d"), YES),
    "with an extension": (("-n", "localhost", "-O", "extension:x@example=1"), YES),
    "with a critical option": (("-n", "localhost", "-O", "critical:x@example=1"), NO),
}


@dataclass(frozen=True)
class Certified:
    """Key files of a host and of an authority, and how a server is started with a certificate."""

    directory: Path
    authority: Path
    key: Path

    def options(self, certificate: Path) -> tuple[str, str]:
        return (f'HostKey "{self.key}"', f'HostCertificate "{certificate}"')

    def place(self, sshd: Sshd) -> Place:
        public = {
            "ca": self.authority.with_name("ca.pub").read_text().strip(),
            "key": self.key.with_name("key.pub").read_text().strip(),
        }
        return Place(sshd, self.directory, {**texts_of(sshd), **public})


def certified(directory: Path, kind: str = "ed25519", key: str = "ed25519") -> Certified:
    files = Certified(directory, directory / "ca", directory / "key")
    write_key(files.authority, new_key(kind))
    write_key(files.key, new_key(key))
    return files


@pytest.mark.parametrize("name", CERTIFICATES)
def test_certificates(tmp_path: Path, name: str) -> None:
    words, expected = CERTIFICATES[name]
    files = certified(tmp_path)
    certificate = certify(files.key, files.authority, *words)
    with running_sshd(tmp_path / "sshd", *files.options(certificate)) as sshd:
        place = files.place(sshd)
        config = place.configure(f"@cert-authority {NAME} {{ca}}", "")
        assert ours(config) == expected
        assert judge(config) == expected
        # a bad certificate falls back to the plain key
        config = place.configure(f"@cert-authority {NAME} {{ca}}\n{NAME} {{key}}", "")
        assert ours(config)
        assert judge(config)


AUTHORITIES = {
    ("", "@cert-authority * {ca}"): YES,
    ("", "@cert-authority localhost {ca}"): YES,
    ("", "@cert-authority *.example {ca}"): NO,
    ("", "@cert-authority *,!localhost {ca}"): YES,  # the name with the port is not excluded
    ("", f"@cert-authority *,!{NAME},!localhost {{ca}}"): NO,
    ("", "@cert-authority * {other}"): NO,
    ("", "* {ca}"): NO,
    ("", "@cert-authority * {key}"): NO,
    ("", "@cert-authority * {ca}\n@revoked * {ca}"): NO,
    ("", "@cert-authority * {ca}\n@revoked * {key}"): NO,
    ("", f"@cert-authority * {{ca}}\n{NAME} {{key}}\n@revoked * {{ca}}"): NO,
    ("", f"@cert-authority * {{ca}}\n{NAME} {{other}}"): YES,
    ("HostKeyAlias localhost", "@cert-authority localhost {ca}"): YES,
    ("HostKeyAlias other", "@cert-authority * {ca}"): NO,
    ("CASignatureAlgorithms rsa-sha2-512", "@cert-authority * {ca}"): NO,
    ("CASignatureAlgorithms ssh-ed25519", "@cert-authority * {ca}"): YES,
    ("RevokedHostKeys {directory}/ca.pub", "@cert-authority * {ca}"): NO,
    ("RevokedHostKeys {directory}/key.pub", "@cert-authority * {ca}"): NO,
    ("RevokedHostKeys {directory}/serial.krl", "@cert-authority * {ca}"): NO,
    ("RevokedHostKeys {directory}/other.krl", "@cert-authority * {ca}"): YES,
    ("HostKeyAlgorithms ssh-ed25519", "@cert-authority * {ca}"): NO,
    ("HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com", f"{NAME} {{key}}"): YES,
}


@pytest.fixture(scope="module")
def certified_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("certified")
    files = certified(directory)
    certificate = certify(files.key, files.authority, "-n", "localhost", "-z", "7")
    for name, serial in (("serial", 7), ("other", 8)):
        (directory / name).write_text(f"serial: {serial}\n")
        krl, ca = directory / f"{name}.krl", directory / "ca.pub"
        ssh_keygen("-k", "-q", "-f", krl, "-s", ca, directory / name)
    with running_sshd(directory / "sshd", *files.options(certificate)) as sshd:
        yield files.place(sshd)


@pytest.mark.parametrize(("lines", "known_hosts"), AUTHORITIES)
def test_authorities(certified_place: Place, lines: str, known_hosts: str) -> None:
    config = certified_place.configure(known_hosts, lines)
    assert ours(config) == AUTHORITIES[lines, known_hosts]
    assert judge(config) == AUTHORITIES[lines, known_hosts]


@pytest.mark.parametrize("kind", ["nistp256", "nistp384", "nistp521", "rsa"])
def test_every_kind_of_authority_and_key(tmp_path: Path, kind: str) -> None:
    files = certified(tmp_path, kind, kind)
    certificate = certify(files.key, files.authority, "-n", "localhost")
    with running_sshd(tmp_path / "sshd", *files.options(certificate)) as sshd:
        config = files.place(sshd).configure("@cert-authority * {ca}", "")
        assert ours(config)
        assert judge(config)


@pytest.mark.parametrize(
    ("algorithm", "expected"), [("ssh-rsa", NO), ("rsa-sha2-256", YES), ("rsa-sha2-512", YES)]
)
def test_signatures_of_rsa_authorities(tmp_path: Path, algorithm: str, expected: bool) -> None:
    files = certified(tmp_path, "rsa")
    certificate = certify(files.key, files.authority, "-t", algorithm, "-n", "localhost")
    with running_sshd(tmp_path / "sshd", *files.options(certificate)) as sshd:
        config = files.place(sshd).configure("@cert-authority * {ca}", "")
        assert ours(config) == expected
        assert judge(config) == expected


@pytest.mark.parametrize("hashed", ["yes", "no"])
def test_ssh_reads_what_we_add(place: Place, hashed: str) -> None:
    config = place.configure("# nothing", f"HashKnownHosts {hashed}")
    text = config.read_text().replace("StrictHostKeyChecking yes", "StrictHostKeyChecking ask")
    config.write_text(text)
    connect(resolve("target", config_file=config), prompter=Answers(["yes"])).close()
    config.write_text(text.replace("StrictHostKeyChecking ask", "StrictHostKeyChecking yes"))
    assert judge(config)
    known_hosts = place.directory / "known_hosts"
    assert ("localhost" in known_hosts.read_text()) == (hashed == "no")
    assert "found: line 2" in ssh_keygen("-F", place.fill(NAME), "-f", known_hosts)
