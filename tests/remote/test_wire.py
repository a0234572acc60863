"""The frames: what is written is what is read, however the bytes are cut."""

from __future__ import annotations

import io
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qxub.errors import RefusedError
from qxub.job import Outcome, OutcomeKind
from qxub.remote import wire

frames = st.builds(
    wire.Frame,
    type=st.sampled_from([wire.OUT, wire.ERR, wire.EVENT, b"?"]),
    payload=st.binary(max_size=300),
    offset=st.integers(0, 2**64 - 1),
)
outcomes = st.one_of(
    st.builds(
        Outcome,
        st.just(OutcomeKind.COMPLETED),
        status=st.integers(0, 255),
        job_id=st.none() | st.text(),
    ),
    st.builds(Outcome, st.just(OutcomeKind.SIGNALLED), signal=st.integers(1, 127)),
    st.builds(
        Outcome,
        st.sampled_from([k for k in OutcomeKind if k.exit_status is not None]),
        detail=st.text(),
    ),
)


@given(st.lists(frames), st.integers(1, 50))
def test_frames_survive_any_cutting(sent: list[wire.Frame], size: int) -> None:
    data = b"".join(frame.encode() for frame in sent)
    reader = wire.FrameReader()
    pieces = (data[start : start + size] for start in range(0, len(data), size))
    assert [frame for piece in pieces for frame in reader.feed(piece)] == sent


@given(outcomes)
def test_outcomes_survive_the_wire(outcome: Outcome) -> None:
    assert wire.decode_outcome(wire.encode_outcome(outcome).payload) == outcome


def test_errors_survive_the_wire() -> None:
    frame = wire.encode_error(RefusedError("too much", hint="ask for less"))
    assert wire.decode_error(frame.payload) == (OutcomeKind.REFUSED, "too much", "ask for less")


def test_what_claims_too_much_is_no_frame() -> None:
    with pytest.raises(ValueError, match="claims"):
        list(wire.FrameReader().feed(b"Welcome to the cluster of the university!"))


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"{}", b"\xff", b'{"kind": "fine"}', b'{"kind": "completed", "status": 999}'],
)
def test_no_outcome_is_made_of_nonsense(payload: bytes) -> None:
    with pytest.raises(ValueError, match="."):
        wire.decode_outcome(payload)


def test_a_field_that_a_newer_version_added_is_passed_over() -> None:
    payload = b'{"kind": "completed", "status": 3, "walltime_used": 12}'
    assert wire.decode_outcome(payload) == Outcome(OutcomeKind.COMPLETED, status=3)


def test_the_writer_counts_each_stream_s_bytes() -> None:
    stream = io.BytesIO()
    writer = wire.FrameWriter(stream, "n")
    writer.stdout(b"abc")
    writer.stderr(b"x")
    writer.stdout(b"de")
    greeting, _, rest = stream.getvalue().partition(b"\n")
    assert greeting == b"n wire 1"
    sent = list(wire.FrameReader().feed(rest))
    assert sent == [
        wire.Frame(wire.OUT, b"abc", 0),
        wire.Frame(wire.ERR, b"x", 0),
        wire.Frame(wire.OUT, b"de", 3),
    ]


def test_stdin_carries_a_cancellation_and_its_end_is_none() -> None:
    writer = wire.FrameWriter(io.BytesIO(), "n")
    cancelled = threading.Event()
    read_end, write_end = os.pipe()
    os.close(write_end)
    with io.FileIO(read_end) as stdin:
        writer.obey(stdin, cancelled)
    assert not cancelled.is_set()
    with pytest.raises(BrokenPipeError):
        writer.tick()
    read_end, write_end = os.pipe()
    os.write(write_end, wire.Frame(wire.CANCEL).encode())
    os.close(write_end)
    with io.FileIO(read_end) as stdin:
        writer.obey(stdin, cancelled)
    assert cancelled.is_set()
