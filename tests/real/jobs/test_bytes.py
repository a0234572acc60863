"""The job's bytes arrive, all of them and nothing else, and its arguments did."""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING

import pytest

from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.real.jobs.sites import Desk

pytestmark = pytest.mark.timeout(300)

HOSTILE = (
    "", " ", "a b", "'", '"', "\\", "$HOME", "`id`", "$(id)", "*", "~", "-n", "--", "\n", "\t",
    "\r", "a\r\nb\r\n", "é", "\udcff\udc80", "%s", "a,b=c;d", "#PBS -N x", "{command}", "${x}",
    "!!",
)  # fmt: skip
SHOW = "import os, sys; sys.stdout.buffer.write(b'\\0'.join(map(os.fsencode, sys.argv[1:])))"


def test_arguments_arrive_byte_for_byte(desk: Desk) -> None:
    ended = desk.exec("--", sys.executable, "-S", "-c", SHOW, *HOSTILE)
    expected = b"\0".join(word.encode("utf-8", "surrogateescape") for word in HOSTILE)
    assert (ended.status, ended.out) == (0, expected)


def test_every_byte_there_is_on_both_streams(desk: Desk) -> None:
    script = "import os; b = bytes(range(256)) * 64; os.write(1, b); os.write(2, b[::-1])"
    with desk.started("--quiet", "--", sys.executable, "-S", "-c", script) as process:
        out, err = process.communicate()
    every = bytes(range(256)) * 64
    assert (process.returncode, out, err) == (0, every, every[::-1])


def test_two_hundred_megabytes(desk: Desk) -> None:
    size = 200 << 20
    script = f"""
import hashlib, os
block = os.urandom(1 << 20)
digest = hashlib.sha256()
for number in range({size >> 20}):
    piece = number.to_bytes(4, 'big') + block[4:]
    digest.update(piece)
    os.write(1, piece)
open('digest', 'w').write(digest.hexdigest())
"""
    digest, count = hashlib.sha256(), 0
    with desk.started("--quiet", "--", sys.executable, "-S", "-c", script) as process:
        assert process.stdout is not None
        while piece := process.stdout.read1(1 << 20):  # type: ignore[attr-defined]
            digest.update(piece)
            count += len(piece)
    assert (process.returncode, count) == (0, size)
    assert digest.hexdigest() == (desk.work / "digest").read_text()


def test_output_without_a_final_newline(desk: Desk) -> None:
    ended = desk.exec("--quiet", "--", "printf", "no end")
    assert (ended.status, ended.out, ended.err) == (0, b"no end", "")


def test_no_output_at_all(desk: Desk) -> None:
    ended = desk.exec("--quiet", "--", "true")
    assert (ended.status, ended.out, ended.err) == (0, b"", "")


def test_half_a_line_is_shown_at_once(desk: Desk) -> None:
    script = "printf 'Password: '; while [ ! -e go ]; do sleep 0.05; done; printf ' done'"
    with desk.started("--", "sh", "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.read(10) == b"Password: "
        (desk.work / "go").touch()
        assert process.communicate()[0] == b" done"
    assert process.returncode == 0


def test_stdin_is_empty(desk: Desk) -> None:
    ended = desk.exec("--", "sh", "-c", "cat; echo end")
    assert (ended.status, ended.out) == (0, b"end\n")


def test_a_background_child_does_not_delay_the_end(desk: Desk) -> None:
    ended = desk.exec("--", "sh", "-c", "sleep 250 & echo $! >child; echo started")
    assert (ended.status, ended.out) == (0, b"started\n")
    wait_until((desk.work / "child").exists)


def test_environment_values_arrive(desk: Desk) -> None:
    value = 'it\'s "quoted" $HOME \\ ; é'
    ended = desk.exec("--var", f"SECRET={value}", "--", "sh", "-c", 'printf %s "$SECRET"')
    assert (ended.status, ended.out) == (0, value.encode())


def test_the_directory_is_where_it_was_typed(desk: Desk) -> None:
    assert desk.exec("--", "pwd").out == f"{desk.work}\n".encode()


def test_another_directory_is_made(desk: Desk) -> None:
    there = desk.work / "a b" / "c"
    ended = desk.exec("--execdir", str(there), "--create-execdir", "--", "pwd")
    assert (ended.status, ended.out) == (0, f"{there}\n".encode())


def test_a_directory_that_is_not_there(desk: Desk) -> None:
    ended = desk.exec("--execdir", str(desk.work / "absent"), "--", "touch", "ran")
    assert (ended.status, ended.kind) == (71, "remote setup failed")
