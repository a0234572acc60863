"""stdout and stderr: every byte, in order, apart, and at once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from qxub.transport import Exited
from tests.transport.contract.hosts import MIB, numbers, run, scaled

if TYPE_CHECKING:
    from tests.transport.contract.hosts import FarHost

RANDOM_ON_BOTH = """\
d=$(mktemp -d) && trap 'rm -r "$d"' EXIT && cd "$d" || exit 1
head -c {size} /dev/urandom >out; head -c {size} /dev/urandom >err
cat out & cat err >&2; wait
sha256sum out err
"""


def test_much_on_both_streams_at_once(far: FarHost) -> None:
    """The far side makes the bytes, and says their digests when all of them have been written."""
    size = scaled(64 * MIB)
    end, out, err = far.run(RANDOM_ON_BOTH.format(size=size))
    words = out[size:].split()
    assert (end, len(err), len(words)) == (Exited(0), size, 4)
    assert hashlib.sha256(out[:size]).hexdigest() == words[0].decode()
    assert hashlib.sha256(err).hexdigest() == words[2].decode()


def test_alternating_small_writes(far: FarHost) -> None:
    last = scaled(20_000)
    end, out, err = far.run(
        f"i=0; while [ $i -lt {last} ]; do i=$((i+1)); echo $i; echo $i >&2; done"
    )
    assert (end, out == numbers(last), err == numbers(last)) == (Exited(0), True, True)


def test_one_byte_at_a_time(far: FarHost) -> None:
    count = scaled(200_000)
    end, out, err = far.run(f"seq 1 {count} | dd bs=1 count={count} 2>/dev/null")
    assert (end, out == numbers(count)[:count], err) == (Exited(0), True, b"")


@pytest.mark.parametrize("size", [0, 1, 32767, 32768, 32769, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_sizes_about_packet_and_window(far: FarHost, size: int, stream: str) -> None:
    to = ">&2" if stream == "stderr" else ""
    end, out, err = far.run(f"head -c {size} /dev/zero {to}; exit 3")
    data = bytes(size)
    expected = (b"", data) if stream == "stderr" else (data, b"")
    assert (end, (out, err) == expected) == (Exited(3), True)


def test_much_on_one_stream_and_a_word_on_the_other(far: FarHost) -> None:
    size = 4 * MIB
    end, out, err = far.run(f"echo begin >&2; head -c {size} /dev/zero; echo end >&2")
    assert (end, out == bytes(size), err) == (Exited(0), True, b"begin\nend\n")


def test_no_output(far: FarHost) -> None:
    assert far.run("exit 4") == (Exited(4), b"", b"")


def test_prompt_is_seen_before_it_is_answered(far: FarHost) -> None:
    out, err = b"", b""
    command = "printf 'name? '; read -r n; printf 'age? ' >&2; read -r a; printf '%s %s' $n $a"
    with far.connect() as connection, connection.start(command) as process:

        def take_out(data: bytes) -> None:
            nonlocal out
            out += data
            if out == b"name? ":
                process.write(b"Ann\n")

        def take_err(data: bytes) -> None:
            nonlocal err
            err += data
            if err == b"age? ":
                process.write(b"42\n")

        assert process.drain(take_out, take_err) == Exited(0)
    assert (out, err) == (b"name? Ann 42", b"age? ")


def test_first_half_of_a_line_is_seen_at_once(far: FarHost) -> None:
    """The other half is only written when the first has been seen."""
    seen: list[bytes] = []
    with far.connect() as connection, connection.start("printf half; cat") as process:

        def take(data: bytes) -> None:
            seen.append(data)
            if b"".join(seen) == b"half":
                process.write(b" and half")
                process.close_stdin()

        assert process.drain(take, seen.append) == Exited(0)
    assert b"".join(seen) == b"half and half"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("exec >&-; sleep 0.2; echo err >&2; exit 5", (Exited(5), b"", b"err\n")),
        ("exec 2>&-; sleep 0.2; echo out; exit 5", (Exited(5), b"out\n", b"")),
        ("echo out; exec >&- 2>&-; sleep 0.2; exit 5", (Exited(5), b"out\n", b"")),
        ("exec <&- >&- 2>&-; sleep 0.2; exit 5", (Exited(5), b"", b"")),
    ],
    ids=["stdout", "stderr", "both", "all three"],
)
def test_closed_over_there_before_the_end(
    far: FarHost, command: str, expected: tuple[object, bytes, bytes]
) -> None:
    with far.connect() as connection:
        assert run(connection, command) == expected
        assert run(connection, "exit 7").end == Exited(7)
