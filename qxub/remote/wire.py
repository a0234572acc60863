"""The frames between two qxubs, on the stdin and stdout of one SSH channel.

The far qxub that finds QXUB_WIRE=<version>:<nonce> in its environment greets with a line
`<nonce> wire <version>` and then writes frames: a type (1 byte), an offset (8 bytes, big endian;
for OUT and ERR the count of that stream's bytes sent before), a length (4 bytes), and the payload.
One that does not know the variable writes plain output instead of the greeting.
"""

from __future__ import annotations

import dataclasses
import json
import struct
import threading
import time
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from qxub.job import Outcome, OutcomeKind

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from qxub.errors import QxubError

VERSION = 1
VARIABLE = "QXUB_WIRE"
RUN_VARIABLE = "QXUB_RUN_ID"
HEARTBEAT_INTERVAL = 10.0
"""seconds between two signs of life from the far side"""
MAX_PAYLOAD = 1 << 20
"""bytes; a longer frame means that this is no frame"""

OUT, ERR, EVENT, HEARTBEAT, OUTCOME, ERROR = b"O", b"E", b"V", b"H", b"R", b"X"
CANCEL = b"C"

_HEAD = struct.Struct(">cQI")


class Frame(NamedTuple):
    """One message."""

    type: bytes
    payload: bytes = b""
    offset: int = 0

    def encode(self) -> bytes:
        """Return the frame's bytes."""
        return _HEAD.pack(self.type, self.offset, len(self.payload)) + self.payload


class FrameReader:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield every frame that is complete. Raises ValueError for what is no frame."""
        self._buffer += data
        while len(self._buffer) >= _HEAD.size:
            kind, offset, length = _HEAD.unpack_from(self._buffer)
            if length > MAX_PAYLOAD:
                message = f"a frame of type {kind!r} claims {length} bytes"
                raise ValueError(message)
            end = _HEAD.size + length
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[_HEAD.size : end])
            del self._buffer[:end]
            yield Frame(kind, payload, offset)


def greeting(nonce: str) -> bytes:
    """Return the line before the first frame."""
    return f"{nonce} wire {VERSION}\n".encode()


def variable(nonce: str) -> str:
    """Return the value of QXUB_WIRE that asks for frames."""
    return f"{VERSION}:{nonce}"


def encode_outcome(outcome: Outcome) -> Frame:
    """Return the last frame of a run that ended."""
    fields = {**dataclasses.asdict(outcome), "kind": outcome.kind.label}
    return Frame(OUTCOME, json.dumps(fields).encode())


def decode_outcome(payload: bytes) -> Outcome:
    """Return the outcome that arrived. Raises ValueError for one that contradicts itself."""
    fields = _decode(payload, "kind")
    known = {field.name for field in dataclasses.fields(Outcome)}
    fields = {name: value for name, value in fields.items() if name in known}
    return Outcome(**{**fields, "kind": OutcomeKind.labelled(fields["kind"])})


def encode_error(error: QxubError) -> Frame:
    """Return the last frame of a run that an error ended."""
    fields = {"kind": error.kind.label, "message": error.message, "hint": error.hint}
    return Frame(ERROR, json.dumps(fields).encode())


def decode_error(payload: bytes) -> tuple[OutcomeKind, str, str]:
    """Return kind, message and hint of the error that arrived."""
    fields = _decode(payload, "kind", "message", "hint")
    return OutcomeKind.labelled(fields["kind"]), str(fields["message"]), str(fields["hint"])


def decode_event(payload: bytes) -> tuple[str, dict[str, str]]:
    """Return name and details of the event that arrived."""
    fields = _decode(payload, "event")
    return str(fields.pop("event")), {name: str(value) for name, value in fields.items()}


def _decode(payload: bytes, *required: str) -> dict[str, Any]:
    """Return the JSON object of a frame. Raises ValueError when it is none, or lacks a key."""
    fields = json.loads(payload)
    if not isinstance(fields, dict) or not fields.keys() >= set(required):
        message = f"a frame lacks one of {', '.join(required)}: {payload[:200]!r}"
        raise ValueError(message)
    return fields


class FrameWriter:
    """The far side: a RunObserver that writes frames, and a heartbeat while there is nothing.

    When the line is gone it raises BrokenPipeError in whoever observes; the job goes on.
    """

    def __init__(self, stream: BinaryIO, nonce: str) -> None:
        self._stream = stream
        self._sent = {OUT: 0, ERR: 0}
        self._last_write = time.monotonic()
        self._line_ended = threading.Event()
        stream.write(greeting(nonce))
        stream.flush()

    def stdout(self, data: bytes) -> None:
        """Send the job's next bytes of stdout."""
        self._send_stream(OUT, data)

    def stderr(self, data: bytes) -> None:
        """Send the job's next bytes of stderr."""
        self._send_stream(ERR, data)

    def event(self, name: str, **details: str) -> None:
        """Send that something happened."""
        self.send(Frame(EVENT, json.dumps({"event": name, **details}).encode()))

    def tick(self) -> None:
        """Send a heartbeat when one is due."""
        if self._line_ended.is_set():
            raise BrokenPipeError
        if time.monotonic() - self._last_write >= HEARTBEAT_INTERVAL:
            self.send(Frame(HEARTBEAT))

    def end(self, outcome: Outcome) -> None:
        """Send how the run ended."""
        self.send(encode_outcome(outcome))

    def send(self, frame: Frame) -> None:
        """Send one frame whole."""
        self._stream.write(frame.encode())
        self._stream.flush()
        self._last_write = time.monotonic()

    def obey(self, stream: io.RawIOBase, cancelled: threading.Event) -> None:
        """Obey the frames that arrive on stdin, until its end. Runs in a thread of its own.

        The end of stdin is no command: a line that went must not end the job. The stream is a raw
        one: a buffered one is locked while it is read, and Python cannot end before that.
        """
        reader = FrameReader()
        while data := stream.read(4096):
            for frame in reader.feed(data):
                if frame.type == CANCEL:
                    cancelled.set()
        self._line_ended.set()

    def _send_stream(self, kind: bytes, data: bytes) -> None:
        self.send(Frame(kind, data, self._sent[kind]))
        self._sent[kind] += len(data)
