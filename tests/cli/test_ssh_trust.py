"""`qxub ssh trust`, as a process, against real sshds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from qxub.transport import connect, resolve
from qxub.transport.known_hosts import KnownKey, fingerprint, read_known_hosts
from tests.fakes.host_keys import new_key, public_line
from tests.real.sshd import running_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.real.sshd import Sshd

# `qxub ssh` gets its table of commands elsewhere; its boundary is the same
LAUNCHER = """\
import os, sys
if os.isatty(0):
    os.open(os.ttyname(0), os.O_RDWR)  # becomes the controlling terminal of this session
from qxub.cli.boundary import exit_status_of
from qxub.cli.ssh.trust import command
sys.exit(exit_status_of(command, sys.argv[1:], "qxub ssh trust"))
"""


@dataclass
class Laptop:
    """A user who knows no host yet."""

    sshd: Sshd
    config: Path
    known_hosts: Path

    @property
    def keys(self) -> list[KnownKey]:
        """What the user's known_hosts has."""
        return read_known_hosts([self.known_hosts])

    @property
    def prints(self) -> dict[str, str]:
        """The server's fingerprints by type."""
        lines = read_known_hosts([self.sshd.known_hosts])
        return {line.key_type: fingerprint(line.blob) for line in lines}

    def argv(self, words: Sequence[str]) -> list[str]:
        return [sys.executable, "-c", LAUNCHER, *words, "-F", str(self.config)]

    def trust(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run it with nobody there."""
        done = subprocess.run(
            self.argv(words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def trust_at_terminal(self, *words: str, answers: Sequence[str]) -> tuple[int, str]:
        """Run it at a terminal, type an answer at each question, and give all that was shown."""
        if sys.platform == "win32":
            pytest.skip("drives a pseudo-terminal")
        terminal, inner = os.openpty()
        with subprocess.Popen(
            self.argv(words), stdin=inner, stdout=inner, stderr=inner, start_new_session=True
        ) as process:
            os.close(inner)
            shown = b""
            left = list(answers)
            while True:
                try:
                    data = os.read(terminal, 4096)
                except OSError:  # EIO: nobody has the other end open any more (pty(7), Linux)
                    data = b""
                if not data:
                    break
                shown += data
                if left and re.search(rb"(fingerprint\])?\)\? $|fingerprint: $", shown):
                    os.write(terminal, left.pop(0).encode() + b"\n")
            os.close(terminal)
        return process.returncode, shown.decode().replace("\r\n", "\n")


@pytest.fixture
def laptop(sshd: Sshd, tmp_path: Path) -> Laptop:
    known_hosts = tmp_path / ".ssh" / "known_hosts"
    text = sshd.ssh_config.read_text().replace(str(sshd.known_hosts), str(known_hosts))
    (tmp_path / "config").write_text(text)
    return Laptop(sshd, tmp_path / "config", known_hosts)


def reaches(laptop: Laptop, name: str = "target") -> None:
    connect(resolve(name, config_file=laptop.config)).close()


def test_every_key_is_shown_and_none_is_added_unseen(laptop: Laptop) -> None:
    done = laptop.trust("target")
    assert done.returncode == 255
    for key_type, print_of_key in laptop.prints.items():
        assert re.search(rf"{key_type} +{re.escape(print_of_key)}  not known", done.stdout)
    assert "were not confirmed; nothing was added" in done.stderr
    assert "--fingerprint" in done.stderr
    assert not laptop.known_hosts.exists()


@pytest.mark.parametrize("key_type", ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256"])
def test_a_fingerprint_vouches_for_its_key_only(laptop: Laptop, key_type: str) -> None:
    done = laptop.trust("target", "--fingerprint", laptop.prints[key_type])
    assert done.returncode == 0, done.stderr
    assert [line.key_type for line in laptop.keys] == [key_type]
    assert f"{key_type} key added to {laptop.known_hosts}" in done.stdout
    reaches(laptop)
    again = laptop.trust("target", "--fingerprint", laptop.prints[key_type])
    assert again.returncode == 0
    assert f"known: {laptop.known_hosts}:1" in again.stdout
    assert len(laptop.keys) == 1


def test_a_wrong_fingerprint_adds_nothing(laptop: Laptop) -> None:
    wrong = "SHA256:" + "A" * 43
    done = laptop.trust("target", "--fingerprint", wrong)
    assert done.returncode == 255
    assert "no key of target has the given fingerprint" in done.stderr
    assert not laptop.known_hosts.exists()
    laptop.trust("target", "--fingerprint", laptop.prints["ssh-rsa"])
    assert laptop.trust("target", "--fingerprint", wrong).returncode == 255, "known, but not by it"


@pytest.mark.parametrize("text", ["MD5:aa", "SHA256:short", "abc", "SHA256:" + "A" * 44])
def test_what_is_no_fingerprint(laptop: Laptop, text: str) -> None:
    done = laptop.trust("target", "--fingerprint", text)
    assert done.returncode == 2
    assert "is not a fingerprint" in done.stderr


def test_a_person_confirms_all_keys(laptop: Laptop) -> None:
    status, shown = laptop.trust_at_terminal("target", answers=["maybe", "yes"])
    assert status == 0, shown
    assert "Please type 'yes', 'no' or the fingerprint" in shown
    assert {line.key_type for line in laptop.keys} == set(laptop.prints)
    reaches(laptop)
    status, shown = laptop.trust_at_terminal("target", answers=[])
    assert status == 0, "known keys need no question"
    assert shown.count("known: ") == 3


def test_a_person_names_one_key_or_declines(laptop: Laptop) -> None:
    status, shown = laptop.trust_at_terminal("target", answers=["no"])
    assert status == 255, shown
    assert not laptop.known_hosts.exists()
    status, shown = laptop.trust_at_terminal("target", answers=[laptop.prints["ssh-rsa"]])
    assert status == 0, shown
    assert [line.key_type for line in laptop.keys] == ["ssh-rsa"]


def test_keys_of_further_types_are_offered_for_a_known_host(laptop: Laptop) -> None:
    laptop.trust("target", "--fingerprint", laptop.prints["ssh-rsa"])
    status, shown = laptop.trust_at_terminal("target", answers=["yes"])
    assert status == 0, shown
    assert len(laptop.keys) == 3


def test_a_changed_key_is_refused_with_its_line(laptop: Laptop) -> None:
    laptop.known_hosts.parent.mkdir()
    text = f"\n[127.0.0.1]:{laptop.sshd.port} {public_line(new_key())}\n"
    laptop.known_hosts.write_text(text)
    done = laptop.trust("target", "--fingerprint", laptop.prints["ssh-ed25519"])
    assert done.returncode == 255
    assert f"{laptop.known_hosts}:2" in done.stderr
    assert "is not the known one" in done.stderr
    assert laptop.known_hosts.read_text() == text


def test_a_key_of_a_known_type_that_changed_is_refused_though_another_is_right(
    laptop: Laptop,
) -> None:
    laptop.trust("target", "--fingerprint", laptop.prints["ssh-rsa"])
    with laptop.known_hosts.open("a") as file:
        file.write(f"[127.0.0.1]:{laptop.sshd.port} {public_line(new_key())}\n")
    assert "is not the known one" in laptop.trust("target").stderr


def test_a_revoked_key_is_refused(laptop: Laptop) -> None:
    laptop.known_hosts.parent.mkdir()
    key = laptop.sshd.known_hosts.read_text().splitlines()[0].split(" ", 1)[1]
    laptop.known_hosts.write_text(f"@revoked * {key}\n")
    done = laptop.trust("target", "--fingerprint", laptop.prints["ssh-ed25519"])
    assert done.returncode == 255
    assert "marks as revoked" in done.stderr


def test_json(laptop: Laptop) -> None:
    done = laptop.trust("target", "--json")
    assert done.returncode == 255
    (host,) = json.loads(done.stdout)
    assert (host["host"], host["port"]) == ("target", laptop.sshd.port)
    assert {key["type"]: key["fingerprint"] for key in host["keys"]} == laptop.prints
    assert {key["standing"] for key in host["keys"]} == {"unknown"}
    done = laptop.trust("target", "--json", "--fingerprint", laptop.prints["ssh-rsa"])
    assert done.returncode == 0, done.stderr
    (host,) = json.loads(done.stdout)
    assert [key["standing"] for key in host["keys"]] == ["unknown", "unknown", "added"]
    (host,) = json.loads(laptop.trust("target", "--json").stdout)
    assert host["keys"][2]["standing"] == "known"
    assert host["keys"][2]["places"] == [f"{laptop.known_hosts}:1"]


@pytest.fixture
def behind(laptop: Laptop, tmp_path: Path) -> Iterator[tuple[Laptop, Sshd]]:
    """A host `inner` behind the jump host `target`, with keys of its own."""
    with running_sshd(tmp_path / "inner") as inner:
        users = (laptop.sshd.directory / "authorized_keys").read_text()
        (inner.directory / "authorized_keys").write_text(users)
        text = laptop.config.read_text()
        block = text.replace("Host target", "Host inner\n    ProxyJump target")
        block = block.replace(f"Port {laptop.sshd.port}", f"Port {inner.port}")
        laptop.config.write_text(text + block)
        yield laptop, inner


def test_jump_hosts_come_first(behind: tuple[Laptop, Sshd]) -> None:
    laptop, inner = behind
    done = laptop.trust("inner")
    assert done.returncode == 255
    assert "the keys of target were not confirmed" in done.stderr
    assert "inner (" not in done.stdout
    inner_key = read_known_hosts([inner.known_hosts])[0]
    own = fingerprint(inner_key.blob)
    first = laptop.trust("inner", "--fingerprint", laptop.prints["ssh-ed25519"])
    assert first.returncode == 255
    assert "no key of inner has the given fingerprint" in first.stderr
    assert len(laptop.keys) == 1
    done = laptop.trust("inner", "--fingerprint", own)
    assert done.returncode == 0, done.stderr
    assert [line.blob for line in laptop.keys][1:] == [inner_key.blob]
    assert done.stdout.index("target (") < done.stdout.index("inner (")
    reaches(laptop, "inner")


def test_a_person_trusts_the_whole_way(behind: tuple[Laptop, Sshd]) -> None:
    laptop, _ = behind
    status, shown = laptop.trust_at_terminal("inner", answers=["yes", "yes"])
    assert status == 0, shown
    assert len(laptop.keys) == 6
    reaches(laptop, "inner")


def test_a_host_that_is_down(laptop: Laptop) -> None:
    text = laptop.config.read_text().replace(f"Port {laptop.sshd.port}", "Port 1")
    laptop.config.write_text(text)
    done = laptop.trust("target")
    assert done.returncode == 255
    assert "cannot connect" in done.stderr


def test_a_bad_config(laptop: Laptop) -> None:
    laptop.config.write_text("Nonsense yes\n")
    assert laptop.trust("target").returncode == 78


def test_help_loads_nothing_heavy() -> None:
    from tests.cli.test_help import HEAVY, modules_after

    code = "from qxub.cli.ssh.trust import command; command(['--help'], standalone_mode=False)"
    assert not HEAVY & modules_after(code)
