"""The reader of known_hosts: what a bad line does, and that nothing in a file can stop it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qxub.transport.host_config import HostConfig
from qxub.transport.host_keys import Standing, known_host
from qxub.transport.known_hosts import hash_name, read_known_hosts, read_lines
from tests.fakes.host_keys import new_key, public_blob, public_line

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY, OTHER = new_key(), new_key("rsa")
GOOD = f"far {public_line(KEY)}"


def far(files: Iterable[Path], port: int = 22) -> HostConfig:
    return HostConfig("far", "Far", port, "u", user_known_hosts_files=tuple(files))


BAD_LINES = {
    "far": "expected host names, a key type and a key",
    "far ssh-ed25519": "expected host names",
    "@revoked far": "expected host names",
    "@unknown " + GOOD: "unknown marker '@unknown'",
    "@revoked @cert-authority " + GOOD: "the key is not",
    "far ssh-ed25519 AAAA!": "not valid base64",
    "far ssh-ed25519 AAAA": "the key is not of type 'ssh-ed25519'",
    GOOD.replace("ssh-ed25519", "ssh-rsa"): "the key is not of type 'ssh-rsa'",
    GOOD[:-4]: "bytes are missing",
    GOOD + "AAAA": "there is more after the key",
    "|1|c2FsdA==|c2FsdA== " + GOOD[4:-8]: "bytes are missing",
    "|2|c2FsdA==|c2FsdA== " + GOOD[4:]: "unknown form of hashed host name",
    "|1|!|x " + GOOD[4:]: "",
    "|1|grüße|x " + GOOD[4:]: "",
}


@pytest.mark.parametrize("line", BAD_LINES, ids=[f"line{n}" for n in range(len(BAD_LINES))])
def test_a_bad_line_spoils_only_itself(
    tmp_path: Path, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"# comment\n\n{line}\n{GOOD} a comment\n", encoding="utf-8")
    (key,) = read_known_hosts([file])
    assert (key.blob, key.place) == (public_blob(KEY), f"{file}:4")
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith(f"{file}:3: line ignored: ")
    assert BAD_LINES[line] in record.getMessage()
    assert record.getMessage().isprintable()


def test_files_as_windows_programs_write_them(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_bytes(f"\ufeff{GOOD}\r\nother {public_line(OTHER)}".encode())
    assert [key.hosts for key in read_known_hosts([file])] == ["far", "other"]


def test_keys_of_types_that_are_not_known_here_are_read(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text("far ssh-dss AAAAB3NzaC1kc3M=\n")
    assert [key.key_type for key in read_known_hosts([file])] == ["ssh-dss"]
    assert known_host(far([file])).find_key(public_blob(KEY)).standing is Standing.CHANGED


def test_several_files_count_as_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    names = ("1", "missing", "2", "directory")
    one, _, two, directory = files = [tmp_path / name for name in names]
    one.write_text(f"far {public_line(OTHER)}\n")
    two.write_text(f"FAR {public_line(KEY)}\n@revoked far {public_line(OTHER)}\n")
    directory.mkdir()
    host = known_host(far(files))
    assert host.find_key(public_blob(KEY)).standing is Standing.KNOWN
    revoked = host.find_key(public_blob(OTHER))
    assert (revoked.standing, revoked.lines[0].place) == (Standing.REVOKED, f"{two}:2")
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{directory}: not read: ")


def test_a_changed_key_is_told_with_every_line(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"far {public_line(OTHER)}\n*ar,x {public_line(new_key())}\n")
    found = known_host(far([file])).find_key(public_blob(KEY))
    assert found.standing is Standing.CHANGED
    assert [line.line for line in found.lines] == [1, 2]


@given(st.binary(max_size=300))
def test_no_content_stops_the_reader(data: bytes) -> None:
    lines = list(read_lines(Path("f"), data + b"\n" + GOOD.encode()))
    assert lines[-1].hosts == "far"
    for line in lines:
        line.names("far")


@given(st.text(max_size=40), st.binary(min_size=1, max_size=30))
def test_hashed_names(name: str, salt: bytes) -> None:
    line = f"{hash_name(name, salt)} {public_line(KEY)}"
    (key,) = read_lines(Path("f"), line.encode())
    assert key.names(name)
    assert not key.names(name + "x")
