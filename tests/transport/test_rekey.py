"""Compression, and keys that are exchanged anew: what arrives is exact all the same."""

from __future__ import annotations

import dataclasses
import hashlib
import random
import time
from typing import TYPE_CHECKING, Any

import pytest

from qxub.transport import Exited, connect, resolve
from tests.fakes.both_streams import random_bytes
from tests.fakes.scenarios import BIG, BIG_ON_BOTH_STREAMS
from tests.real.sshd import running_sshd

if TYPE_CHECKING:
    from pathlib import Path

    from qxub.transport import Connection, HostConfig

HANG = 60


class Collected:
    """The output of one command, and the keys that were exchanged by then."""

    def __init__(self, connection: Connection, command: str, stdin: bytes = b"") -> None:
        out, err = bytearray(), bytearray()
        self.end = connection.run(command, stdin=stdin, stdout=out.extend, stderr=err.extend)
        self.out, self.err = bytes(out), bytes(err)


def count_exchanges(connection: Connection) -> list[bytes]:
    """A list that grows by the exchange hash of each further key exchange."""
    transport: Any = connection._transport
    hashes: list[bytes] = []
    set_keys = transport._set_K_H

    def note(k: object, h: bytes) -> None:
        hashes.append(h)
        set_keys(k, h)

    transport._set_K_H = note
    return hashes


def test_limit_of_bytes(host: HostConfig) -> None:
    with connect(dataclasses.replace(host, rekey_limit=1_000_000)) as connection:
        hashes = count_exchanges(connection)
        got = Collected(connection, BIG_ON_BOTH_STREAMS)
    assert got.end == Exited(0)
    assert got.out == random_bytes(1, BIG)
    assert got.err == random_bytes(2, BIG)
    assert len(set(hashes)) >= 4


def test_limit_of_bytes_counts_what_is_sent(host: HostConfig) -> None:
    sent = random.Random(5).randbytes(10_000_000)  # noqa: S311 - reproducible, not secret
    with connect(dataclasses.replace(host, rekey_limit=500_000)) as connection:
        hashes = count_exchanges(connection)
        got = Collected(connection, "cat", sent)
    assert got.end == Exited(0)
    assert hashlib.sha256(got.out).digest() == hashlib.sha256(sent).digest()
    assert len(set(hashes)) >= 3  # the fake is slow to agree, and data goes on meanwhile


def test_limit_of_time(host: HostConfig) -> None:
    with connect(dataclasses.replace(host, rekey_seconds=1)) as connection:
        hashes = count_exchanges(connection)
        process = connection.start("cat")
        deadline = time.monotonic() + HANG
        while len(hashes) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.close_stdin()
        assert process.drain(_ignore, _ignore) == Exited(0)


def test_many_channels_end_while_keys_are_exchanged(host: HostConfig) -> None:
    """Paramiko's thread would wait for itself, for 30 s, and then end the connection."""
    with connect(dataclasses.replace(host, rekey_limit=1_000)) as connection:
        hashes = count_exchanges(connection)
        for _ in range(60):
            assert Collected(connection, "exit 7").end == Exited(7)
    assert len(hashes) >= 3


def test_server_that_wants_new_keys(tmp_path: Path) -> None:
    with running_sshd(tmp_path / "sshd", "RekeyLimit 500K") as server:
        host = resolve("target", config_file=server.ssh_config)
        with connect(host) as connection:
            hashes = count_exchanges(connection)
            got = Collected(connection, BIG_ON_BOTH_STREAMS)
    assert (got.end, got.out == random_bytes(1, BIG)) == (Exited(0), True)
    assert len(set(hashes)) >= 4


@pytest.mark.parametrize("limit", [0, 1_000_000], ids=["one key", "many keys"])
def test_compression(tmp_path: Path, limit: int) -> None:
    with running_sshd(tmp_path / "sshd", "Compression yes") as server:
        config = tmp_path / "config"
        config.write_text(f"Compression yes\n{server.ssh_config.read_text()}")
        host = dataclasses.replace(resolve("target", config_file=config), rekey_limit=limit)
        with connect(host) as connection:
            transport: Any = connection._transport
            assert transport.remote_compression == "zlib@openssh.com"
            assert transport.local_compression == "zlib@openssh.com"
            got = Collected(connection, BIG_ON_BOTH_STREAMS)
            assert (got.end, got.out == random_bytes(1, BIG)) == (Exited(0), True)
            zeros = Collected(connection, "head -c 20000000 /dev/zero")
            assert zeros.out == bytes(20_000_000)
            sent = bytes(5_000_000)
            assert Collected(connection, "cat", sent).out == sent


def test_compression_where_the_server_has_none(tmp_path: Path) -> None:
    with running_sshd(tmp_path / "sshd", "Compression no") as server:
        host = dataclasses.replace(
            resolve("target", config_file=server.ssh_config), compression=True
        )
        with connect(host) as connection:
            transport: Any = connection._transport
            assert transport.remote_compression == "none"
            assert Collected(connection, "exit 7").end == Exited(7)


def _ignore(_data: bytes) -> None:
    """Take output that the test does not look at."""
