"""Servers that report the end of a process in odd orders, or oddly: never a wrong status.

What breaks the protocol ends the connection, as ConnectionLost; what OpenSSH passes over is passed
over.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Union

import pytest

from qxub.transport import Completion, Exited, NoStatus, Signalled
from tests.fakes.hostile_messages import (
    CLOSE,
    END,
    EOF,
    OUT,
    SEVEN,
    about,
    data,
    died,
    extended,
    number,
    request,
    status,
)
from tests.fakes.hostile_server import CHANNEL_REQUEST, Peer, sends, string, then
from tests.transport.hostile import check, commanded, outcome

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("nothing_is_printed")


def signalled(name: str, *, core: bool = False, words: str = "") -> Signalled:
    return Signalled(name, core_dumped=core, message=words)


Case = tuple[tuple[bytes, ...], Union[Completion, str]]
"""what is sent after "the command runs", and how that ends: a str is ConnectionLost's message"""

# Orders that RFC 4254 allows, and some that it does not; OUT comes once in each.
ORDERS: dict[str, Case] = {
    "as sshd does it": ((OUT, EOF, SEVEN, CLOSE), Exited(7)),
    "status first": ((SEVEN, OUT, *END), Exited(7)),
    "status between": ((OUT, SEVEN, *END), Exited(7)),
    "status and CLOSE without EOF": ((OUT, SEVEN, CLOSE), Exited(7)),
    "signal and CLOSE without EOF": ((OUT, died(b"TERM"), CLOSE), signalled("TERM")),
    "no CLOSE": ((OUT, EOF, SEVEN), Exited(7)),
    "no status": ((OUT, *END), NoStatus()),
    "nothing but CLOSE": ((OUT, CLOSE), NoStatus()),
    "status after CLOSE": ((OUT, *END, SEVEN), NoStatus()),
    "EOF twice": ((OUT, EOF, EOF, SEVEN, CLOSE), Exited(7)),
    "CLOSE twice": ((OUT, EOF, SEVEN, CLOSE, CLOSE), Exited(7)),
    "data after EOF": ((OUT, EOF, data(b"late"), extended(b"late"), SEVEN, CLOSE), Exited(7)),
    "data after CLOSE": ((OUT, SEVEN, *END, data(b"late"), extended(b"late")), Exited(7)),
}

# Reports of the end. The first counts: a second one cannot be known to be the right one.
REPORTS: dict[str, Case] = {
    "0": ((status(0),), Exited(0)),
    "256 is not 0": ((status(256),), Exited(256)),
    "the greatest": ((status(0xFFFFFFFF),), Exited(0xFFFFFFFF)),
    "one that wants a reply": ((status(7, reply=True),), Exited(7)),
    "two": ((status(7), status(0)), Exited(7)),
    "two of the same": ((status(7), status(7)), Exited(7)),
    "status and signal": ((status(7), died(b"TERM")), Exited(7)),
    "signal and status": ((died(b"TERM"), status(0)), signalled("TERM")),
    "status of no bytes": ((request(b"exit-status"),), "malformed exit status"),
    "status of three bytes": ((request(b"exit-status", bytes(3)),), "malformed exit status"),
    "status of five bytes": ((request(b"exit-status", bytes(5)),), "malformed exit status"),
    "status of eight bytes": ((request(b"exit-status", bytes(8)),), "malformed exit status"),
    "status for another channel": (
        (about(CHANNEL_REQUEST, string(b"exit-status") + b"\0" + number(0), channel=1),),
        "",
    ),
    "signal, core and words": (
        (died(b"SEGV", 1, "é\n".encode()),),
        signalled("SEGV", core=True, words=r"é\n"),
    ),
    "signal of no name": ((died(b""),), signalled("")),
    "signal with an escape sequence": (
        (died(b"\x1b[31m\x07", 0, b"\x1b]0;x\x07"),),
        signalled(r"\x1b[31m\x07", words=r"\x1b]0;x\x07"),
    ),
    "signal that is no text": ((died(b"\xff\xfe"),), ""),
    "signal with words that are no text": ((died(b"TERM", 0, b"\xff\xfe"),), ""),
    "signal without a name's end": ((request(b"exit-signal", number(100) + b"TERM"),), ""),
    "signal that ends with its name": ((request(b"exit-signal", string(b"TERM")),), ""),
    "signal of nothing": ((request(b"exit-signal"),), ""),
    "unknown request": ((request(b"x@y", b"abc"), SEVEN), Exited(7)),
    "request of no kind": ((request(b""), SEVEN), Exited(7)),
    "request that is cut off": ((about(CHANNEL_REQUEST, number(100)), SEVEN), Exited(7)),
}


@pytest.mark.parametrize("pause", [0, 0.1], ids=["at once", "when all has come"])
@pytest.mark.parametrize("case", ORDERS)
def test_orders_of_the_end(case: str, pause: float, tmp_path: Path) -> None:
    payloads, expected = ORDERS[case]
    with commanded(then(sends(*payloads), Peer.stall), tmp_path) as process:
        time.sleep(pause)
        got, out, err = outcome(process)
    check(got, expected)
    assert (out, err) == (b"abc", b"")


@pytest.mark.parametrize("case", REPORTS)
def test_reports_of_the_end(case: str, tmp_path: Path) -> None:
    reports, expected = REPORTS[case]
    with commanded(then(sends(OUT, *reports, *END), Peer.stall), tmp_path) as process:
        got, out, err = outcome(process)
    check(got, expected)
    assert (out, err) == (b"abc", b"")


@pytest.mark.parametrize(
    "payloads",
    [(OUT,), (OUT, SEVEN), (OUT, died(b"TERM"))],
    ids=["nothing", "status but no EOF", "signal but no EOF"],
)
def test_line_that_ends_before_the_output_is_complete(
    payloads: tuple[bytes, ...], tmp_path: Path
) -> None:
    """That the process has ended is known then, but not that this is all that it wrote."""
    with commanded(sends(*payloads), tmp_path) as process:
        got, out, _ = outcome(process)
    check(got, "3 bytes of stdout")
    assert out == b"abc"


def test_line_that_ends_after_the_output_is_complete(tmp_path: Path) -> None:
    with commanded(sends(OUT, EOF, SEVEN), tmp_path) as process:
        assert outcome(process) == (Exited(7), b"abc", b"")


def test_line_that_ends_between_output_and_status(tmp_path: Path) -> None:
    with commanded(sends(OUT, EOF), tmp_path) as process:
        got, out, _ = outcome(process)
    check(got, "3 bytes of stdout")
    assert out == b"abc"
