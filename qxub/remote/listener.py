"""What the far side says on one channel: stages, then frames or plain output."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from qxub.remote import wire
from qxub.remote.stages import StageReader

if TYPE_CHECKING:
    from qxub.job import Outcome, OutcomeKind
    from qxub.run import RunObserver

log = logging.getLogger(__name__)


class Listener:
    """Takes the bytes of both streams and tells the observer what they mean.

    The two streams arrive in two threads.
    """

    def __init__(self, observer: RunObserver, nonce: str) -> None:
        self.stages = StageReader(nonce)
        self.outcome: Outcome | None = None
        self.error: tuple[OutcomeKind, str, str] | None = None
        """kind, message and hint that the far qxub reported"""
        self.submitted: dict[str, str] = {}
        """what the far qxub told of the submission: job_id, scheduler, directory"""
        self._observer = observer
        self._stderr_stages = StageReader(nonce)
        self._greeting = wire.greeting(nonce)
        self._frames: wire.FrameReader | None = None
        self._is_plain = False
        self._held = {wire.OUT: bytearray(), wire.ERR: bytearray()}
        """what came while it was not clear whether there would be frames"""
        self._received = {wire.OUT: 0, wire.ERR: 0}
        self._lock = threading.Lock()

    @property
    def speaks_frames(self) -> bool:
        """Return whether the far qxub has greeted."""
        return self._frames is not None

    @property
    def is_plain(self) -> bool:
        """Return whether the far qxub has begun to write plain output."""
        return self._is_plain

    def noise(self) -> str:
        """Return what the far side printed on the way to the hand-over."""
        both = self.stages.noise() + self._stderr_stages.noise()
        return both.decode(errors="replace").strip()

    def held_stderr(self) -> str:
        """Return what a far qxub that never greeted has said on stderr."""
        return self._held[wire.ERR].decode(errors="replace").strip()

    def take_stdout(self, data: bytes) -> None:
        """Take the channel's next bytes of stdout. Raises ValueError for a broken frame."""
        with self._lock:
            data = self.stages.feed(data)
            if self._frames is None and not self._is_plain and data:
                data = self._decide(data)
        if self._frames is not None:
            for frame in self._frames.feed(data):
                self._take_frame(frame)
        elif self._is_plain and data:
            self._observer.stdout(data)

    def take_stderr(self, data: bytes) -> None:
        """Take the channel's next bytes of stderr."""
        with self._lock:
            data = self._stderr_stages.feed(data)
            if self._frames is None and not self._is_plain:
                self._held[wire.ERR] += data
                return
        if self._is_plain:
            self._observer.stderr(data)
        elif data:
            self._observer.event("remark", text=data.decode(errors="replace").rstrip())

    def flush_plain(self) -> None:
        """Hand on what was held, after the end, of a far qxub that wrote no frames."""
        self._is_plain = True
        self._observer.stdout(bytes(self._held[wire.OUT]))
        self._observer.stderr(bytes(self._held[wire.ERR]))
        self._held = {wire.OUT: bytearray(), wire.ERR: bytearray()}

    def _decide(self, data: bytes) -> bytes:
        """Compare what comes with the greeting; return the bytes that are beyond the decision."""
        held = self._held[wire.OUT]
        held += data
        if held.startswith(self._greeting):
            self._frames = wire.FrameReader()
            rest = bytes(held[len(self._greeting) :])
        elif self._greeting.startswith(held):
            return b""
        else:
            self._is_plain = True
            rest = bytes(held)
            self._observer.stderr(bytes(self._held[wire.ERR]))
            self._held[wire.ERR].clear()
        held.clear()
        return rest

    def _take_frame(self, frame: wire.Frame) -> None:
        if frame.type in (wire.OUT, wire.ERR):
            self._take_output(frame)
        elif frame.type == wire.EVENT:
            name, details = wire.decode_event(frame.payload)
            if name == "submitted":
                self.submitted = details
            self._observer.event(name, **details)
        elif frame.type == wire.OUTCOME:
            self.outcome = wire.decode_outcome(frame.payload)
        elif frame.type == wire.ERROR:
            self.error = wire.decode_error(frame.payload)
        elif frame.type == wire.HEARTBEAT:
            self._observer.tick()
        else:
            log.debug("a frame of unknown type %r was passed over", frame.type)

    def _take_output(self, frame: wire.Frame) -> None:
        if frame.offset != self._received[frame.type]:
            message = f"bytes are missing: {self._received[frame.type]} to {frame.offset}"
            raise ValueError(message)
        self._received[frame.type] += len(frame.payload)
        sink = self._observer.stdout if frame.type == wire.OUT else self._observer.stderr
        sink(frame.payload)
