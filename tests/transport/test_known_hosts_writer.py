"""Adding a key to known_hosts: one line, whole, private, and with others doing the same."""

from __future__ import annotations

import base64
import dataclasses
import multiprocessing
import os
import sys
from pathlib import Path

import pytest

from qxub.transport.host_config import HostConfig
from qxub.transport.known_hosts import KnownKey, read_known_hosts
from qxub.transport.known_hosts_writer import add_known_key
from tests.fakes.host_keys import new_key, public_blob, public_line

KEY = public_blob(new_key())


def host_in(file: Path, *, port: int = 22, hashed: bool = False, name: str = "far") -> HostConfig:
    return HostConfig(
        name, name, port, "u", user_known_hosts_files=(file,), hash_known_hosts=hashed
    )


def only_line(file: Path) -> KnownKey:
    (line,) = read_known_hosts([file])
    return line


@pytest.mark.parametrize("before", ["", "# a comment\n", "# no line end", "other ssh-x AAA\r\n"])
def test_one_line_is_added_at_the_end(tmp_path: Path, before: str) -> None:
    file = tmp_path / "known_hosts"
    file.write_bytes(before.encode())
    assert add_known_key(host_in(file, port=2222, name="Far.Example"), KEY) == file
    mended = before if before.endswith("\n") or not before else before + "\n"
    text = f"[far.example]:2222 ssh-ed25519 {base64.b64encode(KEY).decode()}\n"
    assert file.read_bytes().decode() == mended + text


@pytest.mark.parametrize("name", ["fe80::1%eth0", "10.0.0.1", "login-1.example"])
def test_names_and_addresses(tmp_path: Path, name: str) -> None:
    for port in (22, 2222):
        file = tmp_path / str(port)
        host = host_in(file, port=port, name=name)
        add_known_key(host, KEY)
        assert only_line(file).hosts == host.known_hosts_name


@pytest.mark.parametrize("name", ["a b", "a,b", "!a", "*", "a?", "@a", "#a", "|1|a", "[a]", "a\n"])
def test_names_that_mean_something_else_in_the_file(tmp_path: Path, name: str) -> None:
    for port in (22, 2222):
        assert add_known_key(host_in(tmp_path / "known_hosts", port=port, name=name), KEY) is None
    assert not (tmp_path / "known_hosts").exists()


@pytest.mark.parametrize("name", ["/dev/null", os.devnull])
def test_the_file_for_users_who_want_none(name: str) -> None:
    assert add_known_key(host_in(Path(name)), KEY) is None
    assert not Path(name).is_file()


def test_hashed_names(tmp_path: Path) -> None:
    for number in range(2):
        add_known_key(host_in(tmp_path / str(number), port=2222, hashed=True), KEY)
    first, second = (only_line(tmp_path / str(number)) for number in range(2))
    assert first.hosts.startswith("|1|")
    assert first.hosts != second.hosts, "a salt of its own"
    assert first.names("[far]:2222")
    assert not first.names("far")


def test_a_key_that_is_there_is_not_added_again(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    for hashed in (False, True, False):
        assert add_known_key(host_in(file, hashed=hashed), KEY) == file
    assert only_line(file).hosts == "far"


def test_the_first_user_file_is_written(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in "123")
    host = dataclasses.replace(host_in(first), global_known_hosts_files=(third,))
    host = dataclasses.replace(host, user_known_hosts_files=(first, second))
    assert add_known_key(host, KEY) == first
    assert not second.exists()
    assert not third.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="mode bits mean nothing on Windows")
def test_what_is_made_is_private_and_what_is_there_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "home" / ".ssh" / "known_hosts"
    add_known_key(host_in(file), KEY)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    file.chmod(0o644)
    add_known_key(host_in(file, name="other"), KEY)
    assert file.stat().st_mode & 0o777 == 0o644


def add_many(file: Path, key: bytes, writer: int, count: int, start: object) -> None:
    """Run in a process of its own."""
    start.wait()  # type: ignore[attr-defined]
    for number in range(count):
        host = host_in(file, name=f"host-{writer}-{number}", hashed=bool(number % 2))
        assert add_known_key(host, key) == file
        assert add_known_key(host_in(file, name="shared"), key) == file


def test_many_threads_add_it_once(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    host = host_in(tmp_path / "known_hosts")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: add_known_key(host, KEY), range(40)))
    assert only_line(tmp_path / "known_hosts").hosts == "far"


@pytest.mark.timeout(120)
def test_many_processes_lose_nothing(tmp_path: Path) -> None:
    """Twelve at once, into a file whose last line has no end; and one host that all of them add."""
    writers, count = 12, 15
    file = tmp_path / "known_hosts"
    file.write_text(f"first {public_line(new_key())}")
    spawning = multiprocessing.get_context("spawn")
    start = spawning.Barrier(writers)
    processes = [
        spawning.Process(target=add_many, args=(file, KEY, writer, count, start))
        for writer in range(writers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * writers
    lines = read_known_hosts([file])
    assert len(lines) == len(file.read_text().splitlines()) == 1 + writers * count + 1
    for writer in range(writers):
        for number in range(count):
            name = f"host-{writer}-{number}"
            assert sum(line.names(name) for line in lines) == 1
    assert sum(line.hosts == "shared" for line in lines) == 1
