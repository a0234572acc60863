"""A transfer that a lost line broke off goes on where it ended, if what is there agrees."""

from __future__ import annotations

import dataclasses
import os
import sys
from typing import TYPE_CHECKING, Callable

import pytest

from qxub.transport import ConnectionLost, Files, Transfer, connect, open_files
from qxub.transport.files.local import part_name
from tests.fakes.both_streams import random_bytes
from tests.fakes.cutting_proxy import CuttingProxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.transport.files.sites import Site

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the servers are POSIX programs")

MIB = 1 << 20
SIZE = 32 * MIB
SENT = 16 * MIB
RECEIVED = 4 * MIB
"""when the line is cut; up to the channel's window more has come by then"""
SLACK = 2 * MIB
"""for all that is sent besides the data: keys, packets' heads, requests"""


@pytest.fixture(scope="module")
def content() -> bytes:
    return random_bytes(7, SIZE)


@pytest.fixture
def proxy(site: Site) -> Iterator[CuttingProxy]:
    with CuttingProxy(site.host.port) as made:
        yield made


def through(proxy: CuttingProxy, site: Site, act: Callable[[Files], Transfer]) -> Transfer:
    name = site.host.known_hosts_name
    host = dataclasses.replace(site.host, port=proxy.port, host_key_alias=name)
    with connect(host) as connection, open_files(connection) as files:
        assert files.way == site.way
        return act(files)


def cut_at(proxy: CuttingProxy, limit: int) -> Callable[[int, int | None], None]:
    def progress(done: int, _total: int | None) -> None:
        if done >= limit:
            proxy.cut()

    return progress


def test_put(site: Site, far: Path, content: bytes, proxy: CuttingProxy) -> None:
    target = site.write(far / "target", b"old")
    with pytest.raises(ConnectionLost):
        through(
            proxy,
            site,
            lambda files: files.put(
                content, str(target), resume=True, progress=cut_at(proxy, SENT)
            ),
        )
    assert target.read_bytes() == b"old"
    (part,) = set(far.iterdir()) - {target}
    assert part.name == part_name(b"target", again=True)
    assert part.stat().st_mode & 0o777 == 0o600

    steps: list[tuple[int, int | None]] = []
    with CuttingProxy(site.host.port) as second:
        done = through(
            second,
            site,
            lambda files: files.put(
                content, str(target), resume=True, progress=lambda *step: steps.append(step)
            ),
        )
    assert target.read_bytes() == content
    assert list(far.iterdir()) == [target]
    assert done == Transfer(SIZE, done.start, site.put_check)
    assert SENT // 2 < done.start < SIZE
    assert steps[0] == (done.start, SIZE)
    assert steps[-1] == (SIZE, SIZE)
    assert second.bytes_up < SIZE - done.start + SLACK


def test_get(site: Site, far: Path, tmp_path: Path, content: bytes, proxy: CuttingProxy) -> None:
    source = site.write(far / "source", content)
    target = tmp_path / "target"
    target.write_bytes(b"old")
    with pytest.raises(ConnectionLost):
        through(
            proxy,
            site,
            lambda files: files.get(
                str(source), target, resume=True, progress=cut_at(proxy, RECEIVED)
            ),
        )
    assert target.read_bytes() == b"old"
    (part,) = set(tmp_path.iterdir()) - {target}
    assert part.stat().st_mode & 0o777 == 0o600
    kept = part.stat().st_size

    with CuttingProxy(site.host.port) as second:
        done = through(second, site, lambda files: files.get(str(source), target, resume=True))
    assert target.read_bytes() == content
    assert list(tmp_path.iterdir()) == [target]
    assert RECEIVED <= kept < SIZE
    if site.hashes or site.tells_time:
        assert done == Transfer(SIZE, kept, site.get_check)
        assert second.bytes_down < SIZE - kept + SLACK
    else:  # nothing tells whether the part agrees
        assert done == Transfer(SIZE, 0, site.get_check)


def test_without_resume_nothing_is_left_here(
    site: Site, far: Path, tmp_path: Path, content: bytes, proxy: CuttingProxy
) -> None:
    source = site.write(far / "source", content)
    with pytest.raises(ConnectionLost):
        through(
            proxy,
            site,
            lambda files: files.get(
                str(source), tmp_path / "target", progress=cut_at(proxy, RECEIVED)
            ),
        )
    assert list(tmp_path.iterdir()) == []


def test_a_part_on_the_host_that_does_not_agree(
    site: Site, files: Files, far: Path, content: bytes
) -> None:
    part = far / part_name(b"target", again=True)
    wrong = bytearray(content[: SIZE // 2])
    wrong[1000] ^= 1
    parts = [
        (bytes(wrong), 0o600),
        (content + b"more", 0o600),
        (content[:MIB], 0o660),  # somebody else may have written it
    ]
    for data, mode in parts:
        site.write(part, data, mode)
        done = files.put(content, str(far / "target"), resume=True)
        assert done == Transfer(SIZE, 0, site.put_check)
        assert (far / "target").read_bytes() == content
        assert not part.exists()


def test_a_link_on_the_host_is_no_part(site: Site, files: Files, far: Path, content: bytes) -> None:
    other = site.write(far / "other", content[:MIB])
    (far / part_name(b"target", again=True)).symlink_to(other)
    files.put(content, str(far / "target"), resume=True)
    assert (far / "target").read_bytes() == content
    assert other.read_bytes() == content[:MIB]


def test_a_whole_part_on_the_host_is_used(
    site: Site, files: Files, far: Path, content: bytes
) -> None:
    site.write(far / part_name(b"target", again=True), content)
    done = files.put(content, str(far / "target"), resume=True)
    assert done == Transfer(SIZE, SIZE, site.put_check)
    assert (far / "target").read_bytes() == content


def test_a_part_here_that_does_not_agree(
    site: Site, files: Files, far: Path, tmp_path: Path, content: bytes
) -> None:
    source = site.write(far / "source", content)
    part = tmp_path / part_name(b"target", again=True)
    wrong = bytearray(content[: SIZE // 2])
    wrong[1000] ^= 1
    for data in (bytes(wrong), content + b"more"):
        part.write_bytes(data)
        if site.hashes:  # the hash counts, whatever the time says
            os.utime(part, (0, int(source.stat().st_mtime)))
        else:
            os.utime(part, (0, int(source.stat().st_mtime) - 1))
        done = files.get(str(source), tmp_path / "target", resume=True)
        assert done == Transfer(SIZE, 0, site.get_check)
        assert (tmp_path / "target").read_bytes() == content
        assert not part.exists()


def test_the_source_has_changed_since(
    site: Site, files: Files, far: Path, tmp_path: Path, content: bytes
) -> None:
    class StopError(Exception):
        pass

    def stop(done: int, _total: int | None) -> None:
        if done >= SIZE // 2:
            raise StopError

    source = site.write(far / "source", content)
    os.utime(source, (0, 1_000_000_000))
    with pytest.raises(StopError):
        files.get(str(source), tmp_path / "target", resume=True, progress=stop)
    with pytest.raises(StopError):
        files.put(content, str(far / "target"), resume=True, progress=stop)
    changed = content[::-1]
    site.write(source, changed)
    assert files.get(str(source), tmp_path / "target", resume=True).start == 0
    assert (tmp_path / "target").read_bytes() == changed
    assert files.put(changed, str(far / "target"), resume=True).start == 0
    assert (far / "target").read_bytes() == changed


def test_an_old_writer_does_no_harm(site: Site, files: Files, far: Path, content: bytes) -> None:
    """Of a cut line, what had reached the host may still be on its way into the part."""
    part = site.write(far / part_name(b"target", again=True), content[: 4 * MIB])

    def old_writer(done: int, _total: int | None) -> None:
        if done == 4 * MIB:
            with part.open("r+b") as file:
                file.seek(4 * MIB)
                file.write(content[4 * MIB : 5 * MIB])

    done = files.put(content, str(far / "target"), resume=True, progress=old_writer)
    assert done.start == 4 * MIB
    assert (far / "target").read_bytes() == content


def test_a_function_cannot_be_resumed(files: Files) -> None:
    with pytest.raises(ValueError, match="only a file can be resumed"):
        files.get("x", lambda _: None, resume=True)
